"""A local CDF for the tests of loads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local_cdf import LocalCdf, local_cdf


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    with local_cdf(monkeypatch) as cdf:
        yield cdf
