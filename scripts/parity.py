"""Compare npbert with transformers, number by number.

    python scripts/parity.py mini
    python scripts/parity.py FOLDER_OR_HUB_ID "A text of yours." "Another."
    python scripts/parity.py --random
    python scripts/parity.py --published

The first two commands compare the token ids, the hidden states and the logits of texts. --random
compares random weights of many shapes, the base size among them, with padding on either side and
with holes in the mask. --published compares the logits of the default model with those that the
Hugging Face course and documentation print. The exit code is 1 if a difference is too large.

The script needs the extra `test` and a checkout, because it uses the oracles of the tests.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import transformers
from numpy.typing import NDArray

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "docs" / "learn")]

import npbert  # noqa: E402
from npbert.checkpoints.sources import DEFAULT_MODEL, DEFAULT_REVISION, ModelSource  # noqa: E402
from tests.support.oracles import (  # noqa: E402
    BASE,
    SIZES,
    Oracle,
    largest_difference,
    make_model,
    random_batch,
)
from tests.support.reference import Reference  # noqa: E402

TOLERANCE = 1e-5  # largest difference allowed, as a share of max(1, largest value)
PUBLISHED = CHECKOUT / "tests" / "data" / "published_logits.jsonl"
TEXTS = [
    "I love this film.",
    "I want my two hours back.",
    "",
    "Naïve café, 東京 and 😀: mixed feelings, all told!",
    "It begins as a comedy, turns into a thriller, and ends as neither; still, the cast is "
    "superb and the score stays with you for days.",
    "A long one, which is cut at 512 tokens. " * 60,
]
LENGTHS = [2, 3, 17, 64, 200, 512]


class Figures(NamedTuple):
    """The figures of one comparison."""

    name: str
    difference: float  # the largest from transformers, as a share of max(1, largest value)
    error_ratio: float  # npbert's root mean square error against float64, divided by torch's


def main() -> int:
    """Print the differences, and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare npbert with transformers.")
    parser.add_argument("model", nargs="?", default="mini", help="a folder, 'mini', or a hub id")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="default: six texts of the script")
    parser.add_argument("--revision", help="commit, tag or branch of a model on the hub")
    parser.add_argument(
        "--random", action="store_true", help="compare random weights of many shapes instead"
    )
    parser.add_argument(
        "--published",
        action="store_true",
        help="compare the default model with its published logits instead",
    )
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # the bare encoder warns that it does not use the head
    transformers.utils.logging.disable_progress_bar()
    if options.published:
        return check_published()
    if options.random:
        figures = compare_random_models()
    else:
        folder = ModelSource(options.model, options.revision).resolve()
        figures = compare_texts(folder, options.texts or TEXTS)
    print(f"{'':46}{'largest |difference|':>22}{'error / torch error':>22}")
    worst = 0.0
    for figure in figures:
        print(f"{figure.name:46}{figure.difference:22.1e}{figure.error_ratio:22.2f}", flush=True)
        worst = max(worst, figure.difference)
    print(f"largest {worst:.1e}, tolerance {TOLERANCE:.0e}")
    return int(worst > TOLERANCE)


def compare_texts(folder: Path, texts: list[str]) -> Iterator[Figures]:
    """Yield the figures of all texts in one padded batch, then those of each text alone."""
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    ours = npbert.AutoTokenizer.from_pretrained(folder)
    options: dict[str, Any] = {"truncation": True, "return_tensors": "np", "padding": True}
    inputs = ours(texts, **options)
    expected = theirs(texts, **options)
    for name, ids in inputs.items():
        if not np.array_equal(ids, expected[name]):
            raise SystemExit(f"{folder}: the {name} differ from those of transformers")
    models = Models(folder)
    yield from models.compare("texts in a batch", inputs.input_ids, inputs.attention_mask)
    for number, text in enumerate(texts):
        one = ours([text], truncation=True, return_tensors="np")
        name = f"text {number}, {one.input_ids.shape[1]} tokens"
        yield from models.compare(name, one.input_ids, one.attention_mask)


def compare_random_models() -> Iterator[Figures]:
    """Yield the figures of random ids, for every shape that the tests use."""
    for name, sizes in {**SIZES, "base": BASE}.items():
        rng = np.random.default_rng(0)
        with tempfile.TemporaryDirectory() as folder:
            models = Models(make_model(Path(folder), **sizes))
            config = models.classifier.config
            lengths = [n for n in LENGTHS if n <= config.max_position_embeddings]
            for padding in ("right", "left", "holes"):
                ids, mask = random_batch(rng, config.vocab_size, lengths, padding)
                yield from models.compare(f"{name}, mask {padding}", ids, mask)


class Models:
    """One folder, loaded by npbert, transformers and the float64 reference."""

    def __init__(self, folder: Path) -> None:
        self.encoder = npbert.AutoModel.from_pretrained(folder)
        self.classifier = npbert.AutoModelForSequenceClassification.from_pretrained(folder)
        self.oracle = Oracle.load(folder)
        self.reference = Reference(folder)

    def compare(
        self, name: str, input_ids: NDArray[np.int64], mask: NDArray[np.int64]
    ) -> Iterator[Figures]:
        """Yield the figures of the hidden states and, if no `[CLS]` is masked, of the logits."""
        seen = mask == 1
        yield _figures(
            f"{name}: hidden states",
            self.encoder(input_ids, mask).last_hidden_state[seen],
            self.oracle.hidden(input_ids, mask)[seen],
            self.reference.hidden(input_ids, mask)[seen],
        )
        if seen[:, 0].all():
            yield _figures(
                f"{name}: logits",
                self.classifier(input_ids, mask).logits,
                self.oracle.logits(input_ids, mask),
                self.reference.logits(input_ids, mask),
            )


def _figures(
    name: str, ours: NDArray[Any], theirs: NDArray[Any], exact: NDArray[np.float64]
) -> Figures:
    ours_rms, theirs_rms = (float(np.sqrt(np.mean((x - exact) ** 2))) for x in (ours, theirs))
    return Figures(name, largest_difference(ours, theirs), ours_rms / theirs_rms)


def check_published() -> int:
    """Compare the default model with its published logits, and return the exit code."""
    model = npbert.AutoModelForSequenceClassification.from_pretrained(
        DEFAULT_MODEL, revision=DEFAULT_REVISION
    )
    n_wrong = 0
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        ours = model(np.array(row["input_ids"]), row["attention_mask"]).logits
        difference = float(np.abs(ours - np.array(row["logits"])).max())
        # The published logits are rounded to their last digit. The tolerance comes on top.
        allowed = 0.5 * 10 ** -row["decimals"] + TOLERANCE * max(1, float(np.abs(ours).max()))
        n_wrong += difference > allowed
        source = row["source"]["path"] or row["source"]["desc"]
        print(f"{difference:.1e} (allowed {allowed:.1e})  {ours.round(4).tolist()}  {source}")
    print(f"{n_wrong} rows differ too much" if n_wrong else "all rows agree")
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
