"""The bundled model behind HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.http_service import Running, serving


@pytest.fixture(scope="session")
def mini() -> Iterator[Running]:
    """A service of `mini` with the default settings."""
    with serving(model="mini") as service:
        yield service
