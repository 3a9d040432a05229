"""Where the tests of a format write their file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A CSV file; modules of other formats have their own."""
    return tmp_path / "a.csv"
