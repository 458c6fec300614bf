"""Checks of call arguments that several modules share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral
from typing import Any


def reject_unknown(function: str, unknown: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError for keyword arguments that do not exist, naming the nearest that does."""
    known = sorted(known)
    for name in unknown:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of: {', '.join(known)}"
        raise TypeError(f"{function} got an unknown keyword argument {name!r}; {hint}")


# Arguments of ported code that change nothing here, and the values for which that is true.
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
# Weights are always mapped, and no code is ever taken from a model.
_ANY_VALUE = ("num_workers", "use_fast", "low_cpu_mem_usage", "trust_remote_code")
HARMLESS_NAMES = (*_HARMLESS, *_ANY_VALUE)


def take_harmless(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The other arguments, after checking that the harmless ones can be honoured.

    Raises
    ------
    ValueError
        If one has a value that npbert cannot honour, such as ``device=0``.
    """
    for name, honoured in _HARMLESS.items():
        value = arguments.get(name)
        if type(value).__module__ == "torch":  # torch.device("cpu"), torch.float32
            value = str(value).removeprefix("torch.")
        # Types too: 0 and -1.0 are other devices than "-1", and False is not None.
        if not any(type(value) is type(choice) and value == choice for choice in honoured):
            choices = ", ".join(map(repr, honoured))
            raise ValueError(
                f"{name} is {value!r}, expected one of {choices}: npbert computes in float32 on "
                "the CPU only, and loads whole models; leave the argument out"
            )
    return {name: value for name, value in arguments.items() if name not in HARMLESS_NAMES}


def choice(name: str, value: Any, choices: Mapping[Any, Any]) -> Any:
    """What `value` means; a ValueError lists the choices if it is none of them."""
    # 1 == True in a dict; but a number is surely a mistake, such as truncation=128.
    if (value is not None and not isinstance(value, (bool, str))) or value not in choices:
        known = ", ".join(map(repr, choices))
        raise ValueError(f"{name} is {value!r}, expected one of: {known}")
    return choices[value]


def check_count(name: str, value: Any) -> None:
    """Raise ValueError if `value` is no positive integer."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}, expected a positive integer")


def check_stride(value: Any) -> None:
    """Raise ValueError if `value` is no integer from 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"stride is {value!r}, expected an integer from 0")


def as_list(value: Any) -> list[Any] | None:
    """The items of a list, tuple, array, Series or column of texts; None for anything else.

    pandas, pyarrow and datasets are recognized by what their columns can do, so none of
    them has to be imported.
    """
    if isinstance(value, (str, bytes, Mapping, set, frozenset)):
        return None
    if hasattr(value, "to_pylist"):  # pyarrow, whose items are not str when iterated
        return list(value.to_pylist())
    if hasattr(value, "__len__") and hasattr(value, "__iter__") and getattr(value, "ndim", 1) == 1:
        return list(value)
    return None


def as_iterator(value: Any) -> Iterator[Any] | None:
    """The items of a stream, or of a data set that has them by number; None for anything else."""
    if isinstance(value, (str, bytes, Mapping, set, frozenset)) or getattr(value, "ndim", 1) != 1:
        return None
    if isinstance(value, Iterable):
        return iter(value)
    if hasattr(value, "__len__") and hasattr(value, "__getitem__"):
        return map(value.__getitem__, range(len(value)))
    return None


def check_text(value: Any, where: str) -> str:
    """`value` if it is a text that can be tokenized.

    Raises
    ------
    TypeError
        If it is no str.
    ValueError
        If it holds half of a surrogate pair, which no encoding can write.
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
                f"{error.start}, which is half of a character; mend it where the text comes from "
                "(errors='replace' decodes what is damaged)"
            ) from error
    return value
