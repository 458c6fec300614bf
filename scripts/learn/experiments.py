"""What parts of the model are good for: the accuracy on SST-2 without them.

A changed model labels the 872 sentences of the dev set of SST-2. The file experiments.tsv in
docs/learn/data has the labels that each change led to. The table in chapter 5 is made from it.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from encoder import MINI, DistilBert, Floats
from numpy.typing import NDArray

import npbert
from npbert.distilbert.model import Encoder, Layer
from npbert.explanations.what_if import Changes, change_layers, changed_encoder, scaled

CHECKOUT: Final = Path(__file__).parents[2]
SENTENCES: Final = CHECKOUT / "tests" / "data" / "sst2_dev.tsv"
LEARN: Final = CHECKOUT / "docs" / "learn"
PAGE: Final = LEARN / "5_layers.md"
MEASURED: Final = LEARN / "data" / "experiments.tsv"
UNCHANGED: Final = "nothing"
TABLE: Final = re.compile(r"(?<=<!-- made by scripts/learn -->\n\n)(?:\|.*\n)*")

Labels = NDArray[np.int64]  # (sentences,): 0 for NEGATIVE, 1 for POSITIVE
Change = Callable[[Sequence[str]], Labels]  # labels texts with something changed


class Sentence(NamedTuple):
    """A sentence of SST-2, and the label that people gave it."""

    text: str
    label: int


@cache
def sentences() -> list[Sentence]:
    """Read the sentences, in the order of the file."""
    rows = SENTENCES.read_text(encoding="utf-8").splitlines()[1:]
    return [Sentence(text, int(label)) for text, label in (row.split("\t") for row in rows)]


# ------------------------------------------------------------------- changes of the parameters


def with_encoder(change: Callable[[Encoder], Encoder]) -> Change:
    """Return a change of the parameters of the encoder, which are frozen dataclasses."""

    def label(texts: Sequence[str]) -> Labels:
        model = npbert.AutoModelForSequenceClassification.from_pretrained("mini")
        changed = npbert.DistilBertForSequenceClassification(
            model.config, change(model.encoder), model.head
        )
        classify = npbert.pipeline("text-classification", changed, tokenizer="mini")
        return np.array([answer["label"] == "POSITIVE" for answer in classify([*texts])], np.int64)

    return label


def with_changes(changes: Changes) -> Change:
    """Return one of the changes that the page of `npbert serve` has switches for."""
    return with_encoder(lambda encoder: changed_encoder(encoder, changes))


def in_layers(change: Callable[[Layer], Layer], *numbers: int) -> Change:
    """Return a change of the layers with these numbers, or of every layer."""
    return with_encoder(lambda encoder: change_layers(encoder, change, *numbers))


def without_attention(layer: Layer) -> Layer:
    """Let no token take anything over from the others."""
    silent = scaled(layer.attention.out_lin, 0)
    return replace(layer, attention=replace(layer.attention, out_lin=silent))


def without_feed_forward(layer: Layer) -> Layer:
    """Let the feed-forward part add nothing."""
    return replace(layer, ffn=replace(layer.ffn, lin2=scaled(layer.ffn.lin2, 0)))


def without_head(head: int) -> Callable[[Layer], Layer]:
    """Return a function that makes one head of attention silent."""

    def change(layer: Layer) -> Layer:
        attention = layer.attention
        head_dim = len(attention.q_lin.bias) // attention.n_heads
        weight = attention.out_lin.weight.copy()  # (dim, dim)
        weight[:, head * head_dim : (head + 1) * head_dim] = 0
        out_lin = replace(attention.out_lin, weight=weight)
        return replace(layer, attention=replace(attention, out_lin=out_lin))

    return change


# ------------------------------------------------------------------- changes of the computation


class WithoutAdding(DistilBert):
    """Each part replaces the vectors, and does not add to them."""

    def layer(self, number: int, x: Floats) -> Floats:
        """Apply the two parts of a layer one after the other."""
        name = f"transformer.layer.{number}"
        x = self.norm(f"{name}.sa_layer_norm", self.attend(f"{name}.attention", x))
        return self.norm(f"{name}.output_layer_norm", self.feed_forward(f"{name}.ffn", x))


class WithoutNormalizing(DistilBert):
    """The vectors keep the size that they happen to have."""

    def norm(self, name: str, x: Floats) -> Floats:  # noqa: ARG002
        """Return the vectors as they are."""
        return x


def with_class(kind: type[DistilBert]) -> Change:
    """Return the change that computes with this class."""

    def label(texts: Sequence[str]) -> Labels:
        model, tokenizer = kind(MINI), npbert.AutoTokenizer.from_pretrained("mini")
        ids = (np.array(tokenizer(text).input_ids) for text in texts)
        return np.array([model.logits(each).argmax() for each in ids], np.int64)

    return label


def shuffled(texts: Sequence[str]) -> Labels:
    """Label the texts with their words in a random order."""
    return CHANGES[UNCHANGED]([shuffle(text) for text in texts])


def shuffle(text: str) -> str:
    """Put the words of a text in a random order, which is the same in each run."""
    words = text.split()
    random.Random(text).shuffle(words)
    return " ".join(words)


CHANGES: Final[dict[str, Change]] = {
    UNCHANGED: with_encoder(lambda encoder: encoder),
    "no activation": with_changes(Changes(activation="linear")),
    "ReLU in place of GELU": with_changes(Changes(activation="relu")),
    "GELU approximated by tanh": with_changes(Changes(activation="gelu_new")),
    "no adding (the parts replace)": with_class(WithoutAdding),
    "no normalizing": with_class(WithoutNormalizing),
    "no division by √32": with_changes(Changes(scale=False)),
    "no positions": with_changes(Changes(positions=False)),
    "words shuffled": shuffled,
    "no attention at all": in_layers(without_attention),
    "no feed-forward at all": in_layers(without_feed_forward),
    **{f"no attention in layer {n}": in_layers(without_attention, n) for n in range(4)},
    **{f"no feed-forward in layer {n}": in_layers(without_feed_forward, n) for n in range(4)},
    **{f"layer {n} left out": with_changes(Changes(without_layers=(n,))) for n in range(4)},
    "only layers 0 and 1": with_changes(Changes(without_layers=(2, 3))),
    "only layer 0": with_changes(Changes(without_layers=(1, 2, 3))),
    "head 2 of layer 0 silent": in_layers(without_head(2), 0),
    "head 7 of layer 2 silent": in_layers(without_head(7), 2),
}


# ------------------------------------------------------------------------------------ the table


def measure() -> None:
    """Label all sentences with every change, and write the labels down."""
    texts = [sentence.text for sentence in sentences()]
    lines = [f"{name}\t{''.join(map(str, change(texts)))}\n" for name, change in CHANGES.items()]
    MEASURED.write_text("".join(lines), encoding="utf-8")


def measured() -> dict[str, Labels]:
    """Read the labels that each change led to."""
    lines = MEASURED.read_text(encoding="utf-8").splitlines()
    rows = dict(line.split("\t") for line in lines)
    return {name: np.array([int(label) for label in labels]) for name, labels in rows.items()}


def with_present_table(page: str) -> str:
    """Return the text of the page with the table of what was measured."""
    truth = np.array([sentence.label for sentence in sentences()])
    right = {name: labels == truth for name, labels in measured().items()}
    table = ["| what is changed | accuracy | difference in points |", "| --- | --- | --- |"]
    for name, hits in right.items():
        apart = 100 * (hits.astype(np.float64) - right[UNCHANGED])  # (sentences,)
        error = apart.std() / math.sqrt(len(apart))
        difference = f"{apart.mean():+.1f} ± {error:.1f}".replace("-", "−")
        shown = "" if name == UNCHANGED else difference
        table.append(f"| {name} | {hits.mean():.3f} | {shown} |")
    changed, n_tables = TABLE.subn("".join(f"{line}\n" for line in table), page)
    assert n_tables == 1, f"{PAGE} has no line of its own that says where the table belongs"
    return changed
