from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Rejection, rejection_of


@pytest.fixture(params=["local", "objects"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A file on a disk, and an object in a store that cannot append."""
    name = f"{tmp_path.name}/rejected.ndjson"
    if request.param == "objects":
        return UPath(f"memory://bucket/{name}")
    return tmp_path / "rejected.ndjson"


def rejection(position: int) -> Rejection:
    return Rejection(position=position, where=f"line {position}", record=b'{"n":1}', message="no")


def positions(path: Any) -> list[int]:
    return [json.loads(line)["position"] for line in path.read_text().splitlines()]


def test_lines_are_there_once_they_are_persisted(path: Any) -> None:
    file = RejectedFile(path)
    file.write(rejection(1))
    file.write(rejection(2))
    file.persist()
    assert positions(path) == [1, 2]
    file.write(rejection(3))
    file.close()
    assert positions(path) == [1, 2, 3]


def test_nothing_rejected_makes_no_file(path: Any) -> None:
    RejectedFile(path).close()
    assert not path.exists()


def test_a_new_load_replaces_the_file(path: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("old\n")
    file = RejectedFile(path)
    assert not path.exists()
    file.close()


def test_a_resumed_load_keeps_the_settled_lines_and_drops_those_that_come_again(path: Any) -> None:
    killed = RejectedFile(path)
    for position in (2, 9, 4):
        killed.write(rejection(position))
    killed.persist()

    resumed = RejectedFile(path, after=5)
    resumed.write(rejection(9))
    resumed.close()
    assert positions(path) == [2, 4, 9]


def test_a_crash_between_line_and_checkpoint_leaves_each_line_once(path: Any) -> None:
    first = RejectedFile(path)
    first.write(rejection(3))
    first.persist()  # and killed here: the checkpoint still says that nothing is settled
    second = RejectedFile(path, after=-1)
    second.write(rejection(3))
    second.persist()  # killed again, after the checkpoint was moved to 3
    third = RejectedFile(path, after=3)
    third.close()
    assert positions(path) == [3]


def test_the_half_line_of_a_killed_try_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(rejection(1).as_line() + rejection(2).as_line()[:20])
    RejectedFile(path, after=10).close()
    assert positions(path) == [1]


def test_on_a_disk_each_line_is_there_at_once(tmp_path: Path) -> None:
    file = RejectedFile(tmp_path / "new folder" / "rejected.ndjson")
    file.write(rejection(1))
    assert positions(file.path) == [1]
    file.close()


@pytest.mark.parametrize(
    "row",
    [
        '{"text": "é"}'.encode("latin-1"),
        b'{"n": 1e999}',
        b'{"n":\r1}',
        b"\xff\xfe",
        {"text": "\ud83d"},
        {"\ud83d": 1},
        {"n": 10**5000},
        {"when": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))},
        (1, 2, 3),
        "text",
        None,
    ],
    ids=lambda row: type(row).__name__,
)
def test_any_row_is_kept_on_one_line_and_through_a_second_try(tmp_path: Path, row: Any) -> None:
    path = tmp_path / "rejected.ndjson"
    first = RejectedFile(path)
    first.write(rejection_of("line 3", 3, row, "no: \ud83d"))
    first.close()
    second = RejectedFile(path, after=3)
    second.write(rejection(5))
    second.close()
    assert [json.loads(line)["position"] for line in path.read_bytes().splitlines()] == [3, 5]


def test_what_is_rejected_after_the_end_is_not_written(tmp_path: Path) -> None:
    """A request of a load that was stopped may be answered when the next try writes the file."""
    path = tmp_path / "rejected.ndjson"
    late = RejectedFile(path)
    late.close()
    path.write_text("of the next try\n")
    late.write(rejection_of("line 1", 1, b"{}", "too late"))
    assert path.read_text() == "of the next try\n"
