"""How rows are made equally long, decided once per call, and the padding of given rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from tokenizers import Tokenizer as Backend

from npbert.arguments import check_count, look_up_choice
from npbert.tokenization.options import Side, read_side
from npbert.tokenization.truncation import Truncation

PADDINGS: Final = {
    True: "longest",
    "longest": "longest",
    "max_length": "max_length",
    False: None,
    "do_not_pad": None,
}
# What fills up the columns beside that of the ids: no attention, the first text, a special token.
_FILLING: Final = {"attention_mask": 0, "token_type_ids": 0, "special_tokens_mask": 1}


class Padding(NamedTuple):
    """How rows are made equally long.

    Attributes
    ----------
    length : int or None
        The number of tokens of each row. None means the number of the longest row.
    multiple_of : int or None
        The number of tokens is rounded up to a multiple of this.
    side : "right" or "left"
        The side on which rows are filled up.
    """

    length: int | None
    multiple_of: int | None
    side: Side

    def set_up(self, backend: Backend, pad_id: int, pad_token: str) -> None:
        """Make the backend pad in this way."""
        backend.enable_padding(
            direction=self.side,
            pad_id=pad_id,
            pad_token=pad_token,
            length=self.length,
            pad_to_multiple_of=self.multiple_of,
        )

    def pad_columns(self, columns: dict[str, Any], main: str, pad_id: int) -> None:
        """Fill up the rows of the column of ids, `main`, and of the columns that go with it."""
        width = self.length
        if width is None:
            width = max(map(len, columns[main]))
        if self.multiple_of is not None:
            width = -(-width // self.multiple_of) * self.multiple_of  # rounded up
        filling = {main: pad_id, **_FILLING}
        for name in columns.keys() & filling.keys():
            columns[name] = [self._pad_row(row, width, filling[name]) for row in columns[name]]

    def _pad_row(self, row: Sequence[int], width: int, value: int) -> list[int]:
        fill = [value] * (width - len(row))
        return [*row, *fill] if self.side == "right" else [*fill, *row]


def read_padding(
    padding: bool | str,
    limit: int | None,
    multiple_of: int | None,
    side: str,
    truncation: Truncation | None,
) -> Padding | None:
    """Return how a call pads, or None if it does not.

    Parameters
    ----------
    padding : bool or str
        As the call has it.
    limit : int or None
        As from `read_limit`. Without a limit, "max_length" pads nothing.
    multiple_of, side
        As in `Padding`.
    truncation : Truncation or None
        How the same call cuts.

    Returns
    -------
    Padding or None

    Raises
    ------
    ValueError
        If an argument has no meaning, or the call cannot cut and pad to the same length.
    """
    target = look_up_choice("padding", padding, PADDINGS)
    if multiple_of is not None:
        check_count("pad_to_multiple_of", multiple_of)
    checked_side = read_side("padding_side", side)
    if target is None or (target == "max_length" and limit is None):
        return None
    if truncation is not None and multiple_of and truncation.max_length % multiple_of:
        raise ValueError(
            f"max_length {truncation.max_length} is not a multiple of pad_to_multiple_of "
            f"{multiple_of}, so a text cannot be cut to the one and padded to the other"
        )
    return Padding(limit if target == "max_length" else None, multiple_of, checked_side)
