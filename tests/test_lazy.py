"""The public names of npbert."""

from __future__ import annotations

import pytest

import npbert


def test_the_public_names() -> None:
    names = npbert.__all__  # type: ignore[attr-defined]
    for name in names:
        assert getattr(npbert, name) is not None
    assert sorted(names) == dir(npbert)
    with pytest.raises(AttributeError, match="no attribute 'Pipeline'"):
        _ = npbert.Pipeline  # type: ignore[attr-defined]
