"""The folder that ``make demo`` and ``make demo-up`` write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.demo.folder import emptied


def test_what_an_earlier_demo_left_is_gone(tmp_path: Path) -> None:
    for name in ("files", "airflow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "left").touch()
    (tmp_path / "demo.log").touch()
    (tmp_path / "link").symlink_to(tmp_path / "files")
    with emptied(tmp_path):
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["files", "tmp"]


def test_a_demo_that_runs_keeps_its_folder(tmp_path: Path) -> None:
    with emptied(tmp_path / "work"):
        kept = tmp_path / "work" / "files" / "alarms.csv"
        kept.touch()
        with pytest.raises(SystemExit, match="is in use"), emptied(tmp_path / "work"):
            pytest.fail("two demos in one folder")
        assert kept.exists()
    with emptied(tmp_path / "work"):
        assert not kept.exists()
