"""The model that the arguments of a command choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from npbert import TextClassificationPipeline


class ModelChoice(Protocol):
    """The attributes of a request that choose a model, and say how it reads long texts."""

    @property
    def model(self) -> str | None:
        """A folder, a bundled name or a hub id."""
        ...

    @property
    def revision(self) -> str | None:
        """A branch, a tag or a commit on the hub."""
        ...

    @property
    def subfolder(self) -> str | None:
        """The folder with the files, inside the model's folder."""
        ...

    @property
    def variant(self) -> str | None:
        """The word in the names of the files of the weights."""
        ...

    @property
    def long_text(self) -> str:
        """What to do with a text of more tokens than the model can read."""
        ...


def load_classifier(choice: ModelChoice) -> TextClassificationPipeline:
    """Load the pipeline of a request.

    Raises
    ------
    OSError
        If the model cannot be found or fetched.
    ValueError
        If the model's files cannot be used.
    """
    from npbert import pipeline

    return pipeline(
        "text-classification",
        choice.model,
        revision=choice.revision,
        subfolder=choice.subfolder,
        variant=choice.variant,
        long_text=choice.long_text,
    )
