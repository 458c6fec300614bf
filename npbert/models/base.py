"""What all models share: loading, the checks of their input, and the call."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Self, TypedDict, TypeVar, Unpack, cast

import numpy as np
from numpy.typing import ArrayLike

from npbert.arguments import reject_unknown, without_ported
from npbert.checkpoints.config import DistilBertConfig, LoadingOptions, config_changes
from npbert.checkpoints.mapped_files import MappedFiles
from npbert.checkpoints.parameters import HeadKind
from npbert.checkpoints.safetensors_files import CheckpointError
from npbert.checkpoints.sources import CONFIG_FILE, ModelSource, elsewhere, split_hub_options
from npbert.checkpoints.weight_files import WEIGHTS_FILE, files_to_copy
from npbert.checkpoints.weights import find_non_finite, load_parameters, named_arrays
from npbert.distilbert.activations import Array
from npbert.distilbert.cpus import default_threads
from npbert.distilbert.model import (
    Encoder,
    Pack,
    Selector,
    attention_of,
    encode,
    hidden_states,
    select_all,
    select_first,
)
from npbert.distilbert.packs import compute_in_packs
from npbert.distilbert.tree import count_parameters, draw_tree, grow_tree
from npbert.models.outputs import ModelOutput, OutputFields
from npbert.models.padding import (
    BoolArray,
    Trace,
    check_first_is_seen,
    padded_attentions,
    padded_hidden_states,
    read_padded,
)

HeadT = TypeVar("HeadT")  # the parameters of the head
OutputT = TypeVar("OutputT", bound=ModelOutput)  # what the call returns


class IgnoredInputs(TypedDict, total=False):
    """Inputs of transformers' models that can only be None here, because npbert does not train."""

    labels: None
    head_mask: None
    start_positions: None
    end_positions: None
    past_key_values: None


class ModelCallOptions(IgnoredInputs, total=False):
    """What a model's call takes after its first three arguments; see `PreTrainedModel`."""

    position_ids: ArrayLike | None
    output_hidden_states: bool | int | Iterable[int] | None
    output_attentions: bool | None
    token_type_ids: ArrayLike | None


class PreTrainedModel(ABC, Generic[HeadT, OutputT]):
    """The base of all models.

    Parameters
    ----------
    config : DistilBertConfig
        The sizes of the model, and the names of its labels.
    encoder : Encoder
        Parameters of the encoder.
    head
        The parameters of the head; None for the bare encoder.

    Attributes
    ----------
    device, dtype : str
        Always "cpu" and "float32".
    files : MappedFiles
        The files that must not change while the model is in use.

    Notes
    -----
    Models hold no state but their weights, so several threads can share one. In Python and in
    notebooks, a model shows itself as a tree of its parts, with shapes and numbers of parameters.
    """

    device: ClassVar[str] = "cpu"
    dtype: ClassVar[str] = "float32"
    _axes: ClassVar[tuple[str, ...]] = ("batch", "seq")
    _head_kind: ClassVar[HeadKind[Any]]
    _reads_cls_alone: ClassVar[bool] = False  # whether the head reads the token [CLS] alone

    def __init__(self, config: DistilBertConfig, encoder: Encoder, head: HeadT) -> None:
        self.config = config
        self.encoder = encoder
        self.head = head
        self.files = MappedFiles()
        self._loaded_from: tuple[Path, str | None] | None = None  # the folder, and the variant

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        config: DistilBertConfig | str | Path | None = None,
        **options: Unpack[LoadingOptions],
    ) -> Self:
        """Load a model.

        Parameters
        ----------
        pretrained_model_name_or_path : str or Path
            A folder, a bundled name ("mini"), or a hub id.
        config : DistilBertConfig, str or Path, optional
            The config to use in place of the model's config.json. The model keeps a copy of it. If
            it is a str or Path, it is another config.json, or the name of another model, whose
            config.json is used.
        **options
            `revision`, `subfolder`, `variant`, `cache_dir`, `local_files_only`, `token` and
            `disable_mmap` (see `HubOptions`); values in place of those in config.json, such as
            ``output_attentions=True`` (see `ConfigOptions`); and keywords of ported code that
            change nothing here, such as ``dtype="auto"`` (see `PortedOptions`).

        Returns
        -------
        model
            An instance of this class.

        Raises
        ------
        OSError
            If the model cannot be found or fetched.
        CheckpointError
            If its weights are damaged, or do not fit its config or this class.
        TypeError
            If a keyword is unknown, or `config` is of another type.
        ValueError
            If the model's name or its config cannot be honoured, or if both `config` and values
            in place of those in config.json are given.
        """
        of_hub, others = split_hub_options(options)
        changes = config_changes(f"{cls.__name__}.from_pretrained()", others)
        source = ModelSource(pretrained_model_name_or_path, **of_hub)
        check = DistilBertConfig.from_json_file
        if isinstance(config, (str, Path)):
            of_hub = elsewhere(of_hub)
            config = DistilBertConfig.from_pretrained(config, **of_hub, **changes)
        elif config is not None and not isinstance(config, DistilBertConfig):
            raise TypeError(
                f"config is a {type(config).__module__}.{type(config).__name__}, expected an "
                "npbert.DistilBertConfig, or the name of a model; DistilBertConfig.from_dict makes "
                "one from the contents of a config.json"
            )
        elif config is not None and changes:
            raise ValueError(f"config and {min(changes)} are both given; put it into the config")
        folder = source.resolve(check_config=check)
        if config is None:
            config = check(folder / CONFIG_FILE, changes)
        config = copy.deepcopy(config)  # so that the caller's own one stays as it is
        config.name_or_path = str(pretrained_model_name_or_path)
        encoder, head, files = load_parameters(
            folder, config, cls._head_kind, source.variant, disable_mmap=bool(source.disable_mmap)
        )
        model = cls(config, encoder, head)
        model.files = files
        model._loaded_from = folder, source.variant
        return model

    def save_pretrained(self, save_directory: str | Path) -> tuple[str, ...]:
        """Write config.json, and copy the files of the weights.

        Parameters
        ----------
        save_directory : str or Path
            The folder. It is made if it does not exist.

        Returns
        -------
        tuple of str
            The paths of the files. The weights are those of the files from which the model was
            loaded, in their types, without the word of a `variant` in their names.

        Raises
        ------
        FileExistsError
            If the folder has files of these names that hold something else.
        ValueError
            If the model was not loaded from files, or if there are others in their place by now.
        """
        from npbert.checkpoints.saving import write_files

        if self._loaded_from is None:
            raise ValueError(
                f"this {type(self).__name__} was not loaded by from_pretrained, so there are no "
                "files of its weights to copy"
            )
        self.files.require_in_place()
        contents: dict[str, str | Path] = {CONFIG_FILE: self.config.to_json_string()}
        contents |= files_to_copy(*self._loaded_from)
        other = Path(save_directory) / WEIGHTS_FILE
        if WEIGHTS_FILE not in contents and other.exists():  # it would be read in place of shards
            raise FileExistsError(
                f"{other} exists, and would be read in place of the files of this model; choose "
                "another folder, or remove it"
            )
        return write_files(Path(save_directory), contents)

    def __call__(
        self,
        input_ids: ArrayLike | None = None,
        attention_mask: ArrayLike | None = None,
        inputs_embeds: ArrayLike | None = None,
        *,
        return_dict: Literal[True] | None = None,
        **options: Unpack[ModelCallOptions],
    ) -> OutputT:
        """Compute the output of the model for padded rows of token ids.

        Parameters
        ----------
        input_ids : int array (batch, seq)
            For multiple choice its shape is (batch, choices, seq), and the other arrays have this
            axis too.
        attention_mask : array (batch, seq) of 0 and 1, optional
            A 0 hides a token. By default no token is hidden.
        inputs_embeds : float array (batch, seq, dim), optional
            Vectors that are used in place of the word embeddings of `input_ids`. Either
            `input_ids` or `inputs_embeds` must be given, and not both.
        return_dict : bool, optional
            With False, the result is a tuple of the fields that have a value, for the sake of
            ported code. Type checkers do not know of this tuple; ``model(…).to_tuple()`` returns
            the same one, and they know its type.
        position_ids : int array (batch, seq), (1, seq) or (seq,), optional
            The position of each token. By default it is the number of the token's column.
        output_hidden_states, output_attentions : bool, optional
            Whether to add these fields to the result. Both take memory. The attentions also take
            time. The number of a hidden state, or a list of numbers, selects some of the hidden
            states: 0 in a list is the embeddings, -1 is the output of the last layer. The others
            are None then, and type checkers do not know of this. A number beyond the last layer
            selects nothing. The number 0 alone means False, as in transformers.
        token_type_ids : ignored
            Tokenizers made for BERT send them. DistilBERT has no token types.
        **options
            `position_ids` and the arguments after it, and the arguments of `IgnoredInputs`.

        Returns
        -------
        ModelOutput
            The docstring of the model's class names the class of its output.

        Raises
        ------
        TypeError
            If `input_ids` are not integers, `output_hidden_states` is not of these types, or a
            keyword is unknown.
        ValueError
            If a shape, an id, a length or the mask cannot be honoured.
        CheckpointError
            If the output is not finite; the message names the tensors that are to blame. Or if a
            program has written into the files of the model.
        """
        refused = [
            name
            for name, value in options.items()
            if name not in _CALL_OPTIONS or (name in _IGNORED_INPUTS and value is not None)
        ]
        reject_unknown(f"{type(self).__name__}()", refused, _CALL_KEYWORDS)
        config = self.config
        texts, mask = read_padded(
            config,
            input_ids,
            attention_mask,
            inputs_embeds,
            options.get("position_ids"),
            self._axes,
        )
        if self._reads_cls_alone:
            check_first_is_seen(mask)
        n_threads = default_threads()
        fields: OutputFields = {}
        wanted = options.get("output_hidden_states")
        wanted = config.output_hidden_states if wanted is None else wanted
        selected = _selected(wanted, config.n_layers + 1)
        with_attentions = _given(options.get("output_attentions"), config.output_attentions)
        if selected is not None or with_attentions:
            trace = partial(self._trace, with_attentions=with_attentions)
            traces = compute_in_packs(trace, texts, n_threads)
            rows = [trace.rows for trace in traces]
            if selected is not None:
                states = padded_hidden_states(traces, mask, config, selected)
                fields["hidden_states"] = cast("tuple[Array, ...]", states)
            if with_attentions:
                fields["attentions"] = padded_attentions(traces, mask, config)
        else:
            rows = compute_in_packs(self.forward_pack, texts, n_threads)
        none = self._apply_head(np.zeros((config.dim, 0), np.float32))  # (0, outputs)
        output = self._make_output(np.concatenate([none, *rows]), mask, fields)
        if not _given(return_dict, config.return_dict):
            return output.to_tuple()  # type: ignore[return-value]
        return output

    forward = __call__

    def __repr__(self) -> str:
        parts: dict[str, object] = {"encoder": self.encoder}
        if self.head is not None:
            parts["head"] = self.head
        tree = draw_tree(grow_tree(type(self).__name__, parts))
        n_tied = sum(map(count_parameters, parts.values())) - self.num_parameters()
        if not n_tied:
            return tree
        return f"{tree}\n{n_tied:,} of them are the word embeddings, which stand here twice."

    @property
    def num_labels(self) -> int:
        """The number of labels, from the config."""
        return self.config.num_labels

    @property
    def name_or_path(self) -> str:
        """What the model was loaded by: a folder, a bundled name or a hub id."""
        return self.config.name_or_path

    def num_parameters(
        self,
        only_trainable: bool = False,  # noqa: ARG002 (of transformers, where weights can be frozen)
        exclude_embeddings: bool = False,
    ) -> int:
        """Count the numbers in the weights.

        Parameters
        ----------
        only_trainable : bool
            Changes nothing: all weights of a model can be trained, although not in npbert.
        exclude_embeddings : bool
            Whether to leave out the word and the position embeddings.

        Returns
        -------
        int
            The word embeddings count once, also if they serve as the projector of the head.
        """
        embeddings = self.encoder.embeddings
        words, positions = embeddings.word_embeddings, embeddings.position_embeddings
        others = [
            array
            for _, array in named_arrays((self.encoder, self.head))
            if array is not words and not np.array_equal(array, words)
        ]
        count = words.size + sum(array.size for array in others)
        return count - words.size - positions.size if exclude_embeddings else count

    def eval(self) -> Self:
        """Return the model, which is always in the state for inference."""
        return self

    def cpu(self) -> Self:
        """Return the model, which is always on the CPU."""
        return self

    def float(self) -> Self:
        """Return the model, which is always in float32."""
        return self

    def to(self, device: object) -> Self:
        """Return the model, which is always on the CPU.

        Parameters
        ----------
        device : object
            The CPU, as ``"cpu"``, ``torch.device("cpu")``, -1 or None.

        Returns
        -------
        model
            The model itself.

        Raises
        ------
        ValueError
            If `device` is not the CPU.
        """
        without_ported({"device": device})
        return self

    def forward_pack(self, pack: Pack, selector: Selector | None = None) -> Array:
        """Compute the output of the head for one pack.

        Parameters
        ----------
        pack : Pack
            The real tokens of several texts, side by side.
        selector : callable, optional
            Selects the tokens whose output is wanted; by default those that the head needs.

        Returns
        -------
        float32 array (columns, outputs)
            One row per text or one row per token, depending on the head.

        Raises
        ------
        CheckpointError
            If the result is not finite; the message names the tensors that are to blame. Or if a
            program has written into the files of the model.
        """
        with self.files.unchanged(), _no_notices():
            columns = encode(self.encoder, pack, selector or self._selector)
            return self._require_finite(self._apply_head(columns), pack)

    def with_encoder(self, encoder: Encoder) -> Self:
        """Return a model with another encoder, and with all else of this one.

        Parameters
        ----------
        encoder : Encoder
            It may share arrays with the encoder of this model.

        Returns
        -------
        model
        """
        other = copy.copy(self)
        other.encoder = encoder
        return other

    @property
    def _selector(self) -> Selector:
        return select_first if self._reads_cls_alone else select_all

    @abstractmethod
    def _apply_head(self, columns: Array, /) -> Array:
        """Compute the head: float32 (columns, outputs) from the encoder's (dim, columns)."""

    @abstractmethod
    def _make_output(self, rows: Array, mask: BoolArray, fields: OutputFields, /) -> OutputT:
        """Make the output of a call from the rows that `_apply_head` returned for all packs."""

    def _trace(self, pack: Pack, with_attentions: bool) -> Trace:
        """Compute one pack, and keep the arrays that are computed on the way."""
        with self.files.unchanged(), _no_notices():
            steps = list(hidden_states(self.encoder, pack, select_all))
            attentions: Sequence[list[Array]] = []
            if with_attentions:
                attentions = [
                    list(attention_of(layer.attention, x, pack.starts))
                    for layer, x in zip(self.encoder.layers, steps[:-1], strict=True)
                ]
            rows = self._apply_head(self._selector(steps[-1], pack.starts).x)
            return Trace(self._require_finite(rows, pack), steps, attentions)

    def _require_finite(self, rows: Array, pack: Pack) -> Array:
        if not np.isfinite(rows).all():
            bad = find_non_finite(self.encoder) + find_non_finite(self.head)
            if pack.inputs_embeds is not None and not bad:
                raise ValueError(
                    "the model's output is not finite: inputs_embeds or the weights are so large "
                    f"that float32 overflows; inputs_embeds holds up to "
                    f"{np.abs(pack.inputs_embeds).max():.3g}, expected numbers of the size of the "
                    "model's word embeddings"
                )
            cause = (
                f"there are NaN or infinite values in {', '.join(bad)}"
                if bad
                else "all weights are finite, but so large that float32 overflows"
            )
            name = self.config.name_or_path
            where = f"{name}: " if name else ""
            raise CheckpointError(
                f"{where}the model's output is not finite: {cause}; use another file"
            )
        return rows


def _no_notices() -> np.errstate:
    """Let NumPy not warn of numbers that overflow: an output that is not finite is an error."""
    return np.errstate(over="ignore", invalid="ignore")


_IGNORED_INPUTS = tuple(IgnoredInputs.__annotations__)
_CALL_OPTIONS = frozenset(ModelCallOptions.__annotations__)
_CALL_KEYWORDS = (
    "input_ids",
    "attention_mask",
    "inputs_embeds",
    "return_dict",
    *(_CALL_OPTIONS - {*_IGNORED_INPUTS}),
)


def _given(argument: bool | None, default: bool) -> bool:
    return default if argument is None else argument


def _selected(wanted: bool | int | Iterable[int], n_states: int) -> Set[int] | None:
    """Return the numbers of the wanted hidden states, from 0; None if there is to be no field."""
    if isinstance(wanted, bool):
        return frozenset(range(n_states)) if wanted else None
    if isinstance(wanted, (int, np.integer)):
        wanted = [int(wanted)] if wanted else []  # the number 0 is False
    numbers = list(wanted) if isinstance(wanted, Iterable) else [wanted]
    if not all(isinstance(number, (int, np.integer)) for number in numbers):
        raise TypeError(
            f"output_hidden_states is {wanted!r}, expected True, False, the number of a hidden "
            "state, or a list of such numbers"
        )
    if not numbers:
        return None
    return {number % n_states for number in numbers if -n_states <= number < n_states}
