"""Checks and types of arguments that several modules share."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from numbers import Integral
from typing import Any, Final, NamedTuple, Protocol, TypedDict, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class NotGiven(Enum):
    """The type of `NOT_GIVEN`."""

    NOT_GIVEN = "not given"

    def __repr__(self) -> str:
        return "NOT_GIVEN"


# The default of an argument for which None has a meaning of its own, such as top_k, where None
# means all labels. Every other argument that is not given is None.
NOT_GIVEN: Final = NotGiven.NOT_GIVEN


class Sized(Protocol[T_co]):
    """Several values: a list, a tuple, a NumPy array, a pandas Series, and the like."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[T_co]: ...


class ArrowColumn(Protocol):
    """A column of pyarrow; iteration over it yields pyarrow's own values, and not str."""

    def to_pylist(self) -> list[Any]:
        """Return the items as Python's own values."""
        ...


class Indexed(Protocol[T_co]):
    """A data set whose items are read by their numbers, counted from 0."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> T_co: ...


# Keywords of older releases of transformers: the keyword that took the place of each one, and how
# to write it now.
_RENAMED: Final = {
    "use_auth_token": ("token", "token=…"),
    "return_all_scores": ("top_k", "top_k=None"),
    "grouped_entities": ("aggregation_strategy", 'aggregation_strategy="simple"'),
    "ignore_subwords": ("aggregation_strategy", 'aggregation_strategy="first"'),
    "multi_class": ("multi_label", "multi_label=…"),
    "pad_to_max_length": ("padding", 'padding="max_length"'),
    "truncation_strategy": ("truncation", "truncation=…"),
    "is_pretokenized": ("is_split_into_words", "is_split_into_words=…"),
    "max_len": ("model_max_length", "model_max_length=…"),
}


_ALIKE: Final = 0.7  # how much two names have in common if one may be the other, misspelt


def reject_unknown(function: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Raise a TypeError for a keyword argument that does not exist, and say what to write.

    Parameters
    ----------
    function : str
        What the error message calls the function that was called.
    unknown : iterable of str
        The keywords that do not exist. If there are none, nothing is raised.
    known : iterable of str
        The keywords that exist.

    Raises
    ------
    TypeError
        If there is an unknown keyword. The message names the keyword that took its place, or the
        nearest one. If there is none, it names all keywords but those that change nothing.
    """
    known = sorted(known)
    for name in unknown:
        from difflib import get_close_matches  # most calls have no unknown name

        near = get_close_matches(name, known, n=1, cutoff=_ALIKE)
        successor, example = _RENAMED.get(name, ("", ""))
        if successor in known:
            hint = f"its present form is {example}"
        elif near:
            hint = f"did you mean {near[0]!r}?"
        else:
            listed = [known_name for known_name in known if known_name not in PORTED_NAMES]
            hint = f"expected one of: {', '.join(listed)}"
        raise TypeError(f"{function} got an unknown keyword argument {name!r}; {hint}")


class PortedOptions(TypedDict, total=False):
    """Keywords of code that was written for transformers; they change nothing here.

    A value that npbert cannot honour, such as ``device=0``, raises a ValueError, which says why.
    """

    device: object
    device_map: object
    dtype: object
    torch_dtype: object
    framework: str | None
    attn_implementation: str | None
    use_safetensors: bool | None
    force_download: bool | None
    proxies: None
    output_loading_info: bool | None
    ignore_mismatched_sizes: bool | None
    quantization_config: None
    load_in_8bit: bool | None
    load_in_4bit: bool | None
    gguf_file: None
    state_dict: None
    key_mapping: None
    use_kernels: bool | None
    feature_extractor: None
    image_processor: None
    video_processor: None
    processor: None
    pipeline_class: None
    binary_output: bool | None

    num_workers: int | None
    use_fast: bool | None
    from_slow: bool | None
    do_basic_tokenize: bool | None
    never_split: list[str] | None
    tokenizer_type: str | None
    low_cpu_mem_usage: bool | None
    trust_remote_code: bool | None
    code_revision: str | None
    weights_only: bool | None
    resume_download: bool | None
    mirror: str | None
    from_tf: bool | None
    from_flax: bool | None
    max_memory: object
    offload_folder: object
    offload_buffers: bool | None
    offload_state_dict: bool | None
    _fast_init: bool | None


class _Ported(NamedTuple):
    """One keyword of `PortedOptions` that has a value which npbert cannot honour.

    Attributes
    ----------
    harmless : tuple
        The values for which it is true that the keyword changes nothing.
    reason : str
        Why no other value can be honoured, and what to do.
    """

    harmless: tuple[object, ...]
    reason: str


_CPU: Final = ("cpu", -1, None)
_SWITCHED_OFF: Final = (False, None)
_CPU_BY_NUMBER: Final = re.compile(r"cpu:\d+")
_ON_CPU: Final = "npbert computes on the CPU only"
_IN_FLOAT32: Final = "npbert computes in float32 only, whatever type the file has"
_UNQUANTIZED: Final = "npbert computes with whole float weights only"
# The keywords that are not here have no effect, whatever their value: the memory never holds the
# weights twice, and no code is ever taken from a model.
_PORTED: Final[Mapping[str, _Ported]] = {
    "device": _Ported(_CPU, _ON_CPU),
    "device_map": _Ported((*_CPU, "auto", "balanced", "balanced_low_0", "sequential"), _ON_CPU),
    "dtype": _Ported(("float32", "float", "auto", None), _IN_FLOAT32),
    "torch_dtype": _Ported(("float32", "float", "auto", None), _IN_FLOAT32),
    "framework": _Ported(("np", "pt", None), "npbert needs no framework, and gives NumPy arrays"),
    "attn_implementation": _Ported(
        ("eager", "sdpa", None), "npbert has one attention of its own, with the numbers of these"
    ),
    "use_safetensors": _Ported(
        (True, None),
        "npbert reads safetensors alone, and never opens a pickle, because it can run any code",
    ),
    "force_download": _Ported(
        _SWITCHED_OFF,
        "what npbert has fetched of a commit never changes; to fetch it again, delete the model's "
        "folder in the cache",
    ),
    "proxies": _Ported((None,), "set the environment variables HTTP_PROXY and HTTPS_PROXY"),
    "output_loading_info": _Ported(
        _SWITCHED_OFF,
        "from_pretrained returns the model alone; a tensor that is missing or does not fit raises "
        "an error, and a tensor that is not used gives a warning",
    ),
    "ignore_mismatched_sizes": _Ported(
        _SWITCHED_OFF,
        "it puts random weights in the place of those that do not fit, and npbert does not train "
        "them; choose the config or the model class that fits the checkpoint",
    ),
    "quantization_config": _Ported((None,), _UNQUANTIZED),
    "load_in_8bit": _Ported(_SWITCHED_OFF, _UNQUANTIZED),
    "load_in_4bit": _Ported(_SWITCHED_OFF, _UNQUANTIZED),
    "gguf_file": _Ported((None,), "npbert reads safetensors alone"),
    "state_dict": _Ported((None,), "npbert reads the weights from the model's folder alone"),
    "key_mapping": _Ported(
        (None,), "npbert reads tensors under the names that transformers gives them; rename them"
    ),
    "use_kernels": _Ported(_SWITCHED_OFF, "npbert takes no compiled code from a hub"),
    **dict.fromkeys(
        ("feature_extractor", "image_processor", "video_processor", "processor"),
        _Ported((None,), "npbert reads text alone"),
    ),
    "do_basic_tokenize": _Ported(
        (True, None), "a tokenizer of BERT splits a text into words before it splits words"
    ),
    "never_split": _Ported(
        ([], None), "name such words with extra_special_tokens=[…]; they stay whole in every text"
    ),
    "tokenizer_type": _Ported(
        ("distilbert", "bert", None),
        "npbert reads the tokenizers of BERT, and those that a tokenizer.json describes",
    ),
    "pipeline_class": _Ported((None,), "npbert has one class for each task"),
    "binary_output": _Ported(_SWITCHED_OFF, "npbert returns results, and writes no pickles"),
}
PORTED_NAMES: Final = tuple(PortedOptions.__annotations__)


def without_ported(arguments: Mapping[str, object]) -> dict[str, Any]:
    """Check the arguments of `PortedOptions`, and return all other arguments.

    Parameters
    ----------
    arguments : mapping
        The keyword arguments of a call.

    Returns
    -------
    dict
        The arguments that are not among those of `PortedOptions`.

    Raises
    ------
    ValueError
        If an argument has a value that npbert cannot honour, such as ``device=0``. The message
        says why.
    """
    for name, (harmless, reason) in _PORTED.items():
        value = _plain(arguments.get(name))
        # A map of devices is harmless if every part of the model has a device that is.
        devices = list(value.values()) if name == "device_map" and isinstance(value, dict) else []
        # The types count too: 0 and -1.0 are not the device -1, and False is not None.
        for each in devices or [value]:
            if not any(type(each) is type(choice) and each == choice for choice in harmless):
                choices = ", ".join(map(repr, harmless))
                raise ValueError(
                    f"{name} is {value!r}, expected one of {choices}: {reason}; leave the argument "
                    "out"
                )
    return {name: value for name, value in arguments.items() if name not in PORTED_NAMES}


def _plain(value: object) -> object:
    """Return a device or a float type of torch as the str that means it, and "cpu" for "cpu:0"."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if type(value).__module__ == "torch":  # torch.device("cpu"), torch.float32
        value = str(value).removeprefix("torch.")
    return "cpu" if isinstance(value, str) and _CPU_BY_NUMBER.fullmatch(value) else value


def look_up_choice(name: str, value: object, choices: Mapping[Any, T]) -> T:
    """Return what the value of an argument means.

    Parameters
    ----------
    name : str
        The name of the argument, for the error message.
    value : object
    choices : mapping
        The values that the argument can have, and the meaning of each.

    Raises
    ------
    ValueError
        If `value` is not one of the choices.
    """
    # As a key of a dict, 1 equals True. But a number is a mistake here, such as truncation=128.
    if (value is not None and not isinstance(value, (bool, str))) or value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {value!r}, expected one of: {known}")
    return choices[value]


def check_count(name: str, value: object) -> None:
    """Raise a ValueError if `value` is not a positive integer."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, expected a positive integer")


def check_stride(value: object) -> None:
    """Raise a ValueError if `value` is not 0 or a positive integer."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"stride is {value!r}, expected 0 or a positive integer")


def repeated_names(names: Iterable[str]) -> list[str]:
    """Return the names that are there more than once, in the order of their first places."""
    return [name for name, number in Counter(names).items() if number > 1]


def as_list(value: Any) -> list[Any] | None:
    """Return the items of a list, tuple, array, Series or column; None for anything else.

    The columns of pandas, pyarrow and datasets are recognized by their methods, so none of these
    packages has to be imported.
    """
    if isinstance(value, (str, bytes, Mapping, set, frozenset)):
        return None
    if hasattr(value, "to_pylist"):  # pyarrow, whose items are not str when iterated
        return list(value.to_pylist())
    if hasattr(value, "__len__") and hasattr(value, "__iter__") and getattr(value, "ndim", 1) == 1:
        return list(value)
    return None


def as_iterator(value: Any) -> Iterator[Any] | None:
    """Return the items of a stream, or of a data set with numbered items; None for other values."""
    if isinstance(value, (str, bytes, Mapping, set, frozenset)) or getattr(value, "ndim", 1) != 1:
        return None
    if isinstance(value, Iterable):
        return iter(value)
    if hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return map(value.__getitem__, range(len(value)))
    return None


def check_text(value: object, where: str) -> str:
    """Return `value` if it is a text that can be tokenized.

    Parameters
    ----------
    value : object
    where : str
        The words that name the value in error messages.

    Returns
    -------
    str
        `value` itself.

    Raises
    ------
    TypeError
        If the value is not a str.
    ValueError
        If the text has half of a surrogate pair, which no encoding can write.
    """
    if not isinstance(value, str):
        shown = repr(value)
        shown = shown if len(shown) <= 40 else shown[:37] + "..."
        raise TypeError(f"{where} is {shown} ({type(value).__name__}), expected a str")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"{where} has a lone surrogate ({value[error.start]!r}) at character "
                f"{error.start}, which is half of a character; mend the text where it comes from, "
                "or decode it with errors='replace'"
            ) from error
    return value
