"""The names of the labels: what is read as by transformers, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
import transformers

from tests.support.configs import TYPE, read

LABELS: list[tuple[dict[str, Any], list[Any]]] = [
    ({"id2label": {"0": "a", "1": "b", "2": "c"}}, ["a", "b", "c"]),
    ({"id2label": {0: "a", 1: "b"}}, ["a", "b"]),
    ({"id2label": {"1": "b", "0": "a"}}, ["a", "b"]),
    ({"id2label": {" 1 ": "b", "00": "a"}}, ["a", "b"]),
    ({"id2label": {0.0: "a", True: "b"}}, ["a", "b"]),
    ({"id2label": {str(n): f"{n}!" for n in range(12)}}, [f"{n}!" for n in range(12)]),
    ({"id2label": {"0": ""}}, [""]),
    ({"id2label": {"0": "same", "1": "same"}}, ["same", "same"]),
    ({"id2label": {"0": 0, "1": 1}}, [0, 1]),
    ({"id2label": {"0": -1, "1": 0.5, "2": "x"}}, [-1, 0.5, "x"]),
    ({"id2label": {"0": False, "1": True}}, [False, True]),
    ({"id2label": {"0": "a", "1": "b"}, "num_labels": 2}, ["a", "b"]),
    ({"id2label": None, "num_labels": 1}, ["LABEL_0"]),
    ({"id2label": {}, "num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ({"num_labels": 3}, ["LABEL_0", "LABEL_1", "LABEL_2"]),
    ({"label2id": {"a": 0, "b": 1}}, ["LABEL_0", "LABEL_1"]),
    ({"label2id": {"a": 0, "b": 1, "c": 2}, "num_labels": 2}, ["LABEL_0", "LABEL_1"]),
    # Releases 2 wrote two such names, whatever the number of labels was.
    ({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}, "num_labels": 1}, ["LABEL_0"]),
    (
        {"id2label": {"1": "LABEL_1", "0": "LABEL_0"}, "num_labels": 3},
        ["LABEL_0", "LABEL_1", "LABEL_2"],
    ),
]


@pytest.mark.parametrize(("values", "names"), LABELS, ids=str)
def test_labels(values: dict[str, Any], names: list[Any]) -> None:
    config = read(values)
    assert list(config.id2label.items()) == list(enumerate(names))
    assert [type(name) for name in config.id2label.values()] == [type(name) for name in names]
    assert all(type(number) is int for number in config.id2label)
    assert config.num_labels == len(names)
    assert config.id2label == transformers.DistilBertConfig.from_dict(TYPE | values).id2label


def test_an_empty_id2label_names_nothing() -> None:
    assert read({"id2label": {}}).id2label == {0: "LABEL_0", 1: "LABEL_1"}


REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"id2label": {"0": "a", "2": "c"}},
        r"id2label has the keys \[0, 2\], expected the numbers of",
    ),
    (
        {"id2label": {"1": "a", "2": "b"}},
        r"id2label has the keys \[1, 2\], .*output columns: 0, 1, 2",
    ),
    ({"id2label": {"-1": "a", "0": "b"}}, r"id2label has the keys \[-1, 0\]"),
    ({"id2label": {"0": "a", "00": "b"}}, "id2label has the keys .*00.*, some .* the same number"),
    (
        {"id2label": {"0.0": "a"}},
        r"id2label has the keys \['0\.0'\], expected numbers, as in \{\"0\"",
    ),
    (
        {"id2label": {"a": 0, "b": 1}},
        r"\['a', 'b'\], expected numbers, .*; these are the keys of label2id",
    ),
    (
        {"id2label": {"LABEL_0": "a"}},
        r"id2label has the keys \['LABEL_0'\], expected numbers, as in",
    ),
    ({"id2label": {None: "a"}}, r"id2label has the keys \[None\]"),
    (
        {"id2label": ["a", "b"]},
        r"id2label is \['a', 'b'\], expected an object such as \{\"0\": \"no\"",
    ),
    ({"id2label": []}, r"id2label is \[\], expected an object"),
    ({"id2label": "ab"}, "id2label is 'ab'"),
    ({"id2label": 2}, "id2label is 2"),
    ({"id2label": {"0": None}}, r"id2label\[0\] is None, expected a string or a number"),
    ({"id2label": {"0": ["a"]}}, r"id2label\[0\] is \['a'\]"),
    (
        {"num_labels": 3, "id2label": {"0": "a"}},
        "num_labels is 3, but id2label names 1 label; leave",
    ),
    (
        {"num_labels": 1, "id2label": {"0": "LABEL_0", "1": "b"}},
        "num_labels is 1, but id2label names 2",
    ),
    ({"num_labels": 0}, "num_labels is 0, expected a positive integer"),
    ({"num_labels": -1}, "num_labels is -1"),
    ({"num_labels": "2"}, "num_labels is '2'"),
    ({"num_labels": 2.0}, r"num_labels is 2\.0"),
    ({"num_labels": True}, "num_labels is True"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_labels_that_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(values)
