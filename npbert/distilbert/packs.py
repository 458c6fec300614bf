"""Packs of texts: how they are formed, and how they are computed on several threads.

A pack holds as many texts as fit into a budget of tokens. The budget, and not the number of
texts, decides the size of every array in the forward pass, so memory does not grow with the
input. Since nothing is padded, texts of any lengths share a pack in the order in which they come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

import numpy as np

from npbert.distilbert.activations import Array
from npbert.distilbert.model import IntArray, Pack
from npbert.distilbert.threads import map_on_threads

T = TypeVar("T")

# This is large enough for matrix products to run at full speed, and small enough that the widest
# array, (hidden_dim, tokens), stays at about 9 MB for a model of base size.
MAX_TOKENS: Final = 768

# With fewer tokens than this for each thread, it is faster to compute one pack on all threads.
_MIN_SHARE_TOKENS: Final = 256


class TokenSequence(NamedTuple):
    """The tokens of one text, as the model reads them.

    Attributes
    ----------
    input_ids : int64 array (seq,)
    position_ids : int64 array (seq,)
    inputs_embeds : float32 array (seq, dim), optional
        Vectors that are used in place of the word embeddings of `input_ids`.
    """

    input_ids: IntArray
    position_ids: IntArray
    inputs_embeds: Array | None = None


def without_repeats(texts: Iterable[TokenSequence]) -> tuple[list[TokenSequence], list[int]]:
    """Return the texts that differ, and for each text its place among them.

    Real files repeat texts: reviews of one word, form letters, retweets.

    Parameters
    ----------
    texts : iterable of TokenSequence
        Without `inputs_embeds`, and each with positions that count up from its first one.

    Returns
    -------
    tuple of list
        The first of each group of equal texts, in order, and one number per text.
    """
    first_texts: list[TokenSequence] = []
    place_of: dict[tuple[bytes, bytes], int] = {}
    places: list[int] = []
    for text in texts:
        key = text.input_ids.tobytes(), text.position_ids[:1].tobytes()
        place = place_of.setdefault(key, len(first_texts))
        if place == len(first_texts):
            first_texts.append(text)
        places.append(place)
    return first_texts, places


class NoTokenError(ValueError):
    """A text has no token, not even a special one, so there is nothing for a model to read."""


def check_tokens(
    text: TokenSequence, vocab_size: int, max_position_embeddings: int, where: str
) -> None:
    """Raise a ValueError if the model has no embedding for an id or a position of a text.

    Parameters
    ----------
    text : TokenSequence
    vocab_size, max_position_embeddings : int
        The number of ids and the number of positions that the model knows, from its config.
    where : str
        The words that name the text in error messages.

    Raises
    ------
    NoTokenError
        If the text has no token.
    ValueError
        If it has an id outside the vocabulary, or a position beyond the last one.
    """
    ids = text.input_ids
    if not ids.size:
        raise NoTokenError(f"{where} has no token; every text needs at least one")
    if text.position_ids[-1] >= max_position_embeddings:
        raise ValueError(
            f"{where} is {text.position_ids[-1] + 1} tokens long, expected at most "
            f"{max_position_embeddings} (max_position_embeddings); truncate it"
        )
    if ids.min() < 0 or ids.max() >= vocab_size:
        bad = int(np.argmax((ids < 0) | (ids >= vocab_size)))
        raise ValueError(
            f"{where} has the token id {ids[bad]} at position {text.position_ids[bad]}, expected "
            f"0 to {vocab_size - 1} (vocab_size {vocab_size}); does the tokenizer "
            "belong to this model?"
        )


def packs_of(
    texts: Iterable[TokenSequence],
    max_tokens: int = MAX_TOKENS,
    max_texts: int | None = None,
    n_threads: int = 1,
) -> Iterator[Pack]:
    """Yield packs of about the same size, in which the texts lie side by side, in order.

    Parameters
    ----------
    texts : iterable of TokenSequence
    max_tokens : int
        The most tokens in a pack. A longer text has a pack of its own.
    max_texts : int, optional
        The most texts in a pack.
    n_threads : int
        The number of threads among which the packs will be shared out.

    Yields
    ------
    Pack

    Notes
    -----
    There are as many packs as the budget needs, and then as many more as give every thread the
    same number of packs. The packs have about the same size, because with packs of 1,024 and 546
    tokens, two threads would spend a quarter of their time waiting.
    """
    texts = list(texts)
    n_left = sum(len(text.input_ids) for text in texts)
    n_packs_left = -(-n_left // max_tokens)  # rounded up
    if n_left >= n_threads * _MIN_SHARE_TOKENS:
        n_packs_left += -n_packs_left % n_threads  # up to a multiple of n_threads
    waiting: list[TokenSequence] = []
    n_waiting = 0
    for text in texts:
        length = len(text.input_ids)
        # The pack ends at the text boundary that is nearest to its fair share.
        has_its_share = n_waiting + length / 2 > n_left / max(n_packs_left, 1)
        if waiting and (
            has_its_share or n_waiting + length > max_tokens or len(waiting) == max_texts
        ):
            yield _pack(waiting)
            n_left -= n_waiting
            n_packs_left -= 1
            waiting, n_waiting = [], 0
        waiting.append(text)
        n_waiting += length
    if waiting:
        yield _pack(waiting)


def _pack(texts: Sequence[TokenSequence]) -> Pack:
    embeds = [text.inputs_embeds for text in texts if text.inputs_embeds is not None]
    return Pack(
        input_ids=np.concatenate([text.input_ids for text in texts]),
        position_ids=np.concatenate([text.position_ids for text in texts]),
        starts=np.cumsum([0, *(len(text.input_ids) for text in texts)]),
        inputs_embeds=np.concatenate(embeds) if embeds else None,
    )


def compute_in_packs(
    function: Callable[[Pack], T],
    texts: Iterable[TokenSequence],
    n_threads: int,
    max_texts: int | None = None,
) -> list[T]:
    """Lay texts in packs, share the packs out to threads, and compute each one.

    Parameters
    ----------
    function : callable
        Computes one pack.
    texts : iterable of TokenSequence
    n_threads : int
        The most threads that compute at a time.
    max_texts : int, optional
        The most texts in a pack.

    Returns
    -------
    list
        What `function` returned, pack by pack, in the order of the texts.
    """
    packs = list(packs_of(texts, max_texts=max_texts, n_threads=n_threads))
    return map_on_threads(function, packs, n_threads)
