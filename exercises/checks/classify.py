"""Checks of 08_classify.py."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import Any, Final

import numpy as np
from encoder import relu, softmax
from threadpoolctl import threadpool_limits

import npbert
from checks import material
from checks.verdict import Floats, Function, Mistake, NotRight, agree
from checks.wordpiece import cut

Answer = tuple[str, float]

TEXTS: Final = (
    material.TEXT,
    "I love this film.",
    "A waste of time!",
    "Hugging a café: naïve, isn't it?",
)
WORDS: Final = re.compile(r"\w+|[^\w\s]")


def pieces_of(text: str) -> list[str]:
    """Cut a text into pieces, as the tokenizer does."""
    return material.tokenizer().tokenize(text)


def without_accents(text: str) -> str:
    """Take the accents off the letters."""
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(one for one in decomposed if unicodedata.category(one) != "Mn")


def cut_all(words: Iterable[str]) -> list[str]:
    """Cut words as they stand."""
    vocab = set(material.tokenizer().vocab)
    return [piece for word in words for piece in cut(word, vocab)]


def head(cls: Floats, bend: Callable[[Floats], Floats] = relu) -> Floats:
    """Compute the logits of a vector."""
    model = material.textbook()
    return model.linear("classifier", bend(model.linear("pre_classifier", cls)))


def embed(ids: list[int], positions: Iterable[int], norm: bool = True) -> Floats:
    """Look up the vectors of ids and positions."""
    weights = material.textbook().weights
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = x + weights["embeddings.position_embeddings.weight"][[*positions]]
    return material.textbook().norm("embeddings.LayerNorm", x) if norm else x


def answer(
    text: str,
    pieces: Callable[[str], list[str]] = pieces_of,
    frame: Callable[[list[str]], list[str]] = lambda pieces: ["[CLS]", *pieces, "[SEP]"],
    vectors: Callable[[list[int]], Floats] = lambda ids: embed(ids, range(len(ids))),
    layers: Iterable[int] = range(4),
    read: Callable[[Floats], Floats] = lambda x: x[0],
    logits: Callable[[Floats], Floats] = head,
    labels: tuple[str, str] = ("NEGATIVE", "POSITIVE"),
    score: Callable[[Floats], Floats] = softmax,
) -> Answer:
    """Label a text; each argument is a place where one can go wrong."""
    vocab = material.tokenizer().vocab
    x = vectors([vocab[piece] for piece in frame(pieces(text))])
    for number in layers:
        x = material.textbook().layer(number, x)
    scores = score(logits(read(x)))
    best = int(scores.argmax())
    return labels[best], float(scores[best])


def tanh_head(cls: Floats) -> Floats:
    """Compute the logits with the bend that BERT has here."""
    return head(cls, bend=np.tanh)


MISTAKES: Final[list[Mistake]] = [
    ("[CLS] and [SEP] are missing around the pieces.", partial(answer, frame=lambda some: some)),
    ("[SEP] is missing at the end.", partial(answer, frame=lambda some: ["[CLS]", *some])),
    ("[CLS] is missing at the beginning.", partial(answer, frame=lambda some: [*some, "[SEP]"])),
    (
        "The text is not put into lower case, so its capitals become [UNK].",
        partial(answer, pieces=lambda text: cut_all(WORDS.findall(without_accents(text)))),
    ),
    (
        "The text is only cut at white space; a punctuation mark is a word of its own.",
        partial(answer, pieces=lambda text: cut_all(without_accents(text.lower()).split())),
    ),
    (
        "The punctuation marks are lost; each is a word of its own.",
        partial(
            answer, pieces=lambda text: cut_all(re.findall(r"\w+", without_accents(text.lower())))
        ),
    ),
    (
        "The accents are not taken off.",
        partial(answer, pieces=lambda text: cut_all(WORDS.findall(text.lower()))),
    ),
    (
        "The position embeddings are not added.",
        partial(
            answer,
            vectors=lambda ids: material.textbook().norm(
                "embeddings.LayerNorm",
                material.textbook().weights["embeddings.word_embeddings.weight"][ids],
            ),
        ),
    ),
    (
        "All tokens get the vector of position 0.",
        partial(answer, vectors=lambda ids: embed(ids, [0] * len(ids))),
    ),
    (
        "The positions are counted from 1; they begin at 0.",
        partial(answer, vectors=lambda ids: embed(ids, range(1, len(ids) + 1))),
    ),
    (
        "The norm after the embeddings, embeddings.LayerNorm, is missing.",
        partial(answer, vectors=lambda ids: embed(ids, range(len(ids)), norm=False)),
    ),
    ("The last layer is left out.", partial(answer, layers=range(3))),
    ("The first layer is left out.", partial(answer, layers=range(1, 4))),
    ("All four layers have the weights of layer 0.", partial(answer, layers=[0] * 4)),
    (
        "The answer is read from the last token; it is read from [CLS], the first.",
        partial(answer, read=lambda x: x[-1]),
    ),
    (
        "The answer is read from the mean of all tokens; it is read from [CLS], the first.",
        partial(answer, read=lambda x: x.mean(axis=0)),
    ),
    (
        "There is no ReLU between pre_classifier and classifier.",
        partial(answer, logits=partial(head, bend=lambda x: x)),
    ),
    (
        "There is a tanh between pre_classifier and classifier, as in BERT; DistilBERT has ReLU.",
        partial(answer, logits=tanh_head),
    ),
    (
        "pre_classifier is left out.",
        partial(answer, logits=lambda cls: material.textbook().linear("classifier", cls)),
    ),
    (
        "The labels are exchanged: logit 0 is NEGATIVE, and logit 1 is POSITIVE.",
        partial(answer, labels=("POSITIVE", "NEGATIVE")),
    ),
    (
        "The second value is the logit; softmax makes a probability of it.",
        partial(answer, score=lambda logits: logits),
    ),
    (
        "The second value is the probability of POSITIVE, whichever label wins; return that of "
        "the label.",
        lambda text: (
            answer(text)[0],
            answer(text)[1] if answer(text)[0] == "POSITIVE" else 1 - answer(text)[1],
        ),
    ),
]


@cache
def mistaken_answers(number: int) -> list[Answer]:
    """Return what a mistake makes of the texts."""
    _, mistaken = MISTAKES[number]
    return [mistaken(text) for text in TEXTS]


def check_classify(classify: Function) -> str:
    """Label a few texts exactly as npbert, and then all sentences of the development set."""
    results: list[Any] = [classify(text) for text in TEXTS]
    for text, result in zip(TEXTS, results, strict=True):
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[0], str)):
            raise NotRight(
                f"classify({text!r}) returns {result!r}, expected a label and its probability, "
                "such as ('POSITIVE', 0.87)."
            )
    expected = [(one["label"], one["score"]) for one in npbert.classify([*TEXTS], model="mini")]
    if not agree(results, expected):
        for number, (sentence, _) in enumerate(MISTAKES):
            if agree(results, mistaken_answers(number)):
                raise NotRight(sentence)
        for text, result, right in zip(TEXTS, results, expected, strict=True):
            if not agree(result, right):
                raise NotRight(
                    f"classify({text!r}): expected {right[0]} {right[1]:.4f}, got {result[0]} "
                    f"{result[1]:.4f}."
                )
    return _check_all_sentences(classify)


def _check_all_sentences(classify: Function) -> str:
    """Compare the label of each sentence with npbert's, and return how many are right."""
    texts = [text for text, _ in material.sentences()]
    with threadpool_limits(1):  # on matrices this small, a second thread only waits
        labels = [classify(text)[0] for text in texts]
    npberts = [result["label"] for result in npbert.classify(texts, model="mini")]
    others = [text for text, one, other in zip(texts, labels, npberts, strict=True) if one != other]
    if others:
        raise NotRight(
            f"{len(others)} of {len(texts)} sentences have another label than in npbert; the first "
            f"is {others[0]!r}."
        )
    n_right = sum(
        one == truth for one, (_, truth) in zip(labels, material.sentences(), strict=True)
    )
    return f"{n_right} of {len(texts)} sentences have the label that a person gave, as in npbert"
