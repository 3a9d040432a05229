"""The processes that run the tests share them out by their groups."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

GROUPED = """\
    import pytest


    @pytest.mark.xdist_group("one Airflow for all")
    @pytest.mark.parametrize("number", range(8))
    def test_in_a_group(number: int, worker_id: str) -> None:
        print("in", worker_id)
    """


def test_the_tests_of_a_group_run_in_one_process(tmp_path: Path) -> None:
    (tmp_path / "test_grouped.py").write_text(dedent(GROUPED))
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--numprocesses", "2", "--dist", "loadgroup", "-rP", tmp_path],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    workers = re.findall(r"(?m)^in (gw\d)$", run.stdout)
    assert len(workers) == 8
    assert len(set(workers)) == 1
