from __future__ import annotations

import fcntl
import json
import resource
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Owner, Rejection, rejection_of
from airflow_provider_cdf_records.rejected.order import HOW_TO_SORT


@pytest.fixture(params=["local", "objects"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A file on a disk, and an object in a store that cannot append."""
    name = f"{tmp_path.name}/rejected.ndjson"
    if request.param == "objects":
        return UPath(f"memory://bucket/{name}")
    return tmp_path / "rejected.ndjson"


def rejection(position: int) -> Rejection:
    return Rejection(position=position, where=f"line {position}", record=b'{"n":1}', message="no")


def written(path: Any, *rows: int, owner: Owner | None = None) -> None:
    """Leave the file of a load that ended with these rows rejected."""
    file = RejectedFile(path, owner)
    for row in rows:
        file.write(rejection(row))
    file.close()


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


def test_a_file_of_an_earlier_load_stays_until_this_one_has_something_to_put_there(path: Any) -> None:
    written(path, 1, 2)
    before = path.read_bytes()
    file = RejectedFile(path)
    file.persist()
    assert path.read_bytes() == before
    file.write(rejection(7))
    file.close()
    assert positions(path) == [7]


def test_a_load_that_ends_well_without_rejections_removes_the_file_of_an_earlier_one(path: Any) -> None:
    written(path, 1, 2)
    file = RejectedFile(path)
    file.complete()
    file.close()
    assert not path.exists()


def test_a_load_that_fails_before_a_rejection_leaves_the_file_of_an_earlier_one(path: Any) -> None:
    written(path, 1, 2)
    RejectedFile(path).close()
    assert positions(path) == [1, 2]


def test_a_resumed_load_keeps_the_settled_lines_and_drops_those_that_come_again(path: Any) -> None:
    written(path, 2, 9, 4)
    resumed = RejectedFile(path)
    assert resumed.keep(5, 2)
    resumed.write(rejection(9))
    resumed.close()
    assert positions(path) == [2, 4, 9]


def test_a_resumed_load_drops_lines_of_unsettled_rows_before_the_next_mark(path: Any) -> None:
    written(path, 2, 9, 4)
    resumed = RejectedFile(path)
    assert resumed.keep(5, 2)
    resumed.persist()  # and then the mark moves past 9, which is accepted this time
    assert positions(path) == [2, 4]
    resumed.close()


@pytest.mark.parametrize(("position", "count"), [(5, 1), (5, 3), (9, 2), (1, 1)])
def test_a_file_without_the_lines_of_the_earlier_try_is_not_gone_on_with(
    path: Any, position: int, count: int
) -> None:
    written(path, 2, 9, 4)
    file = RejectedFile(path)
    assert not file.keep(position, count)
    file.write(rejection(1))
    file.close()
    assert positions(path) == [1]


def test_a_file_that_is_not_there_is_not_gone_on_with(path: Any) -> None:
    assert not RejectedFile(path).keep(5, 2)


def test_lines_of_another_run_are_not_those_of_the_earlier_try(path: Any) -> None:
    written(path, 2, 4, owner=Owner("plant/load", "monday"))
    assert RejectedFile(path, Owner("plant/load", "monday")).keep(5, 2)
    assert not RejectedFile(path, Owner("plant/load", "tuesday")).keep(5, 2)


def test_nothing_is_needed_where_nothing_was_rejected(path: Any) -> None:
    written(path, 2, 9)  # of another load
    file = RejectedFile(path)
    assert file.keep(5, 0)
    file.complete()
    file.close()
    assert not path.exists()


def test_a_crash_between_line_and_checkpoint_leaves_each_line_once(path: Any) -> None:
    written(path, 3)  # and killed here: the checkpoint still says that nothing is settled
    second = RejectedFile(path)
    assert second.keep(-1, 0)
    second.write(rejection(3))
    second.close()  # killed again, after the checkpoint was moved to 3
    third = RejectedFile(path)
    assert third.keep(3, 1)
    third.complete()
    third.close()
    assert positions(path) == [3]


def test_the_half_line_of_a_killed_try_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(rejection(1).as_line() + rejection(2).as_line()[:20])
    file = RejectedFile(path)
    assert file.keep(10, 1)
    file.complete()
    file.close()
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
    second = RejectedFile(path)
    assert second.keep(3, 1)
    second.write(rejection(5))
    second.close()
    assert [json.loads(line)["position"] for line in path.read_bytes().splitlines()] == [3, 5]


def test_what_is_rejected_after_the_end_is_not_written(tmp_path: Path) -> None:
    """A request of a load that was stopped may be answered when the next try writes the file."""
    path = tmp_path / "rejected.ndjson"
    late = RejectedFile(path)
    late.close()
    written(path, 5)
    late.write(rejection_of("line 1", 1, b"{}", "too late"))
    assert positions(path) == [5]


# The order of the source


def inode(path: Any) -> int | None:
    return path.stat().st_ino if isinstance(path, Path) else None


def test_a_closed_file_is_in_the_order_of_the_source(path: Any) -> None:
    written(path, 7, 2, 9, -1, 4)
    assert positions(path) == [-1, 2, 4, 7, 9]


@given(rows=st.lists(st.integers(0, 50)))
def test_any_order_is_put_right_and_no_line_is_lost(tmp_path_factory: Any, rows: list[int]) -> None:
    path = tmp_path_factory.mktemp("rows") / "rejected.ndjson"
    file = RejectedFile(path)
    for at, row in enumerate(rows):
        file.write(replace(rejection(row), message=str(at)))
    file.close()
    lines = map(json.loads, path.read_text().splitlines()) if rows else ()
    found = [(line["position"], int(line["message"])) for line in lines]
    assert found == sorted((row, at) for at, row in enumerate(rows))


def test_an_object_is_in_order_though_it_was_saved_before(path: Any) -> None:
    file = RejectedFile(path)
    file.write(rejection(5))
    file.write(rejection(3))
    file.persist()
    assert positions(path) == [5, 3]
    file.complete()
    assert positions(path) == [3, 5]
    file.close()
    assert positions(path) == [3, 5]


def test_lines_are_added_to_a_file_that_was_put_in_order(path: Any) -> None:
    file = RejectedFile(path)
    file.write(rejection(5))
    file.write(rejection(3))
    file.complete()
    file.write(rejection(4))  # of a request that was answered late
    file.close()
    assert positions(path) == [3, 4, 5]


def test_lines_that_are_in_order_are_not_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    file = RejectedFile(path)
    file.write(rejection(3))
    before = inode(path)
    file.write(rejection(5))
    file.close()
    assert inode(path) == before


def test_kept_lines_of_a_killed_try_are_put_in_order(path: Any) -> None:
    killed = RejectedFile(path)
    for row in (4, 2, 9):
        killed.write(rejection(row))
    killed.persist()
    if isinstance(path, Path):
        assert killed._lines is not None
        fcntl.flock(killed._lines, fcntl.LOCK_UN)
        with path.open("r+b") as file:
            file.truncate(path.stat().st_size - 1)  # without the end of its last line
    resumed = RejectedFile(path)
    assert resumed.keep(9, 3)
    resumed.write(rejection(11))
    resumed.close()
    assert positions(path) == [2, 4, 9, 11]


def test_a_file_stays_whole_where_the_disk_has_no_room_to_sort_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rejected.ndjson"
    file = RejectedFile(path)
    file.write(rejection(5))
    file.write(rejection(3))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        file.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert positions(path) == [5, 3]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert "not in the order of the source" in caplog.text


def test_the_command_that_the_warning_names_sorts_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    file = RejectedFile(path)
    for row in (10, 9, 2):
        file.write(rejection(row))
    command = HOW_TO_SORT.partition("with: ")[2].replace("FILE", str(path)).split()
    lines = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()
    assert [json.loads(line)["position"] for line in lines] == [2, 9, 10]
    file.close()
