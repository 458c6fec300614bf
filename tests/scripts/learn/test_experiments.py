"""The table of chapter 5 shows what was measured, and a measurement today gives the same labels."""

from __future__ import annotations

import numpy as np
import pytest
from learn.experiments import (
    CHANGES,
    PAGE,
    TABLE,
    UNCHANGED,
    measured,
    sentences,
    shuffle,
    with_present_table,
)

# Where the two logits of a sentence are nearly equal, another processor may round to another label.
MAY_DIFFER = 1


def test_the_table_is_not_stale() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_present_table(page), "run `python scripts/learn`"


def test_accuracies_and_differences_by_hand() -> None:
    (table,) = TABLE.findall(PAGE.read_text(encoding="utf-8"))
    rows = {line.split(" | ")[0].strip("| "): line for line in table.splitlines()[2:]}
    assert rows.keys() == CHANGES.keys()
    truth = np.array([sentence.label for sentence in sentences()])
    before, after = (measured()[name] == truth for name in (UNCHANGED, "ReLU in place of GELU"))
    lost, gained = (before & ~after).sum(), (after & ~before).sum()
    difference = (gained - lost) / 872
    error = ((gained + lost) / 872 - difference**2) ** 0.5 / 872**0.5
    assert (
        f"| {after.sum() / 872:.3f} | −{-100 * difference:.1f} ± {100 * error:.1f} |"
        in (rows["ReLU in place of GELU"])
    )
    assert f"| {776 / 872:.3f} |" in rows[UNCHANGED]


@pytest.mark.parametrize("name", CHANGES)
def test_a_measurement_gives_the_same_labels(name: str) -> None:
    """Try sentences whose label changed, and some others."""
    expected = measured()[name]
    changed = np.flatnonzero(expected != measured()[UNCHANGED])[:20]
    tried = np.union1d(changed, np.arange(0, len(expected), 50))
    labels = CHANGES[name]([sentences()[number].text for number in tried])
    assert (labels != expected[tried]).sum() <= MAY_DIFFER


def test_shuffled_words_are_the_same_words() -> None:
    text = "a slow start , but the acting is wonderful ."
    assert shuffle(text) == shuffle(text) != text
    assert sorted(shuffle(text).split()) == sorted(text.split())
