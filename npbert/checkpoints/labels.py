"""The names of the labels, from the keys `id2label` and `num_labels` of a config.json."""

from __future__ import annotations

from typing import Any, Final

from npbert.messages import shown, with_noun

_MOST_WITHOUT_NAMES: Final = 100_000  # a name of each is made before the weights are looked at
_EXAMPLE: Final = '{"0": "no", "1": "yes"}'


def read_labels(id2label: Any, num_labels: Any) -> dict[int, str]:
    """Return the name of every label, by the number of its output column.

    Parameters
    ----------
    id2label, num_labels
        The values of the two keys; None if a key is missing.

    Returns
    -------
    dict of int to str
        The keys are 0, 1, 2, … in this order.

    Raises
    ------
    ValueError
        If the values cannot be honoured, or contradict each other.

    Notes
    -----
    Without names, the labels are called LABEL_0, LABEL_1, …; without a number, there are two of
    them. Releases 2 of transformers wrote these two names into every config.json, and the true
    number of labels beside them. So if all names are of this kind, `num_labels` is right.
    """
    if num_labels is not None and (not is_int(num_labels) or num_labels < 1):
        raise ValueError(f"num_labels is {shown(num_labels)}, expected a positive integer")
    if id2label is None or id2label == {}:
        if num_labels is not None and num_labels > _MOST_WITHOUT_NAMES:
            raise ValueError(
                f"num_labels is {num_labels:,}, expected at most {_MOST_WITHOUT_NAMES:,} where "
                "id2label does not name them"
            )
        return _numbered(num_labels or 2)
    labels = _with_int_keys(id2label)
    check_labels(labels)
    if num_labels in (None, len(labels)):
        return labels
    if labels != _numbered(len(labels)):
        raise ValueError(
            f"num_labels is {num_labels}, but id2label names "
            f"{with_noun(len(labels), 'label')}; leave out the one that is wrong (from_pretrained "
            "takes each of them in place of those in the file)"
        )
    return _numbered(num_labels)


def check_labels(id2label: Any) -> None:
    """Raise a ValueError if a value is not a dict that names the labels 0, 1, 2, … in order.

    Parameters
    ----------
    id2label
        The value. The names are str; numbers and truth values, which some config.json have, pass
        too.
    """
    if not isinstance(id2label, dict) or list(id2label) != list(range(len(id2label) or 1)):
        keys = list(id2label) if isinstance(id2label, dict) else id2label
        raise ValueError(
            f"id2label has the keys {shown(keys)}, expected the numbers of the output columns: "
            "0, 1, 2, …"
        )
    for number, label in id2label.items():
        if not isinstance(label, (str, int, float)):
            raise ValueError(f"id2label[{number}] is {shown(label)}, expected a string or a number")


def is_int(value: object) -> bool:
    """Tell whether a value is an integer, and not True or False."""
    return isinstance(value, int) and not isinstance(value, bool)


def _numbered(n_labels: int) -> dict[int, str]:
    return {number: f"LABEL_{number}" for number in range(n_labels)}


def _with_int_keys(id2label: Any) -> dict[int, Any]:
    """Return `id2label` with int keys, in order; JSON has them as strings."""
    if not isinstance(id2label, dict):
        raise ValueError(f"id2label is {shown(id2label)}, expected an object such as {_EXAMPLE}")
    keys = list(id2label)
    try:
        labels = {int(key): label for key, label in id2label.items()}
    except (ValueError, TypeError) as error:
        is_reversed = all(is_int(value) for value in id2label.values())
        mend = "; these are the keys of label2id" if is_reversed else ""
        raise ValueError(
            f"id2label has the keys {shown(keys)}, expected numbers, as in {_EXAMPLE}{mend}"
        ) from error
    if len(labels) != len(keys):
        raise ValueError(f"id2label has the keys {shown(keys)}, some of which are the same number")
    return dict(sorted(labels.items()))
