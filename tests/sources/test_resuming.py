"""A source of files, resumed after any mark, delivers exactly the rows that are left."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.sources import FileSource
from tests.sources.reading import refusals_of, rows_in, rows_of
from tests.sources.writing import FILE_NAMES, NDJSON, as_ndjson, some_rows, write, write_rows


@pytest.mark.parametrize("name", FILE_NAMES)
def test_any_file_goes_on_after_any_chunk(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / name, some_rows())
    everything = rows_of(FileSource(path))
    assert [row for _, row in everything] == some_rows()
    marks = [chunk.end for chunk in FileSource(path)]
    assert len(marks) >= 3
    for mark in marks:
        source = FileSource(path)
        source.resume_after(mark)
        assert rows_of(source) == [row for row in everything if row[0] > mark.position]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_any_file_goes_on_in_the_middle_of_a_chunk(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / name, some_rows())
    everything = rows_of(FileSource(path))
    position, _ = everything[1234]
    offset = len(b"".join(path.read_bytes().splitlines(keepends=True)[:1235])) if name == "a.ndjson" else 0
    source = FileSource(path)
    source.resume_after(Mark(position, offset))
    assert rows_of(source) == everything[1235:]


@pytest.mark.parametrize("name", FILE_NAMES)
def test_every_row_has_a_position_of_its_own_across_files(tmp_path: Path, name: str) -> None:
    paths = [write_rows(tmp_path / f"{number}" / name, rows) for number, rows in enumerate(FOLDER)]
    source = FileSource(*paths)
    positions = [position for position, _ in rows_of(source)]
    assert positions == sorted(set(positions))
    first = 0 if ".json" in name and "nd" not in name else 1
    words = {"ndjson": "line {}", "json": "items[{}]"}.get(name.split(".")[1], "row {}")
    assert [source.where(position) for position in positions] == [
        f"{words.format(number)} of {path}"
        for path, rows in zip(paths, FOLDER, strict=True)
        for number in range(first, first + len(rows))
    ]


FOLDER = [some_rows(1500), some_rows(1), some_rows(2100)]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    for number in range(len(FILE_NAMES)):
        (tmp_path / f"{number}").mkdir()


@pytest.mark.parametrize("names", [*([name] * 3 for name in FILE_NAMES), FILE_NAMES])
def test_several_files_go_on_after_any_chunk(tmp_path: Path, names: list[str]) -> None:
    paths = [
        write_rows(tmp_path / f"{number}" / name, FOLDER[number % len(FOLDER)])
        for number, name in enumerate(names)
    ]
    whole = FileSource(*paths)
    chunks = list(whole)
    everything = [row for chunk in chunks for row in rows_in(chunk)]
    words = {position: whole.where(position) for position, _ in everything}
    for mark in [chunk.end for chunk in chunks]:
        source = FileSource(*paths)
        source.resume_after(mark)
        assert source.where(mark.position) == words[mark.position]
        rest = list(source)
        assert [row for chunk in rest for row in rows_in(chunk)] == [
            row for row in everything if row[0] > mark.position
        ]
        assert [chunk.end for chunk in rest] == [chunk.end for chunk in chunks if chunk.end > mark]
        assert all(source.where(at) == words[at] for at in words if at > mark.position)


def test_plain_ndjson_is_gone_on_with_by_seeking(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    content = as_ndjson(some_rows(10))
    offset = content.index(b'{"n": "4"}')
    path.write_bytes(b"x" * offset + content[offset:])  # what comes before is not even looked at
    source = FileSource(path)
    source.resume_after(Mark(4, offset))
    assert rows_of(source) == [(number + 1, {"n": str(number)}) for number in range(4, 10)]


def test_files_before_the_mark_are_not_even_looked_at(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", write(tmp_path / "b.csv", b"n\n1\n2\n")
    first.write_bytes(b"\xff\xff not CSV")
    source = FileSource(first, second)
    source.resume_after(Mark(7, 0, file=1, before=6))
    assert rows_of(source) == [(8, {"n": "2"})]


def test_a_row_that_was_refused_before_the_mark_is_not_refused_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"a,b\n1\n2,2\n3\n4,4\n")
    for after, expected in ((0, [1, 3]), (1, [3]), (2, [3]), (3, []), (4, [])):
        source = FileSource(path)
        source.resume_after(Mark(after))
        assert [position for position, _ in refusals_of(source)] == expected


def test_refused_rows_of_a_second_file_have_positions_of_their_own(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, b"a,b\n1\n2,2\n") for name in ("a.csv", "b.csv")]
    source = FileSource(*paths)
    first, second = (position for position, _ in refusals_of(source))
    assert [source.where(first), source.where(second)] == [f"row 1 of {path}" for path in paths]


def test_nothing_left_is_no_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", NDJSON)
    [chunk] = FileSource(path)
    source = FileSource(path)
    source.resume_after(chunk.end)
    assert rows_of(source) == []


def test_a_source_can_be_read_twice(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a.csv", b"n\n1\n"), write(tmp_path / "b.csv", b"n\n2\n"))
    assert rows_of(source) == rows_of(source)
    assert source.where(3) == f"row 1 of {tmp_path / 'b.csv'}"
