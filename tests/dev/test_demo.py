"""``make demo`` shows what it says, and fails where something is not so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from dev.demo import checks
from dev.demo.in_airflow import NotAsShown

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 1, 1, 12)
GOOD = {"read": 10, "upserted": 8, "superseded": 0, "rejected": 2, "identities": 8, "retries": 3}
LINE = {"where": "row 5 of alarms.csv", "message": "expected int32, got 'high'"}
LOADED, URI = ("cdf://a/b/c", "pumps/load"), "cdf://a/b/c"


@pytest.mark.skipif(not AIRFLOW_3, reason="the demo is of Airflow 3")
def test_all_scenes_are_shown(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dev.demo", "--work", str(tmp_path / "work")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for shown in (
        "Starting Airflow",
        "Upserted 10 of 12 records into stream plant_pump_alarms",
        "Rejected: row 5 of pump_alarms.csv: column 'Severity' -> plant_pumps/PumpAlarm.severity: "
        "expected int32, got 'high'",
        "Rejected: row 10 of pump_alarms.csv: column 'Temperature'",
        '"high" is now "3", "81,5" is now "81.5"',
        "Upserted 2 of 2 records",
        "holds 12 records",
        "wait_until_visible ends: queries see what this load wrote",
        "Upserted 19,998 of 20,000 records",
        "Nothing is lost: 12 records before, 19,998 upserted, 20,010 now",
        "3 events of cdf://westeurope-1/my-project/plant_pump_alarms",
        "cdf_pump_report (schedule=[ALARMS]) is due",
        "make demo-up",
        "docs/connect.md",
        "All of it is as shown",
    ):
        assert shown in done.stdout, shown
    assert "retries), " in done.stdout
    assert str(tmp_path) not in done.stdout.replace(f"files are in {tmp_path}", "")


def test_what_should_be_so_passes() -> None:
    checks.check_rejected(GOOD, [LINE, LINE], 2)
    checks.check_mended({"read": 2, "upserted": 2, "rejected": 0}, 2)
    checks.check_waited(NOON, NOON + timedelta(seconds=3), 3)
    checks.check_nothing_lost(GOOD, faults=4, before=12, stored=20)
    checks.check_event([LOADED], ["report"], 1, URI, "report")


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        (lambda: checks.check_rejected(GOOD | {"rejected": 0}, [LINE, LINE], 2), "0 rejected, of 10"),
        (lambda: checks.check_rejected(GOOD | {"upserted": 7}, [LINE, LINE], 2), "7 rows are stored"),
        (lambda: checks.check_rejected(GOOD, [LINE], 2), "file has 1 rows"),
        (lambda: checks.check_rejected(GOOD, [LINE, LINE | {"message": ""}], 2), "has no reason"),
        (lambda: checks.check_mended({"read": 2, "upserted": 1, "rejected": 1}, 2), "1 are stored"),
        (lambda: checks.check_waited(NOON, NOON + timedelta(seconds=2), 3), "ended after 2.0 s"),
        (lambda: checks.check_nothing_lost(GOOD, faults=0, before=12, stored=20), "no request failed"),
        (lambda: checks.check_nothing_lost(GOOD | {"retries": 0}, 4, 12, 20), "no retries"),
        (lambda: checks.check_nothing_lost(GOOD | {"read": 11}, 4, 12, 20), "10 are accounted for"),
        (lambda: checks.check_nothing_lost(GOOD, 4, 12, 19), "holds 19 records, not 20"),
        (lambda: checks.check_event([], [], 1, URI, "report"), "1 loads made these events"),
        (lambda: checks.check_event([LOADED], [], 1, URI, "report"), "no DAGs, not report"),
        (lambda: checks.rejected_lines(Path("none.ndjson")), "there is no none.ndjson"),
    ],
)
def test_what_is_not_so_is_found(check: Callable[[], Any], complaint: str) -> None:
    with pytest.raises(NotAsShown, match=complaint):
        check()
