from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.running import Commands


@pytest.fixture
def commands(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Commands:
    return Commands(capsys, tmp_path / "suggested")
