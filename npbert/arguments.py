"""Checks and types of arguments that several modules share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from numbers import Integral
from typing import Any, Final, Protocol, TypedDict, TypeVar

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


def reject_unknown(function: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Raise a TypeError for a keyword argument that does not exist, and name the nearest one.

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
        If there is an unknown keyword.
    """
    known = sorted(known)
    for name in unknown:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of: {', '.join(known)}"
        raise TypeError(f"{function} got an unknown keyword argument {name!r}; {hint}")


class PortedOptions(TypedDict, total=False):
    """Keywords of code that was written for transformers; they change nothing here.

    A value that npbert cannot honour, such as ``device=0``, raises a ValueError.
    """

    device: object
    dtype: object
    torch_dtype: object
    framework: str | None
    device_map: object
    attn_implementation: str | None
    use_safetensors: bool | None
    force_download: bool | None
    subfolder: str | None
    proxies: None
    variant: None
    output_loading_info: bool | None
    ignore_mismatched_sizes: bool | None
    num_workers: int | None
    use_fast: bool | None
    low_cpu_mem_usage: bool | None
    trust_remote_code: bool | None


# The values for which it is true that the keyword changes nothing. The keywords that are not here
# have no effect, whatever their value: weights are always mapped, and no code is ever taken from a
# model.
_HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "device": (None, -1, "cpu"),
    "dtype": (None, "auto", "float32"),
    "torch_dtype": (None, "auto", "float32"),
    "framework": (None, "np", "pt"),
    "device_map": (None, "cpu", "auto"),
    "attn_implementation": (None, "eager", "sdpa"),  # the same numbers
    "use_safetensors": (None, True),
    "force_download": (None, False),
    "subfolder": (None, ""),
    "proxies": (None,),
    "variant": (None,),
    "output_loading_info": (None, False),
    "ignore_mismatched_sizes": (None, False),
}
HARMLESS_NAMES = tuple(PortedOptions.__annotations__)


def drop_harmless(arguments: Mapping[str, object]) -> dict[str, Any]:
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
        If an argument has a value that npbert cannot honour, such as ``device=0``.
    """
    for name, honoured in _HARMLESS.items():
        value = arguments.get(name)
        if type(value).__module__ == "torch":  # torch.device("cpu"), torch.float32
            value = str(value).removeprefix("torch.")
        # The types count too: 0 and -1.0 are not the device "-1", and False is not None.
        if not any(type(value) is type(choice) and value == choice for choice in honoured):
            choices = ", ".join(map(repr, honoured))
            raise ValueError(
                f"{name} is {value!r}, expected one of {choices}: npbert computes in float32 on "
                "the CPU only, and loads whole models; leave the argument out"
            )
    return {name: value for name, value in arguments.items() if name not in HARMLESS_NAMES}


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
