"""NDJSON: lines of any editor and of any length."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import ndjson
from tests.sources.reading import most_memory, read, refusal
from tests.sources.writing import NDJSON, ROWS, as_ndjson, some_rows, write


@pytest.mark.parametrize(
    "name", ["a.ndjson", "a.jsonl", "a.ndjson.gz", "A.NDJSON.GZ", "a.jsonl.bz2", "a.ndjson.zst"]
)
def test_ndjson_is_a_row_a_line_with_its_number(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, NDJSON)
    assert read(path) == list(enumerate(ROWS, start=1))
    assert FileSource(path).where(3) == f"line 3 of {path}"


@pytest.mark.parametrize(
    "content",
    [NDJSON.rstrip(b"\n"), NDJSON.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + NDJSON],
    ids=["no last newline", "crlf", "bom"],
)
def test_ndjson_of_any_editor_is_read(tmp_path: Path, content: bytes) -> None:
    assert [row for _, row in read(write(tmp_path / "a.ndjson", content))] == ROWS


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", b'\n{"n":1}\n\n  \n{"n":2}\n\n')
    assert read(path) == [(2, {"n": 1}), (5, {"n": 2})]


def test_lines_of_any_length_are_read_in_chunks_of_a_bounded_size(tmp_path: Path) -> None:
    lines = [b'{"n":"%s"}\n' % (b"x" * (number % 7 * 100_000)) for number in range(70)]
    chunks = list(FileSource(write(tmp_path / "a.ndjson", b"".join(lines))))
    assert [line for chunk in chunks for line in chunk.rows] == lines
    assert max(sum(map(len, chunk.rows)) for chunk in chunks) < 4_000_000


def test_offsets_are_those_of_the_next_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", b"\xef\xbb\xbf" + as_ndjson(some_rows()))
    chunks = list(FileSource(path))
    following = [chunk.rows[0] for chunk in chunks[1:]]
    assert len(following) == 2
    for chunk, line in zip(chunks, following, strict=False):
        assert path.read_bytes()[chunk.end.offset :].startswith(line)


@pytest.mark.parametrize("size", [1001, 1099, 1100, 1101, 5000, 1_000_000])
@pytest.mark.parametrize("end", [b"", b"\n", b'\n{"n":3}\n'], ids=["end", "last", "more"])
def test_a_line_that_is_too_long_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, end: bytes
) -> None:
    monkeypatch.setattr(ndjson, "BYTES_AT_ONCE", 100)
    monkeypatch.setattr(ndjson, "LONGEST_LINE", 1000)
    content = b'{"n":1}\n\n' + b"x" * size + b'\n{"n":2}\n' + b"y" * 3000 + end
    path = write(tmp_path / "a.ndjson", content)
    chunks = list(FileSource(path))
    rows = [row for chunk in chunks for row in zip(chunk.positions, chunk.rows, strict=True)]
    assert [row for row in rows if not row[1].startswith(b"x")] == [
        (1, b'{"n":1}\n'),
        (4, b'{"n":2}\n'),
        *([(6, b'{"n":3}\n')] if len(end) > 1 else []),
    ]
    refusals = [refusal for chunk in chunks for refusal in chunk.refusals]
    assert [refusal.position for refusal in refusals] == [5] if len(rows) > 2 + (len(end) > 1) else [3, 5]
    assert refusals[-1].row == "y" * 1000 + "..."
    assert refusals[-1].message == f"is longer than 1,000 bytes: it has {3000 + (len(end) > 0):,}"
    assert chunks[-1].end.offset == len(content)


def test_a_line_that_is_too_long_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(b"x" * (1 << 21))
        file.write(b'\n{"n":1}\n')
    assert most_memory(lambda: list(FileSource(path))) < 4 * ndjson.LONGEST_LINE
    first, last = FileSource(path)
    assert last.rows == [b'{"n":1}\n']
    (refused,) = first.refusals
    assert "it has 209,715,201 (if the file is one JSON document, load it with file_format='json')" in (
        refused.message
    )


def test_a_load_goes_on_after_a_line_that_was_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "LONGEST_LINE", 1 << 18)
    lines = [b'{"n":%d}\n' % number for number in range(2500)]
    lines[500] = b"x" * (1 << 20) + b"\n"
    path = write(tmp_path / "a.ndjson", b"".join(lines))
    whole = list(FileSource(path))
    assert [chunk.end.offset for chunk in whole] == [
        len(b"".join(lines[: chunk.end.position])) for chunk in whole
    ]
    for chunk in whole:
        source = FileSource(path)
        source.resume_after(chunk.end)
        assert b"".join(row for part in source for row in part.rows) == b"".join(lines[chunk.end.position :])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" [1]", "holds a JSON array"),
        (b'{\n  "n": 1\n}\n', "holds a JSON document of several lines"),
        (b'{\r\n  "items": [\r\n', "holds a JSON document of several lines"),
        (b'{"items": [\n{"n": 1},\n{"n": 2}\n]}\n', "holds a JSON document of several lines"),
        (b'{"items": [\n{\n"n": 1}\n]}\n', "holds a JSON document of several lines"),
    ],
)
def test_a_json_document_is_told_from_lines(tmp_path: Path, content: bytes, message: str) -> None:
    told = refusal(write(tmp_path / "a.ndjson", content))
    assert message in told
    assert "load it with file_format='json'" in told


@pytest.mark.parametrize("first", [b"{", b'{"n": [', b'{"n": 1,', b"{}"])
def test_a_first_line_that_was_cut_is_a_row(tmp_path: Path, first: bytes) -> None:
    (chunk,) = FileSource(write(tmp_path / "a.ndjson", first + b'\n{"n": 1}\n'))
    assert chunk.rows == [first + b"\n", b'{"n": 1}\n']
