"""NDJSON: lines of any editor and of any length."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import ndjson
from tests.sources.reading import read
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


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "BYTES_AT_ONCE", 100)
    monkeypatch.setattr(ndjson, "LONGEST_LINE", 1000)
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"n":1}\n{"n":2}\n' + b"x" * 10_000)
    source = FileSource(path)
    with pytest.raises(SourceError, match="has a line longer than 1,000 bytes near its start"):
        list(source)
