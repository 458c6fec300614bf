"""The options that all pipelines share, and how long texts are cut."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, ClassVar, Final, NamedTuple, Self, TypedDict

from npbert.arguments import (
    NOT_GIVEN,
    PORTED_NAMES,
    PortedOptions,
    check_count,
    look_up_choice,
    reject_unknown,
    without_ported,
)
from npbert.tokenization.padding import PADDINGS
from npbert.tokenization.truncation import read_strategy


class CallOptions(PortedOptions, total=False):
    """The options that every pipeline takes, when it is made and when it is called.

    Attributes
    ----------
    truncation : bool, str or None
        True means the same as ``long_text="truncate"``. A str is the tokenizer's strategy for
        pairs of texts.
    max_length : int or None
        The most tokens of a text. If only this option is given, longer texts are cut.
    padding : bool or str
        Texts are computed without padding, and only feature-extraction shows it in its results.
        But if this option is given too, `max_length` alone does not cut texts, as in the
        tokenizer.
    long_text : "error", "truncate", "window" or None
        What to do with a text that is longer than `max_length`, which is by default the tokenizer's
        `model_max_length`, or what the model can read if that is less. "window" is an option of
        text-classification: the text is read whole, in windows that overlap. By default, a text is
        read whole if the model can read it, with a warning if it is longer than
        `model_max_length`, as in transformers; a text that the model cannot read is an error.
    batch_size : int or None
        The most texts in a pack, and the most texts that are read ahead from a stream. With 1,
        the result of each text is returned before the next text is read. The option changes only
        memory and speed.
    threads : int or None
        The most threads that compute at a time. The default is NPBERT_THREADS of the environment,
        or else the number of processors that the process may use, as its affinity and the quota of
        its control group say, but no more than OPENBLAS_NUM_THREADS or OMP_NUM_THREADS.
    """

    truncation: bool | str | None
    max_length: int | None
    padding: bool | str
    long_text: str | None
    batch_size: int | None
    threads: int | None


class TokenizerKwargs(TypedDict, total=False):
    """Options of the tokenizer in a dict of their own, as transformers nests them."""

    truncation: bool | str | None
    max_length: int | None
    padding: bool | str


class Cutting(NamedTuple):
    """How the texts of one call are cut into parts that the model can read.

    Attributes
    ----------
    max_length : int
        The most tokens of a part.
    strategy : bool or str
        The tokenizer's `truncation`. With False, a longer text is an error.
    stride : int
        The number of tokens that a part shares with the part before it.
    keeps_rest : bool
        Whether the model reads all parts of a text, or only the first one.
    """

    max_length: int
    strategy: bool | str = False
    stride: int = 0
    keeps_rest: bool = False


@dataclass(frozen=True)
class Options:
    """The options of a pipeline, checked; `CallOptions` says what each one means.

    Raises
    ------
    ValueError
        If an option cannot be honoured, or if two options contradict each other.
    """

    truncation: bool | str | None = None
    max_length: int | None = None
    padding: bool | str = False
    long_text: str | None = None
    batch_size: int | None = None
    threads: int | None = None
    long_texts: ClassVar[tuple[str, ...]] = ("error", "truncate")

    def __post_init__(self) -> None:
        for name in ("max_length", "batch_size", "threads"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        look_up_choice("padding", self.padding, PADDINGS)
        cuts = read_strategy(self.truncation) is not None
        if self.long_text not in (None, *self.long_texts):
            raise ValueError(
                f"long_text is {self.long_text!r}, expected one of: {', '.join(self.long_texts)}"
            )
        if (
            self.long_text is not None
            and self.truncation is not None
            and cuts != (self.long_text == "truncate")
        ):
            raise ValueError(
                f"truncation={self.truncation!r} and long_text={self.long_text!r} contradict "
                "each other; give one of them"
            )

    @classmethod
    def read(
        cls, given: Mapping[str, object], function: str, more_names: Iterable[str] = ()
    ) -> Self:
        """Make options from the keyword arguments of a function.

        Parameters
        ----------
        given : mapping
            The keyword arguments.
        function : str
            What error messages call the function.
        more_names : iterable of str
            The keywords of the function that are not options. Error messages name them too.

        Returns
        -------
        Options

        Raises
        ------
        TypeError
            If an argument is unknown.
        ValueError
            If an argument cannot be honoured.
        """
        return cls(**cls._fields_of(given, function, more_names))

    def updated(self, given: Mapping[str, object], function: str) -> Self:
        """Return these options, changed by the keyword arguments of a function.

        Parameters
        ----------
        given : mapping
            The keyword arguments.
        function : str
            What error messages call the function.

        Returns
        -------
        Options

        Raises
        ------
        TypeError, ValueError
            As `read` does.
        """
        fields_given = self._fields_of(given, function)
        # These two options are names for one choice. So if a call gives one, it replaces both.
        if fields_given.keys() & {"truncation", "long_text"}:
            fields_given = {"truncation": None, "long_text": None, **fields_given}
        return replace(self, **fields_given)

    @classmethod
    def _fields_of(
        cls, given: Mapping[str, object], function: str, more_names: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Return the fields of this class that the keyword arguments of a function fill."""
        names = [field.name for field in fields(cls)]
        given = {name: plain(value) for name, value in given.items() if value is not NOT_GIVEN}
        normalized = cls._normalized(without_ported(given))
        unknown = normalized.keys() - {*names}
        reject_unknown(function, unknown, (*names, *more_names, *PORTED_NAMES))
        return normalized

    @classmethod
    def _normalized(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Bring keyword arguments into the form of the fields."""
        return given

    def check_together(self) -> None:
        """Raise a ValueError if options contradict each other, once those of a call are known."""

    def cutting(self, longest: int, readable: int) -> Cutting:
        """Decide how texts are cut.

        Parameters
        ----------
        longest : int
            The length to which texts are cut, unless `max_length` says otherwise.
        readable : int
            The most tokens of a text that is not cut.

        Returns
        -------
        Cutting
        """
        strategy = self._strategy()
        if strategy or self.long_text is not None:
            return Cutting(self.max_length or longest, strategy)
        return Cutting(readable)

    def _strategy(self) -> bool | str:
        if self.truncation is not None:
            return read_strategy(self.truncation) or False
        if self.long_text is not None:
            return self.long_text == "truncate"
        # As in the tokenizer, texts are not cut if padding is asked for and truncation is not.
        return self.max_length is not None and self.padding is False


def plain(value: object) -> object:
    """Return the value of an enum's member, such as ``AggregationStrategy.SIMPLE``."""
    return value.value if isinstance(value, Enum) else value


_TOKENIZER_KWARGS: Final = tuple(TokenizerKwargs.__annotations__)


def flatten(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Move the options of a nested dict up, to the keyword arguments around it.

    Parameters
    ----------
    given : mapping
        The keyword arguments.
    name : str
        The keyword whose value is a `TokenizerKwargs`, or None.

    Returns
    -------
    dict
        The keyword arguments without `name`, but with the options that it held.

    Raises
    ------
    TypeError
        If an option in the nested dict is unknown.
    ValueError
        If an option is given in both places.
    """
    flat = dict(given)
    nested = {key: plain(value) for key, value in (flat.pop(name, None) or {}).items()}
    reject_unknown(name, nested.keys() - {*_TOKENIZER_KWARGS}, _TOKENIZER_KWARGS)
    twice = nested.keys() & flat.keys()
    if twice:
        raise ValueError(f"{min(twice)} is given twice, alone and in {name}")
    return flat | nested


def drop_none(given: Mapping[str, object], *names: str) -> dict[str, Any]:
    """Return `given` without the arguments in `names` whose value None means not given."""
    return {name: value for name, value in given.items() if value is not None or name not in names}
