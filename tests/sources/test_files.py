"""Files by their suffixes and formats, what tells them from others, and how much of them is held."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_cdf_records.records.errors import FileChangedError, MissingSourceError, SourceError
from airflow_provider_cdf_records.sources import FORMATS, FileSource
from tests.sources.reading import read, refusal, rows_of
from tests.sources.writing import FILE_NAMES, NDJSON, PLAIN, ROWS, some_rows, write, write_rows

# Formats and suffixes


def test_file_format_overrides_the_suffix(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "a.txt", NDJSON), "ndjson")) == len(ROWS)
    assert len(read(write(tmp_path / "b.dat", json.dumps(ROWS).encode()), "json")) == len(ROWS)
    assert read(write(tmp_path / "c.txt.gz", b"a\tb\n1\t2\n"), "tsv") == [(1, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"", "is cut short: it has 0 bytes, which is no parquet file"),
        ("a.arrow", b"", "is cut short: it has 0 bytes, which is no arrow file"),
        ("a.ndjson", b'[{"n": 1}]', "holds a JSON array; load it with file_format='json'"),
        ("a.ndjson", b"\xef\xbb\xbf \n[\n", "holds a JSON array"),
        ("a.txt", NDJSON, "none of the suffixes"),
        ("a.parquet.gz", b"PAR1", "write it without .gz"),
        ("a.arrow.zst", b"ARROW1", "write it without .zst"),
    ],
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    assert message in refusal(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *((name, b"") for name in PLAIN if not name.endswith((".parquet", ".arrow"))),
        *((name, b"") for name in FILE_NAMES if name.endswith((".gz", ".bz2", ".zst"))),
        ("a.csv", b"n,text\n"),
        ("a.csv", b"n,text"),
        ("a.csv", b"\r\n\n  \n"),
        ("a.csv.gz", b"\n\n"),
        ("a.csv", b"\xef\xbb\xbf"),
        ("a.json", b" \n"),
        ("a.json", b"[]"),
        ("a.ndjson", b"\n \n"),
        ("a.ndjson", b"\xef\xbb\xbf\n"),
    ],
)
def test_a_file_of_no_rows_is_a_load_of_nothing(tmp_path: Path, name: str, content: bytes) -> None:
    assert read(write(tmp_path / name, content)) == []


@pytest.mark.parametrize("name", [name for name in PLAIN if not name.endswith(".csv")])
def test_a_table_of_no_rows_is_a_load_of_nothing(tmp_path: Path, name: str) -> None:
    assert read(write_rows(tmp_path / name, [])) == []


def test_a_file_of_no_rows_among_others_is_passed(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, content) for name, content in BETWEEN_EMPTY_ONES]
    source = FileSource(*paths)
    rows = rows_of(source)
    assert [row["n"] for _, row in rows] == ["1", "2", "3"]
    assert [source.where(position) for position, _ in rows] == [
        f"row 1 of {paths[1]}",
        f"row 1 of {paths[4]}",
        f"row 2 of {paths[4]}",
    ]


BETWEEN_EMPTY_ONES = [
    ("0.csv", b""),
    ("1.csv", b"n\n1\n"),
    ("2.json", b" "),
    ("3.csv", b"No data found\n"),
    ("4.csv", b"n\n2\n3\n"),
    ("5.ndjson", b""),
]


@pytest.mark.parametrize("content", [b"\x00" * 100, b" " * 200_000])
def test_a_file_of_something_else_is_not_taken_for_an_empty_one(tmp_path: Path, content: bytes) -> None:
    assert refusal(write(tmp_path / "a.json", content))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing.ndjson")
    with pytest.raises(MissingSourceError):
        read(tmp_path / "missing.ndjson")
    (tmp_path / "folder.ndjson").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.ndjson")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    names = ", ".join(known.name for known in FORMATS)
    with pytest.raises(SourceError, match=f"file_format must be one of {names}, got 'xml'"):
        FileSource(tmp_path / "a.xml", file_format="xml")


@pytest.mark.parametrize("suffix", [suffix for known in FORMATS for suffix in known.suffixes])
def test_every_suffix_is_read_whether_in_capitals_or_not(tmp_path: Path, suffix: str) -> None:
    path = write_rows(tmp_path / f"a{suffix}", some_rows(3))
    capitals = path.rename(tmp_path / f"A{suffix.upper()}")
    assert [row for _, row in read(capitals)] == some_rows(3)


# What tells a source from another


def test_a_fingerprint_stays_as_long_as_the_files_do(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, b"n\n1\n") for name in ("a.csv", "b.csv")]
    for some in (paths[:1], paths):
        fingerprint = FileSource(*some).fingerprint()
        assert FileSource(*some).fingerprint() == fingerprint
        assert json.loads(json.dumps(fingerprint)) == fingerprint


@pytest.mark.parametrize("count", [1, 3])
def test_a_fingerprint_changes_when_any_file_does(tmp_path: Path, count: int) -> None:
    paths = [write(tmp_path / f"{number}.csv", b"n\n1\n") for number in range(count)]
    known = [FileSource(*paths).fingerprint()]
    for path in paths:
        path.write_bytes(b"n\n1\n2\n")
        known.append(FileSource(*paths).fingerprint())
        os.utime(path, (1, 1))
        known.append(FileSource(*paths).fingerprint())
    known.append(FileSource(*paths, write(tmp_path / "more.csv", b"n\n")).fingerprint())
    known.append(FileSource(*paths, file_format="tsv").fingerprint())
    known.append(FileSource(*paths, file_options={"delimiter": ";"}).fingerprint())
    assert all(known.count(one) == 1 for one in known)


def test_the_fingerprint_of_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        FileSource(tmp_path / "missing.csv").fingerprint()


# Progress and memory


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "a.ndjson"])
def test_large_rows_come_in_small_chunks(tmp_path: Path, name: str) -> None:
    rows = [{"n": f"{number}-" + "x" * 100_000} for number in range(300)]
    chunks = list(FileSource(write_rows(tmp_path / name, rows)))
    sizes = [len(chunk.rows) for chunk in chunks]
    assert sum(sizes) == 300
    assert max(sizes) <= 60


def test_the_share_read_grows_with_the_files(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{number}.ndjson", NDJSON * 10_000) for number in range(3)]
    source = FileSource(*paths)
    assert source.share() is None
    shares = [share for _ in source if (share := source.share()) is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert shares[-1] == 1
    assert source.share() is None


def test_the_share_goes_on_where_an_earlier_try_stopped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", NDJSON * 10_000)
    mark = [chunk.end for chunk in FileSource(path)][-2]
    source = FileSource(path)
    source.resume_after(mark)
    chunks = iter(source)
    next(chunks)
    assert (source.share() or 0) > 0.9


@pytest.mark.parametrize("name", FILE_NAMES)
def test_only_a_window_of_a_file_is_held(tmp_path: Path, name: str) -> None:
    rows = [{"n": f"{number:09}" * 20} for number in range(60_000)]
    path = write_rows(tmp_path / name, rows)
    held = sum(len(row["n"]) for row in rows)
    del rows
    list(FileSource(write_rows(tmp_path / f"small.{name.partition('.')[2]}", some_rows(1))))  # the imports
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        count = 0
        arrow = 0
        for chunk in FileSource(path):
            count += len(chunk.rows)
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 60_000
    assert peak + arrow < held / 2


# Files that others touch


def taking_away(source: FileSource, paths: list[Path]) -> list[Any]:
    """Read a source, and remove each of its files as soon as a row of it has come."""
    rows: list[Any] = []
    for chunk in source:
        paths[chunk.end.file].unlink(missing_ok=True)
        source.share()
        rows += chunk.rows
    return rows


@pytest.mark.parametrize("name", FILE_NAMES)
def test_files_may_be_moved_away_once_they_are_open(tmp_path: Path, name: str) -> None:
    paths = []
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
        paths.append(write_rows(tmp_path / folder / name, some_rows(3000)))
    assert len(taking_away(FileSource(*paths), paths)) == 9000
    assert not any(path.exists() for path in paths)


def test_files_may_be_moved_away_once_an_earlier_try_has_read_them(tmp_path: Path) -> None:
    paths = [write_rows(tmp_path / f"{number}.ndjson", some_rows(3)) for number in range(3)]
    marks = [chunk.end for chunk in FileSource(*paths)]
    paths[0].unlink()
    source = FileSource(*paths)
    source.resume_after(marks[1])
    assert len(taking_away(source, paths)) == 3


def test_a_file_that_is_moved_away_before_it_is_read_is_missing(tmp_path: Path) -> None:
    paths = [write_rows(tmp_path / f"{number}.ndjson", some_rows(3)) for number in range(2)]
    chunks = iter(FileSource(*paths))
    next(chunks)
    paths[1].unlink()
    with pytest.raises(SourceError, match=r"1\.ndjson does not exist"):
        next(chunks)


def test_a_file_that_grows_while_it_is_read_is_not_taken_for_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", NDJSON * 50_000)
    chunks = iter(FileSource(path))
    next(chunks)
    with path.open("ab") as file:
        file.write(NDJSON)
    with pytest.raises(FileChangedError, match=r"a\.ndjson changed while .* such as a log") as changed:
        list(chunks)
    assert changed.value.retryable


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", NDJSON * 50_000)
    source = FileSource(path)
    before = source.fingerprint()
    chunks = iter(source)
    rows = len(next(chunks).rows)
    write(tmp_path / "new", b"nonsense").replace(path)
    assert rows + sum(len(chunk.rows) for chunk in chunks) == len(ROWS) * 50_000
    assert source.fingerprint() != before, "the next try has to start over"
