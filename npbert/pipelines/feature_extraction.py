"""Texts → the encoder's vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from npbert.arguments import choice
from npbert.distilbert.activations import Array
from npbert.pipelines.base import Job, Options, Pipeline, flattened


@dataclass(frozen=True)
class FeatureExtractionOptions(Options):
    """How to extract.  The arguments are described at `FeatureExtractionPipeline`."""

    return_tensors: bool | str | None = False

    def __post_init__(self) -> None:
        super().__post_init__()
        choice("return_tensors", self.return_tensors, dict.fromkeys((False, True, None, "np")))


class FeatureExtractionPipeline(Pipeline):
    """The last hidden state of texts.  Made by `pipeline`; see `Pipeline`."""

    task = "feature-extraction"
    options_class = FeatureExtractionOptions
    max_chunk_characters: ClassVar[int] = 16_000  # a token becomes `dim` numbers

    def __call__(self, inputs: Any, **options: Any) -> Any:
        """Encode texts.

        Parameters
        ----------
        inputs : str, list or iterator
            A text; several of these; or an iterator over them.
        return_tensors : bool, optional
            NumPy arrays instead of nested lists (False).
        tokenize_kwargs : dict, optional
            `truncation`, `max_length` and `padding` of a text.
        **options
            `truncation`, `max_length`, `long_text`, `batch_size`, `threads`: see `pipeline`.

        Returns
        -------
        list, array or iterator
            For a text its last hidden state, (1, seq, dim), as nested lists of float or as
            a float32 array; for several texts a list of these.

        Raises
        ------
        TypeError
            If an input is no text, or a keyword is unknown.
        ValueError
            If a text is too long, or an option cannot be honoured.
        """
        return self._call(inputs, options)

    @staticmethod
    def _plain(options: dict[str, Any]) -> dict[str, Any]:
        return flattened(options, "tokenize_kwargs")

    def _result(self, _job: Job, rows: list[Array], options: Any) -> Any:
        hidden = rows[0][None]  # (1, seq, dim)
        return hidden if options.return_tensors else hidden.tolist()
