"""Slices of files: however a file is cut, each row is in one slice, and is told by where it stands."""

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

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.sources import FileSource, SlicedFile
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.sources.slices import Slice, split_text
from tests.sources.reading import refusals_of, rows_of

LINES = st.one_of(
    st.just(b""),
    st.just(b"  "),
    st.just(b"\xff broken"),
    st.text(max_size=30).map(
        lambda text: json.dumps({"t": text}, ensure_ascii=False).encode(errors="replace")
    ),
)
CONTENTS = st.builds(
    lambda mark, lines, ends, is_ended: (
        mark
        + b"".join(line + end for line, end in zip(lines, ends, strict=False))
        + (b"" if is_ended else b'{"t": "end"}')
    ),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(LINES, max_size=12),
    st.lists(st.sampled_from([b"\n", b"\r\n"]), min_size=12, max_size=12),
    st.booleans(),
)
in_any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def sliced(path: Path, text: str) -> SlicedFile:
    rest, part = split_text(f"x{text}")
    assert (rest, part is None) == ("x", False)
    return SlicedFile(path, part)  # type: ignore[arg-type]


def cuts_of(unit: str, bounds: list[int]) -> list[str]:
    firsts = sorted({0, *bounds})
    lasts = [str(following - 1) for following in firsts[1:]] + [""]
    return [f"#{unit}={first}-{last}" for first, last in zip(firsts, lasts, strict=True)]


def values_of(source: FileSource) -> list[Any]:
    return [row for _, row in rows_of(source)]


@in_any_folder
@given(CONTENTS, st.lists(st.integers(1, 400), max_size=6), st.integers(20, 300))
def test_each_line_is_in_one_slice_whatever_the_cuts(
    tmp_path: Path, content: bytes, bounds: list[int], longest: int
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "LONGEST_LINE", longest)
        patch.setattr(ndjson, "ROWS_AT_ONCE", 3)
        whole = FileSource(path)
        cuts = cuts_of("bytes", [min(bound, len(content)) for bound in bounds])
        slices = [FileSource(sliced(path, text)) for text in cuts]
        assert [row for source in slices for row in values_of(source)] == values_of(whole)
        refusals = [message for source in slices for _, message in refusals_of(source)]
        assert refusals == [message for _, message in refusals_of(whole)]


@in_any_folder
@given(CONTENTS, st.integers(1, 300))
def test_the_position_of_a_line_is_its_first_byte_and_a_slice_goes_on_after_any_mark(
    tmp_path: Path, content: bytes, first: int
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(content)
    first = min(first, len(content))
    source = FileSource(sliced(path, f"#bytes={first}-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ndjson, "ROWS_AT_ONCE", 2)
        everything = rows_of(source)
        marks = [chunk.end for chunk in source]
        for position, row in everything:
            line = content[position:].split(b"\n")[0]
            assert json.loads(line) == row
            assert source.where(position) == f"the line at byte {position:,} of {path}"
        for mark in marks:
            resumed = FileSource(sliced(path, f"#bytes={first}-"))
            resumed.resume_after(mark)
            assert rows_of(resumed) == [row for row in everything if row[0] > mark.position]


def test_lines_of_a_slice_from_the_start_are_numbered(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"n": 1}\n\n{"n": 2}\n{"n": 3}\n')
    source = FileSource(sliced(path, "#bytes=0-10"))
    assert rows_of(source) == [(1, {"n": 1}), (3, {"n": 2})]
    assert source.where(3) == f"line 3 of {path}"


@pytest.mark.parametrize("part", ["#bytes=3-5", "#bytes=29-29", "#bytes=30-"])
def test_a_slice_in_which_no_line_begins_is_empty(tmp_path: Path, part: str) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b'{"text": "as long as this is"}')
    assert rows_of(FileSource(sliced(path, part))) == []


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv"])
@pytest.mark.parametrize(
    ("size", "part"),
    [
        (20, "#bytes=21-"),
        (20, "#bytes=21-30"),
        (20, "#bytes=4-20"),
        (20, "#bytes=20-20"),
        (0, "#bytes=8-"),
        (0, "#bytes=8-9"),
    ],
)
def test_a_slice_beyond_the_end_of_its_file_is_an_error(
    tmp_path: Path, name: str, size: int, part: str
) -> None:
    path = tmp_path / name
    path.write_bytes((b"{}\n{}\n" if name == "a.ndjson" else b"n\n1\n").ljust(20, b"\n")[:size])
    with pytest.raises(SourceError, match=f"{name}: has {size} bytes, and not all of the slice {part}. Has"):
        rows_of(FileSource(sliced(path, part)))


@pytest.mark.parametrize(("content", "part"), [("n\n1\n", "0-99"), ("n\n1\n", "4-"), ("", "0-"), ("", "0-9")])
def test_a_slice_from_the_start_or_exactly_from_the_end_need_not_have_all_its_bytes(
    tmp_path: Path, content: str, part: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    rows = rows_of(FileSource(sliced(path, f"#bytes={part}")))
    assert rows == ([(1, {"n": "1"})] if content and part.startswith("0") else [])


def parquet_file(path: Path, counts: list[int]) -> Path:
    schema = pa.schema([("n", pa.int64())])
    first = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for count in counts:
            writer.write_table(pa.table({"n": range(first, first + count)}, schema))
            first += count
    return path


@in_any_folder
@given(
    st.lists(st.integers(1, 2500), min_size=1, max_size=5).flatmap(
        lambda counts: st.tuples(st.just(counts), st.lists(st.integers(0, len(counts) - 1), max_size=4))
    )
)
def test_each_row_is_in_one_slice_of_row_groups(tmp_path: Path, case: tuple[list[int], list[int]]) -> None:
    counts, bounds = case
    path = parquet_file(tmp_path / "a.parquet", counts)
    rows = []
    for text in cuts_of("row_groups", bounds):
        source = FileSource(sliced(path, text))
        found = rows_of(source)
        assert [source.where(position) for position, _ in found[:1]] == [
            f"row {row['n'] + 1} of {path}" for _, row in found[:1]
        ]
        for mark in [chunk.end for chunk in source]:
            resumed = FileSource(sliced(path, text))
            resumed.resume_after(mark)
            assert rows_of(resumed) == [row for row in found if row[0] > mark.position]
        rows += found
    assert rows == [(number + 1, {"n": number}) for number in range(sum(counts))]


@pytest.mark.parametrize("part", ["#row_groups=1-2", "#row_groups=2-", "#row_groups=7-9"])
def test_row_groups_that_there_are_not_are_an_error(tmp_path: Path, part: str) -> None:
    path = parquet_file(tmp_path / "a.parquet", [3, 3])
    with pytest.raises(SourceError, match="has row groups 0 to 1, and not all of the slice " + part):
        rows_of(FileSource(sliced(path, part)))


def write_zip(path: Path, name: str, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content)


LINE = b'{"n": 1}\n'


@pytest.mark.parametrize(
    ("name", "content", "part", "words"),
    [
        (
            "a.json",
            b"[1]",
            "#bytes=0-5",
            "is json, and cannot be read in slices; load it as",
        ),
        (
            "a.ndjson.gz",
            gzip.compress(LINE, mtime=0),  # the test's name holds it, and must be the same in each process
            "#bytes=0-5",
            "is compressed, and cannot be read in slices",
        ),
        (
            "a.ndjson",
            LINE.decode().encode("utf-16"),
            "#bytes=5-9",
            "is in UTF-16, not in UTF-8, and",
        ),
        ("a.ndjson", LINE, "#row_groups=0-1", "is ndjson, whose slices are written as #bytes=0-3, not as"),
        ("a.ndjson", b'{\n"a": 1,\n"b": 2}', "#bytes=5-", "holds a JSON document of several lines"),
        ("a.arrow", b"ARROW1", "#row_groups=0-1", "is arrow, and cannot be read in slices"),
    ],
)
def test_what_cannot_be_cut_says_what_to_do(
    tmp_path: Path, name: str, content: bytes, part: str, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        rows_of(FileSource(sliced(path, part)))
    assert f"{path}: {words}" in str(refused.value)


def test_a_zip_archive_has_no_slices(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.zip", "a.ndjson", LINE)
    with pytest.raises(SourceError, match=r"a.zip: is a zip archive, and cannot be read in slices"):
        FileSource(sliced(tmp_path / "a.zip", "#bytes=0-5"))


def test_the_fingerprint_tells_slices_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(LINE * 9)
    texts = ["#bytes=0-5", "#bytes=0-6", "#bytes=1-"]
    prints = [FileSource(sliced(path, text)).fingerprint() for text in texts]
    prints += [FileSource(path).fingerprint(), FileSource(path, sliced(path, "#bytes=0-5")).fingerprint()]
    assert all(one not in prints[:number] for number, one in enumerate(prints))
    assert FileSource(sliced(path, "#bytes=0-5")).fingerprint() == prints[0]


@pytest.mark.parametrize("name", ["a.ndjson", "a.parquet"])
def test_the_share_of_a_slice_grows_from_its_begin_to_its_end(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    part = "#row_groups=1-4"
    if name == "a.parquet":
        parquet_file(path, [200_000] * 5)
    else:
        path.write_bytes(LINE * 1_000_000)
        part = f"#bytes={len(LINE) * 800_000}-"
    source = FileSource(sliced(path, part))
    shares = [source.share() or 0.0 for _ in source]
    assert shares == sorted(shares)
    assert shares[0] < 0.5 < shares[-1] <= 1


@pytest.mark.parametrize(
    "text",
    ["a#bytes=5", "a#bytes=-5", "a#rows=1-2", "a#Bytes=1-2", "a#bytes=1-2.csv", "a#bytes=\u0663-"],
)
def test_only_the_exact_form_is_a_slice(text: str) -> None:
    assert split_text(text) == (text, None)


def test_a_slice_is_written_as_it_is_read() -> None:
    assert split_text("a#b.ndjson#bytes=3-") == ("a#b.ndjson", Slice("bytes", 3))
    assert str(Slice("row_groups", 0, 3)) == "#row_groups=0-3"
    with pytest.raises(InvalidArgumentError, match="ends before it begins, got '#bytes=9-3'"):
        split_text("a#bytes=9-3")
