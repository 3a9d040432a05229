"""Slices of CSV files: with their header, cut where rows end, and an error where they are not."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import FileSource, SlicedFile, split_source
from airflow_provider_cdf_records.sources import source as of_sources
from airflow_provider_cdf_records.sources.formats import csv as formats_csv
from airflow_provider_cdf_records.sources.slices import split_text
from tests.sources.reading import refusals_of, rows_of

in_any_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def opened(path: str, **options: Any) -> FileSource:
    text, part = split_text(path)
    return FileSource(Path(text) if part is None else SlicedFile(Path(text), part), file_options=options)


def table(rows: list[list[str]], end: str, *, is_ended: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    writer.writerow(["a", "b"])
    writer.writerows(rows)
    return text.getvalue() if is_ended else text.getvalue().removesuffix(end)


VALUES = st.text(st.sampled_from('xé€,"\n\r 7'), max_size=8)
PLAIN = st.text(st.sampled_from("xé€ 7"), max_size=8)


@in_any_folder
@given(
    st.sampled_from([VALUES, PLAIN]).flatmap(
        lambda values: st.lists(st.tuples(values, values).map(list), max_size=30)
    ),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]),
    st.integers(1, 9),
    st.sampled_from([0, 2]),
)
def test_the_parts_that_split_source_finds_are_the_file(
    tmp_path: Path, rows: list[list[str]], end: str, is_ended: bool, encoding: str, parts: int, skipped: int
) -> None:
    path = tmp_path / "a.csv"
    text = end.join(["some title"] * skipped + [""] * bool(skipped)) + table(rows, end, is_ended=is_ended)
    path.write_bytes(text.encode(encoding))
    options: dict[str, Any] = {"encoding": encoding.removesuffix("-sig"), "skip_rows": skipped}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of_sources, "ROWS_AT_ONCE", 2)
        patch.setattr(formats_csv, "ROWS_AT_ONCE", 2)
        whole = rows_of(opened(str(path), **options))
        found = split_source(path, parts, by="position", file_options=options)
        assert 1 <= len(found) <= parts
        slices = [rows_of(opened(part["path"], **options)) for part in found]
        assert [row for part in slices for _, row in part] == [row for _, row in whole]
        for part, everything in zip(found, slices, strict=True):
            for mark in [chunk.end for chunk in opened(part["path"], **options)]:
                resumed = opened(part["path"], **options)
                resumed.resume_after(mark)
                assert rows_of(resumed) == [row for row in everything if row[0] > mark.position]


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_large_file_is_cut_into_about_equal_parts(tmp_path: Path, quote: str) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{number},{quote}text {number}{quote}\n" for number in range(20_000)]
    path.write_text("n,text\n" + "".join(lines))
    found = split_source(path, 4, by="position")
    counts = [len(rows_of(opened(part["path"]))) for part in found]
    assert sum(counts) == 20_000
    assert all(3500 < count < 6500 for count in counts)


CONTENT = 'a,b\n1,x\n2,"two\nlines"\n3,y\n4\n'  # 4, 4 + 4, 14, 4 and 2 bytes


def test_rows_are_told_by_where_the_slice_begins(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CONTENT)
    source = opened(f"{path}#bytes=22-")
    assert rows_of(source) == [(1, {"a": "3", "b": "y"})]
    assert source.where(1) == f"row 1 after byte 22 of {path}"
    assert CONTENT.encode()[22:].startswith(b"3,y")
    [(position, message)] = refusals_of(source)
    assert position == 2
    assert message == "must have 2 values, as the header has, got 1 (line 2 after byte 22)"
    source = opened(f"{path}#bytes=0-7")
    assert rows_of(source) == [(1, {"a": "1", "b": "x"})]
    assert source.where(1) == f"row 1 of {path}"


@pytest.mark.parametrize(
    ("part", "options", "words"),
    [
        (
            "#bytes=5-",
            {},
            "has no line that begins where the slice #bytes=5- begins; slices of CSV begin where a",
        ),
        (
            "#bytes=4-5",
            {},
            "ends; slices of CSV end where a row ends, as those of split_source do. Has the file",
        ),
        ("#bytes=0-14", {}, "is cut inside of a row: that on line 3 of the slice goes on after its end"),
        ("#bytes=8-14", {}, "is cut inside of a row: that on line 1 of the slice goes on after its end"),
        ("#bytes=4-7", {"skip_footer": 1}, "has rows at its end to be left out (skip_footer), and cannot be"),
        (
            "#bytes=4-7",
            {"skip_rows": [4]},
            "has lines to be skipped in the middle (skip_rows), and",
        ),
        ("#bytes=4-7", {"encoding": "utf-7"}, "is in utf-7, in which bytes may be parts of characters"),
        ("#bytes=4-7", {"encoding": "gbk"}, "is in gbk, in which bytes may be parts of characters"),
        ("#bytes=4-7", {"encoding": "cp037"}, "is in cp037, in which other bytes end lines than in ASCII"),
        ("#row_groups=0-1", {}, "is csv, whose slices are written as #bytes=0-3"),
    ],
)
def test_a_slice_that_is_cut_wrongly_is_an_error(
    tmp_path: Path, part: str, options: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CONTENT)
    with pytest.raises(SourceError) as refused:
        rows_of(opened(f"{path}{part}", **options))
    assert words in str(refused.value)


@pytest.mark.parametrize("part", ["#bytes=0-3", "#bytes=0-1", "#bytes=26-", "#bytes=1-2"])
def test_a_slice_in_which_no_row_begins_is_empty(tmp_path: Path, part: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(CONTENT.removesuffix("4\n"))
    assert rows_of(opened(f"{path}{part}")) == []


def test_a_quote_that_is_never_closed_costs_its_row_in_a_part_as_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{number},x\n" for number in range(5000)]
    rows[100] = '100,"x\n'
    rows[4000] = '4000,"good\nvalue"\n'
    path.write_text("n,text\n" + "".join(rows))
    whole = opened(str(path))
    found = [opened(part["path"]) for part in split_source(path, 3, by="position")]
    assert [row for source in found for _, row in rows_of(source)] == [row for _, row in rows_of(whole)]
    assert sum(len(refusals_of(source)) for source in found) == len(refusals_of(whole))


def test_a_quote_that_the_encoding_does_not_have_quotes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\n1,é\n2,ø\n".encode("latin-1"))
    options = {"encoding": "latin-1", "quotechar": "\u201c"}
    found = split_source(path, 2, by="position", file_options=options)
    rows = [row for part in found for _, row in rows_of(opened(part["path"], **options))]
    assert (len(found), rows) == (2, [{"a": "1", "b": "é"}, {"a": "2", "b": "ø"}])
