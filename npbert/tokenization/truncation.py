"""How long texts are cut, decided once per call."""

from __future__ import annotations

from typing import Final, NamedTuple

from tokenizers import Tokenizer as Backend

from npbert.arguments import check_count, check_stride, look_up_choice
from npbert.messages import with_noun

UNLIMITED: Final = int(1e30)  # what transformers writes where a model sets no limit
_LONGEST: Final = 2**63 - 1  # the backend counts with 64 bits, and no text is longer
_NO_LIMIT: Final = 10**20  # a larger model_max_length means that there is no limit
_STRATEGIES: Final = {
    True: "longest_first",
    "longest_first": "longest_first",
    "only_first": "only_first",
    "only_second": "only_second",
    False: None,
    None: None,
    "do_not_truncate": None,
}


class Truncation(NamedTuple):
    """How long texts are cut.

    Attributes
    ----------
    strategy : str
        Which text of a pair is cut: "longest_first", "only_first" or "only_second".
    max_length : int
        The most tokens of a row, special ones included.
    stride : int
        The number of tokens that a part of a long text shares with the part before it.
    side : str
        The side that is cut off, "right" or "left".
    """

    strategy: str
    max_length: int
    stride: int
    side: str

    def require_room(self, n_special: int) -> None:
        """Raise a ValueError if no room is left for text beside the special tokens."""
        if self.max_length <= n_special:
            raise ValueError(
                f"max_length is {self.max_length}, which leaves no room for text beside "
                f"{with_noun(n_special, 'special token')}; expected at least {n_special + 1}"
            )
        check_stride(self.stride)
        room = self.max_length - n_special
        if self.stride >= room:
            raise ValueError(
                f"stride is {self.stride}, expected less than the {with_noun(room, 'token')} that "
                f"max_length {self.max_length} leaves for text"
            )

    def set_up(self, backend: Backend) -> None:
        """Make the backend cut in this way."""
        backend.enable_truncation(
            min(self.max_length, _LONGEST),
            stride=self.stride,
            strategy=self.strategy,
            direction=self.side,
        )


def read_truncation(
    truncation: bool | str | None, limit: int | None, stride: int, side: str
) -> Truncation | None:
    """Return how a call cuts long texts, or None if it does not.

    Parameters
    ----------
    truncation : bool, str or None
        As the call has it.
    limit : int or None
        As from `read_limit`.
    stride, side
        As in `Truncation`.

    Returns
    -------
    Truncation or None

    Raises
    ------
    ValueError
        If there is no such strategy.
    """
    strategy = read_strategy(truncation)
    if strategy is None or limit is None:
        return None
    return Truncation(strategy, limit, stride, side)


def read_strategy(truncation: bool | str | None) -> str | None:
    """Return which text of a pair is cut, as in `Truncation`, or None if no text is cut.

    Raises
    ------
    ValueError
        If there is no such strategy.
    """
    return look_up_choice("truncation", truncation, _STRATEGIES)


def read_limit(max_length: int | None, model_max_length: int) -> int | None:
    """Return the most tokens of a row, or None if neither the call nor the model sets a limit."""
    if max_length is None:
        return model_max_length if model_max_length < _NO_LIMIT else None
    check_count("max_length", max_length)
    return int(max_length)
