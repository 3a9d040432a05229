"""Files of every format and compression: which rows they hold, and how a later try goes on."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import read, refusal, refusals_of, rows_in, rows_of

ROWS = [{"n": number, "text": "snö ☃"} for number in range(5)]
NDJSON = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
}
NAMES = {".gz": "gzip", ".bz2": "bzip2", ".zst": "Zstandard"}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(COMPRESS.get(path.suffix.lower(), bytes)(content))
    return path


def content_of(file_format: str, rows: list[dict[str, Any]]) -> bytes:
    """Return a file with the rows, which are of text values."""
    if file_format == "ndjson":
        return "".join(json.dumps(row) + "\n" for row in rows).encode()
    if file_format == "json":
        return json.dumps(rows).encode()
    if file_format in {"csv", "tsv"}:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["n"], delimiter="," if file_format == "csv" else "\t")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()
    table, file = pa.table({"n": [row["n"] for row in rows]}), io.BytesIO()
    if file_format == "parquet":
        parquet.write_table(table, file, row_group_size=700)
    else:
        make = pa.ipc.new_file if file_format == "arrow" else pa.ipc.new_stream
        with make(file, table.schema) as writer_:
            writer_.write_table(table, max_chunksize=1700)
    return file.getvalue()


def some_rows(count: int = 2 * ROWS_AT_ONCE + 345) -> list[dict[str, str]]:
    return [{"n": str(number)} for number in range(count)]


# NDJSON


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


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.parquet", "a.arrow"])
def test_large_rows_come_in_small_chunks(tmp_path: Path, name: str) -> None:
    rows = [{"n": f"{number}-" + "x" * 100_000} for number in range(300)]
    chunks = list(FileSource(write(tmp_path / name, content_of(name.partition(".")[2], rows))))
    sizes = [len(chunk.rows) for chunk in chunks]
    assert sum(sizes) == 300
    assert max(sizes) <= 60


def test_offsets_are_those_of_the_next_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", b"\xef\xbb\xbf" + content_of("ndjson", some_rows()))
    chunks = list(FileSource(path))
    following = [chunk.rows[0] for chunk in chunks[1:]]
    assert len(following) == 2
    for chunk, line in zip(chunks, following, strict=False):
        assert path.read_bytes()[chunk.end.offset :].startswith(line)


# Formats and suffixes


def test_file_format_overrides_the_suffix(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "a.txt", NDJSON), "ndjson")) == len(ROWS)
    assert len(read(write(tmp_path / "b.dat", json.dumps(ROWS).encode()), "json")) == len(ROWS)
    assert read(write(tmp_path / "c.txt.gz", b"a\tb\n1\t2\n"), "tsv") == [(1, {"a": "1", "b": "2"})]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ndjson", b"", "is empty (0 bytes)"),
        ("a.csv", b"", "is empty (0 bytes)"),
        ("a.ndjson", b"\n \n", "holds no records"),
        ("a.ndjson.gz", b"", "holds no records"),
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


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing.ndjson")
    (tmp_path / "folder.ndjson").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.ndjson")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="choose from arrow, csv, json, ndjson, parquet, tsv"):
        FileSource(tmp_path / "a.xml", file_format="xml")


# Compression


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_member_of_a_compressed_file_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(b"".join(COMPRESS[suffix](line) for line in NDJSON.splitlines(keepends=True)))
    assert [row for _, row in read(path)] == ROWS


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_truncated_file_delivers_what_is_there_and_then_fails(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESS[suffix](os.urandom(1_500_000).hex().encode().replace(b"00", b"\n"))
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    chunks = []
    with pytest.raises(SourceError, match=rf"{path} is cut short: its {NAMES[suffix]} data ends before"):
        for chunk in FileSource(path):
            chunks.append(chunk)
    assert chunks


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("left", [4, 5, 10, -1])
def test_a_file_cut_anywhere_is_not_taken_for_a_whole_one(tmp_path: Path, suffix: str, left: int) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](b"n\n1\n2\n")[:left])
    assert "is cut short" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_file_that_is_not_compressed_as_its_suffix_says_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(NDJSON)
    assert f"is not the {NAMES[suffix]} file that its suffix says" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.json"])
def test_a_compressed_file_without_its_suffix_is_refused(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / name
    path.write_bytes(COMPRESS[suffix](NDJSON))
    assert f"is {NAMES[suffix]} data; give it a name that ends in {suffix}" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    content = bytearray(COMPRESS[suffix](os.urandom(5000).hex().encode()))
    content[len(content) // 2] ^= 0xFF
    content[-3] ^= 0xFF
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(bytes(content))
    message = refusal(path)
    assert "cannot be decompressed" in message or "is not the gzip file" in message


@settings(max_examples=50)
@given(
    frames=st.lists(st.binary(max_size=200).map(bytes.hex), min_size=1, max_size=5),
    suffix=st.sampled_from(sorted(COMPRESS)),
)
def test_compressed_bytes_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, frames: list[str], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("compressed") / f"a.csv{suffix}"
    path.write_bytes(b"".join(COMPRESS[suffix](frame.encode()) for frame in ["n\n", *frames]))
    text = "".join(frames)
    assert read(path) == ([(1, {"n": text})] if text else [])


# Going on where an earlier try stopped


FORMATS = [
    "a.ndjson", "a.ndjson.gz", "a.ndjson.bz2", "a.ndjson.zst", "a.json", "a.json.gz", "a.csv", "a.csv.gz",
    "a.tsv", "a.parquet", "a.arrow", "stream.arrow",
]  # fmt: skip


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    name = path.name.split(".")
    return write(path, content_of("stream" if name[0] == "stream" else name[1], rows))


@pytest.mark.parametrize("name", FORMATS)
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


@pytest.mark.parametrize("name", FORMATS)
def test_any_file_goes_on_in_the_middle_of_a_chunk(tmp_path: Path, name: str) -> None:
    path = write_rows(tmp_path / name, some_rows())
    everything = rows_of(FileSource(path))
    position, _ = everything[1234]
    offset = len(b"".join(path.read_bytes().splitlines(keepends=True)[:1235])) if name == "a.ndjson" else 0
    source = FileSource(path)
    source.resume_after(Mark(position, offset))
    assert rows_of(source) == everything[1235:]


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_has_a_position_of_its_own_across_files(tmp_path: Path, name: str) -> None:
    paths = [write_rows(tmp_path / f"{number}" / name, rows) for number, rows in enumerate(FOLDER)]
    source = FileSource(*paths)
    positions = [position for position, _ in rows_of(source)]
    assert positions == sorted(set(positions))
    first = 0 if ".json" in name and "nd" not in name else 1
    unit = {"ndjson": "line", "json": "item"}.get(name.split(".")[1], "row")
    assert [source.where(position) for position in positions] == [
        f"{unit} {number} of {path}"
        for path, rows in zip(paths, FOLDER, strict=True)
        for number in range(first, first + len(rows))
    ]


FOLDER = [some_rows(1500), some_rows(1), some_rows(2100)]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    for number in range(len(FORMATS)):
        (tmp_path / f"{number}").mkdir()


@pytest.mark.parametrize("names", [*([name] * 3 for name in FORMATS), FORMATS])
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
    content = content_of("ndjson", some_rows(10))
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


@pytest.mark.parametrize(
    "name", ["a.ndjson", "a.ndjson.gz", "a.ndjson.zst", "a.json", "a.csv", "a.csv.gz", "a.parquet", "a.arrow"]
)
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
