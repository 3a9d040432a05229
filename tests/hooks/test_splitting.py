"""A source cut into parts: all parts together are the source, and each opens as an operator opens a path."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from airflow_provider_cdf_records.hooks.sources import file_source
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, MissingSourceError
from airflow_provider_cdf_records.sources import split_source
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.current_task import current_task
from tests.sources.reading import rows_of

in_any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def values_of(path: Any, **arguments: Any) -> list[Any]:
    return [row for _, row in rows_of(file_source(path, {**arguments}))]  # type: ignore[typeddict-item]


def as_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def numbered(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"n": number} for number in range(first, first + count)]


@in_any_folder
@given(
    st.lists(
        st.tuples(st.sampled_from(["ndjson", "ndjson.gz", "json", "parquet"]), st.integers(0, 40)),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 12),
    st.sampled_from(["", "/", "/a*"]),
)
def test_the_parts_of_a_folder_are_its_rows_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, int]], parts: int, pattern: str
) -> None:
    folder = tmp_path_factory.mktemp("split")
    first = 0
    for number, (kind, count) in enumerate(files):
        rows, path = numbered(count, first), folder / f"a{number}.{kind}"
        if kind == "parquet":
            table = pa.table({"n": pa.array([row["n"] for row in rows], pa.int64())})
            parquet.write_table(table, path, row_group_size=7)
        elif kind == "json":
            path.write_text(json.dumps(rows))
        else:
            path.write_bytes(gzip.compress(as_lines(rows)) if kind.endswith("gz") else as_lines(rows))
        first += count
    found = split_source(f"{folder}{pattern}", parts, by="position")
    assert 1 <= len(found) <= parts
    assert json.loads(json.dumps(found)) == found
    rows = [row for part in found for row in values_of(**part)]
    assert rows == numbered(first)


def test_a_file_is_cut_into_about_equal_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(as_lines(numbered(1000)))
    found = split_source(path, 4, by="position")
    assert found[0]["path"].startswith(f"{path}#bytes=0-")
    assert found[-1]["path"].endswith("-")
    assert all(200 < len(values_of(**part)) < 300 for part in found)


def test_a_list_of_paths_is_read_in_its_order(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 10)):
        (tmp_path / f"{name}.ndjson").write_bytes(as_lines(numbered(10, first)))
    paths = [tmp_path / "b.ndjson", f"{tmp_path}/a.ndjson#bytes=0-0"]
    assert values_of(paths) == [*numbered(10, 10), {"n": 0}]
    source = file_source(paths, {})
    positions = [position for position, _ in rows_of(source)]
    assert source.where(positions[-1]) == f"line 1 of {tmp_path}/a.ndjson"
    assert values_of([]) == []


@pytest.mark.parametrize("parts", [2, 3, 9])
def test_rows_that_are_added_to_files_meanwhile_are_in_a_part(tmp_path: Path, parts: int) -> None:
    (tmp_path / "a.ndjson").write_bytes(as_lines(numbered(20)))
    (tmp_path / "b.csv").write_text("n\n" + "".join(f"{number}\n" for number in range(20, 40)))
    (tmp_path / "c.ndjson").write_bytes(b"")
    found = split_source(tmp_path, parts, by="position")
    with (tmp_path / "a.ndjson").open("ab") as first, (tmp_path / "b.csv").open("a") as second:
        first.write(as_lines(numbered(1, 100)))
        second.write("101\n")
    (tmp_path / "c.ndjson").write_bytes(as_lines(numbered(1, 102)))
    rows = [int(row["n"]) for part in found for row in values_of(**part)]
    assert sorted(rows) == [*range(40), 100, 101, 102]


def test_there_are_no_more_parts_than_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(as_lines(numbered(3)))
    assert len(split_source(path, 50, by="position")) == 3


@pytest.mark.parametrize("content", [b"", b'{"n": 1}\n'])
def test_a_file_of_nothing_to_cut_is_one_part_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(content)
    assert split_source(path, 8, by="position") == [{"path": str(path)}]


def test_by_identity_each_task_reads_all(tmp_path: Path) -> None:
    path = f"{tmp_path}/a.ndjson"
    Path(path).write_bytes(b"")
    found = split_source(path, 2)
    assert found == [{"path": path, "partition": "1/2"}, {"path": path, "partition": "2/2"}]


def test_paths_keep_the_text_that_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    for name in ("a", "b"):
        (tmp_path / "data" / f"{name}.ndjson").write_bytes(as_lines(numbered(5)))
    monkeypatch.chdir(tmp_path)
    for given_path in ("data", "data/", "data/*.ndjson", "*/*.ndjson"):
        assert split_source(given_path, 2, by="position") == [
            {"path": ["data/a.ndjson"]},
            {"path": ["data/b.ndjson"]},
        ]
    monkeypatch.chdir(tmp_path / "data")
    assert split_source("*.ndjson", 2, by="position") == [{"path": ["a.ndjson"]}, {"path": ["b.ndjson"]}]


def test_a_file_whose_name_looks_like_a_slice_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson#bytes=0-3"
    path.write_bytes(as_lines(numbered(4)))
    assert values_of(path, file_format="ndjson") == numbered(4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"parts": 0}, "parts must be a whole number of parts, at least 1, got 0"),
        ({"parts": True}, "parts must be a whole number of parts, at least 1, got True"),
        ({"by": "hash"}, "by must be one of identity, position, got 'hash'"),
        ({"path": "a.ndjson#bytes=0-4"}, "is a slice; give the whole file"),
        ({"path": "https://host/a.ndjson?sig=secret"}, "may hold a secret, and would be shown in XCom"),
        ({"path": None}, "path must be a path"),
        ({"file_format": "xml"}, "file_format must be one of"),
    ],
)
@pytest.mark.parametrize("by", ["identity", "position"])
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], words: str, by: str) -> None:
    given_arguments = {"path": "a.ndjson", "parts": 2, "by": by} | arguments
    with pytest.raises(InvalidArgumentError, match=words) as refused:
        split_source(**given_arguments)
    assert "secret," not in str(refused.value).replace("a secret,", "")


def test_a_slice_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"")
    with pytest.raises(InvalidArgumentError, match="has a slice, and is no file"):
        file_source(f"{tmp_path}#bytes=0-5", {})


@pytest.mark.parametrize("by", ["identity", "position"])
def test_a_missing_file_is_told_and_in_a_task_not_retried(tmp_path: Path, by: Any) -> None:
    for path in (tmp_path / "a.ndjson", [tmp_path / "a.ndjson"], f"{tmp_path}/a*"):
        with pytest.raises(MissingSourceError, match=r"does not exist|with no files"):
            split_source(path, 2, by=by)
        with current_task(), pytest.raises(AirflowFailException, match=r"does not exist|with no files"):
            split_source(path, 2, by=by)


def test_an_argument_that_makes_no_sense_is_not_retried_in_a_task() -> None:
    with current_task(), pytest.raises(AirflowFailException, match="parts must be a whole number"):
        split_source("a.ndjson", 0)


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        *((f"#{part}", True) for part in ("byte=0-10", "Bytes=0-10", "bytes=5", "bytes=0 - 9", "bytes 0-9")),
        *((f"#{part}", True) for part in ("rows=0-5", "row-groups=0-1", "bytes=-5")),
        *((f"#{part}", False) for part in ("1.ndjson", "bytes.ndjson/x", "a-1")),
    ],
)
def test_a_slice_that_is_misspelt_is_told(tmp_path: Path, text: str, is_told: bool) -> None:
    (tmp_path / "a.ndjson").write_bytes(as_lines(numbered(4)))
    with pytest.raises(MissingSourceError, match="does not exist") as refused:
        values_of(f"{tmp_path}/a.ndjson{text}", file_format="ndjson")
    assert ("Slices are written #bytes=first-last" in str(refused.value)) is is_told


def test_the_log_tells_why_there_are_fewer_parts_than_were_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    lines = as_lines(numbered(1000))
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "b.json").write_text(json.dumps(numbered(1000)))
    (tmp_path / "c.csv").write_text("n\n" + "1\n" * 1000)
    with zipfile.ZipFile(tmp_path / "e.zip", "w") as archive:
        archive.writestr("a.ndjson", lines)
    reasons = {
        "a.ndjson.gz": "is compressed",
        "b.json": "is json",
        "c.csv": "has rows at its end to be left out (skip_footer)",
        "e.zip": "is a zip archive",
    }
    for name, why in reasons.items():
        options = {"skip_footer": 1} if name == "c.csv" else None
        split_source(tmp_path / name, 4, by="position", file_options=options)
        message = f"1 part instead of 4, because files are not cut: {tmp_path}/{name} {why}."
        assert [record.getMessage() for record in caplog.records] == [message]
        caplog.clear()
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "a.ndjson").write_bytes(lines)
    (tmp_path / "f" / "b.ndjson.gz").write_bytes(gzip.compress(lines, 0))
    assert len(split_source(tmp_path / "f", 4, by="position")) == 3
    assert f"3 parts instead of 4, because files are not cut: {tmp_path}/f/b.ndjson.gz is" in caplog.text
    caplog.clear()
    assert len(split_source(tmp_path / "f" / "a.ndjson", 4, by="position")) == 4
    assert not caplog.records


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("pattern", ["", "/*.ndjson", "/"])
def test_no_part_of_a_folder_takes_a_rejected_path_that_the_next_split_would_find(
    tmp_path: Path, count: int, pattern: str
) -> None:
    for number in range(count):
        (tmp_path / f"{number}.ndjson").write_bytes(as_lines(numbered(20)))
    parts = split_source(f"{tmp_path}{pattern}", 2, by="position")
    assert len(parts) == 2
    for part in parts:
        with pytest.raises(InvalidArgumentError, match="would load it, too; choose another folder, or let"):
            values_of(**part, rejected_path=tmp_path / "rejected.ndjson")
        assert values_of(**part, rejected_path=tmp_path / "_rejected.ndjson")
        assert values_of(**part, rejected_path=tmp_path / "rejected" / "0.ndjson")


def test_rejected_records_may_stand_beside_the_one_file_that_is_split(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(as_lines(numbered(20)))
    parts = split_source(path, 2, by="position")
    rows = [row for part in parts for row in values_of(**part, rejected_path=tmp_path / "rejected.ndjson")]
    assert rows == numbered(20)
    assert split_source(path, 2, by="position") == parts
