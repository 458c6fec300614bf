"""Compare ways to explain a label: where the truth is known, and by what the words are needed for.

    pip install -e .
    python scripts/faithfulness.py

The first test plants a shortcut: the embedding of "pepper" is replaced by that of "terrible". The
word is put at a random place of sentences that the model calls POSITIVE, and the sentences that it
then calls NEGATIVE are explained. The planted word should be the strongest one (Bastings et al.
2022, arXiv:2111.07367). Without it, the sentence is the old one again, which favours leaving out.

The second test deletes the words that speak most for the label of a sentence, as each way ranks
them, and looks at how far the lead of the label falls. This favours leaving out too (Pham et al.
2022, arXiv:2110.11929), so the words are also masked, which favours the other way.

The model is `mini`, and the sentences are those of the SST-2 dev set, on which it was not trained.
It takes a few minutes on two quiet cores.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

import npbert

sys.path.insert(0, str(Path(__file__).parent))

from bench.material import sentences

from npbert.explanations.results import Method
from npbert.explanations.words import find_words, leave_out, mask

PLANTED, LIKE = "pepper", "terrible"
N_PLANTED: Final = 40
N_DELETED_FROM: Final = 150  # sentences
MOST_DELETED: Final = 3
SEED: Final = 0

Classifier = npbert.TextClassificationPipeline
Way = Callable[[Classifier, str], list[float]]  # the score of each word of a text


def plant(word: str, like: str) -> Classifier:
    """Return `mini` with the embedding of one word replaced by that of another one."""
    classifier = npbert.pipeline("text-classification", "mini")
    model: Any = classifier.model
    vocab = classifier.tokenizer.get_vocab()
    embeddings = model.encoder.embeddings
    rows = embeddings.word_embeddings.copy()  # (vocab, dim)
    rows[vocab[word]] = rows[vocab[like]]
    embeddings = dataclasses.replace(embeddings, word_embeddings=rows)
    encoder = dataclasses.replace(model.encoder, embeddings=embeddings)
    edited = type(model)(model.config, encoder, model.head)
    return npbert.TextClassificationPipeline(edited, classifier.tokenizer)


def planted_sentences(planted: Classifier, n_sentences: int) -> list[str]:
    """Return sentences with the planted word, which it has turned from POSITIVE to NEGATIVE."""
    rng = np.random.default_rng(SEED)
    found = []
    for text in sentences():
        if planted(text)[0]["label"] == "POSITIVE":
            words = text.split()
            words.insert(int(rng.integers(len(words) + 1)), PLANTED)
            changed = " ".join(words)
            if planted(changed)[0]["label"] == "NEGATIVE":
                found.append(changed)
        if len(found) == n_sentences:
            break
    return found


def by_effect(method: Method) -> Way:
    """Return the effects that `npbert.explain` gives."""

    def effects(classifier: Classifier, text: str) -> list[float]:
        return [word.effect for word in npbert.explain(text, classifier, method=method).words]

    return effects


def by_attention(classifier: Classifier, text: str) -> list[float]:
    """Return how much `[CLS]` looks at each word in the last layer, in the mean of the heads."""
    inputs = classifier.tokenizer([text], return_tensors="np")
    attentions = classifier.model(**inputs, output_attentions=True).attentions
    seen = attentions[-1][0].mean(axis=0)[0].tolist()  # (seq,)
    offsets = classifier.tokenizer([text], return_offsets_mapping=True)["offset_mapping"][0]
    return [
        sum(
            weight
            for weight, (start, end) in zip(seen, offsets, strict=True)
            if span.start <= start < end <= span.end
        )
        for span in find_words(text)
    ]


def at_random(_: Classifier, text: str) -> list[float]:
    """Return random numbers."""
    rng = np.random.default_rng([SEED, *text.encode()])
    return [float(number) for number in rng.normal(size=len(find_words(text)))]


WAYS: Final[dict[str, Way]] = {
    "leave-one-out": by_effect("leave-one-out"),
    "mask": by_effect("mask"),
    "attention of `[CLS]`, last layer": by_attention,
    "random": at_random,
}


def n_found(planted: Classifier, texts: Sequence[str], way: Way) -> int:
    """Count the texts in which the planted word is the strongest one, whatever its sign."""
    n = 0
    for text in texts:
        strongest = int(np.abs(way(planted, text)).argmax())
        start, end = find_words(text)[strongest]
        n += text[start:end] == PLANTED
    return n


def leads(classifier: Classifier, texts: Sequence[str], labels: Sequence[str]) -> list[float]:
    """Return how far the logit of a label is above the other one, for each text."""
    ranked = classifier(list(texts), top_k=None, function_to_apply="none")
    logits = [{one["label"]: one["score"] for one in of_text} for of_text in ranked]
    return [2 * of[label] - sum(of.values()) for of, label in zip(logits, labels, strict=True)]


def without_strongest(classifier: Classifier, texts: Sequence[str], way: Way) -> list[str]:
    """Return three cells of the table, each for one, two and three words.

    They are the mean drop of the lead where words are deleted and where they are masked, and the
    share of texts whose label has turned when words were deleted.
    """
    labels = [result["label"] for result in classifier(list(texts))]
    whole = np.array(leads(classifier, texts, labels))  # (texts,)
    orders = [np.argsort(way(classifier, text))[::-1].tolist() for text in texts]
    cells: list[list[str]] = [[], [], []]
    for n_words in range(1, MOST_DELETED + 1):
        chosen = [
            (text, find_words(text), order[:n_words])
            for text, order in zip(texts, orders, strict=True)
        ]
        deleted = np.array(leads(classifier, [leave_out(*one) for one in chosen], labels))
        masked = np.array(leads(classifier, [mask(*one, "[MASK]") for one in chosen], labels))
        cells[0].append(f"{(whole - deleted).mean():.2f}")
        cells[1].append(f"{(whole - masked).mean():.2f}")
        cells[2].append(f"{(deleted < 0).mean():.0%}")
    return [" / ".join(of_cell) for of_cell in cells]


def main() -> None:
    """Print the table."""
    planted = plant(PLANTED, LIKE)
    with_word = planted_sentences(planted, N_PLANTED)
    mini = npbert.pipeline("text-classification", "mini")
    rng = np.random.default_rng(SEED)
    pool = [text for text in sentences() if len(find_words(text)) > MOST_DELETED]
    chosen = [pool[number] for number in rng.permutation(len(pool))[:N_DELETED_FROM]]
    print(
        f"| way | planted word found first, of {len(with_word)} | drop of the lead without the "
        "strongest 1 / 2 / 3 words | the same, masked | label turned |"
    )
    print("| --- | --- | --- | --- | --- |")
    for name, way in WAYS.items():
        row = [name, str(n_found(planted, with_word, way)), *without_strongest(mini, chosen, way)]
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
