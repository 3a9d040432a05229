"""CSV in all its variants."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats.csv import CSV
from tests.sources.reading import read, refusal, refusals_of, rows_of
from tests.sources.writing import write as written

AB = [(1, {"a": "1", "b": "x"}), (2, {"a": "2", "b": "snö"})]
TEXT = "a,b\n1,x\n2,snö\n"


def test_rows_are_numbered_from_one_and_the_header_is_not_counted(path: Path) -> None:
    assert read(written(path, TEXT)) == AB
    assert FileSource(path).where(2) == f"row 2 of {path}"


@pytest.mark.parametrize("delimiter", [";", "|", "\t", " "])
def test_any_character_delimits(path: Path, delimiter: str) -> None:
    assert read(written(path, TEXT.replace(",", delimiter)), delimiter=delimiter) == AB


def test_a_tsv_file_is_delimited_by_tabs(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.tsv", TEXT.replace(",", "\t"))) == AB
    assert read(written(tmp_path / "b.tsv", TEXT.replace(",", ";")), delimiter=";") == AB


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"],
)
def test_any_encoding_is_read(path: Path, encoding: str) -> None:
    assert read(written(path, TEXT.encode(encoding)), encoding=encoding) == AB


@pytest.mark.parametrize("encoding", ["utf-8", "UTF8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_a_byte_order_mark_is_no_part_of_the_first_name(path: Path, encoding: str) -> None:
    content = '\ufeff"a",b\n1,x\n2,snö\n'
    assert read(written(path, content.encode(encoding)), encoding=encoding) == AB


@pytest.mark.parametrize(
    "content",
    [
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.rstrip("\n"),
        TEXT.replace("\n", "\n\n"),
        "\n\n" + TEXT,
        '"a","b"\n"1","x"\n"2","snö"\n',
    ],
    ids=["crlf", "cr", "no last newline", "blank lines", "blank lines first", "quoted"],
)
def test_csv_of_any_program_is_read(path: Path, content: str) -> None:
    assert read(written(path, content)) == AB


def test_quoted_values_hold_newlines_quotes_and_delimiters(path: Path) -> None:
    values = ['two\nlines\r\nand more,"quoted"', "x"]
    text = io.StringIO()
    csv.writer(text).writerows([["a", "b"], values, ["1", ""]])
    assert [list(row.values()) for _, row in read(written(path, text.getvalue()))] == [values, ["1", None]]


def test_another_character_quotes(path: Path) -> None:
    assert read(written(path, "a,b\n'1,5',\"\n"), quotechar="'") == [(1, {"a": "1,5", "b": '"'})]


# The header


def test_a_header_can_be_given_for_a_file_that_has_none(path: Path) -> None:
    assert read(written(path, "1,x\n2,snö\n"), header=["a", "b"]) == AB
    assert read(path, header=None) == [(1, {"1": "2", "x": "snö"})]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (";;;\n,,\n", {"delimiter": ";", "comment": ","}, "has no header row"),
        ('a,"b"c\n1,2\n', {}, "has a header row that cannot be read: it is not CSV: ',' expected"),
        (
            'a,"b\n1,2\n',
            {},
            "has a header row that cannot be read: it has a quote that is not closed (line 1)",
        ),
    ],
)
def test_a_header_that_cannot_be_read_is_told(
    path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    assert message in refusal(written(path, content), **options)


def test_a_header_alone_is_no_rows(path: Path) -> None:
    assert read(written(path, "a,b\n")) == []


def test_a_header_of_several_names_is_told_without_rows(path: Path) -> None:
    assert [chunk.columns for chunk in FileSource(written(path, "a,b\n"))] == [("a", "b")]
    assert [*FileSource(written(path, "No data found;;\n"), file_options={"delimiter": ";"})] == []


def test_a_header_with_null_bytes_is_no_header(path: Path) -> None:
    message = refusal(written(path, "a,\0b\n"))
    in_python_310 = "has a header row that cannot be read: it holds a null byte (line 1)"
    assert "has a header row with null bytes (line 1)" in message or in_python_310 in message


@pytest.mark.parametrize("names", [["a", "b"], [" A", "b "]])
def test_a_header_given_for_a_file_that_has_one_is_told(path: Path, names: list[str]) -> None:
    message = refusal(written(path, "a,b\n1,x\n"), header=names)
    assert "begins with a row of the names that header in file_options gives ('a'...)" in message
    assert "leave header out to take the names from the file, or set skip_rows=1" in message
    assert read(path, header=names, skip_rows=1) == [(1, dict(zip(names, ["1", "x"], strict=True)))]


def test_a_row_may_hold_the_name_of_a_column(path: Path) -> None:
    assert read(written(path, "a,x\n1,b\n"), header=["a", "b"])[0] == (1, {"a": "a", "b": "x"})


def test_a_header_that_does_not_fit_the_rows_is_told(path: Path) -> None:
    message = refusal(written(path, "1,2,3\n4,5,6\n"), header=["a", "b"])
    assert "which names 2 columns: the rows have 3 values from line 1 on." in message
    message = refusal(written(path, "1;2\n4;5\n"), header=["a", "b"])
    assert "Is the delimiter ';', not ','?" in message


def test_a_row_that_does_not_fit_a_given_header_says_what_to_do(path: Path) -> None:
    source = FileSource(written(path, "1,2\n4\n"), file_options={"header": ["a", "b"]})
    [(position, message)] = refusals_of(source)
    assert position == 2
    assert message.startswith(
        "must have 2 values, as header in file_options names columns, got 1; name every"
    )


@pytest.mark.parametrize(("written_with", "read_with"), [(";", ","), ("\t", ","), ("|", ","), (",", ";")])
def test_a_wrong_delimiter_is_told_at_once_with_the_right_one(
    path: Path, written_with: str, read_with: str
) -> None:
    written(path, "a-b\n1,5-2\n3-4\n".replace("-", written_with))
    message = refusal(path, delimiter=read_with)
    assert f"has one column, 'a{written_with if written_with != chr(9) else chr(92) + 't'}b'" in message
    assert f"set file_options={{'delimiter': {written_with!r}}}" in message


def test_one_column_of_texts_that_hold_semicolons_is_read(path: Path) -> None:
    assert read(written(path, "a\nx; y\nz\n")) == [(1, {"a": "x; y"}), (2, {"a": "z"})]


def test_a_title_above_the_header_is_told(path: Path) -> None:
    message = refusal(written(path, "Report of May\na,b\n1,x\n2,y\n"))
    assert (
        "has one column in its header row, 'Report of May', and the rows have 2 values from line 2" in message
    )
    assert "skip it with skip_rows" in message


@pytest.mark.parametrize("content", ["a,b\n1,x\n", "\ufeffa,b\n", "\n\na,b\n" + "1,x\n" * 5000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_names_of_the_columns_are_read_without_the_rows(path: Path, content: str, encoding: str) -> None:
    if encoding == "utf-16" and content[0] == "\ufeff":
        content = content[1:]
    read_columns, options = CSV.read_columns, CSV.options_of({"encoding": encoding})
    assert read_columns is not None
    with written(path, content.encode(encoding)).open("rb") as file:
        assert read_columns(file, options) == ("a", "b")
        assert read_columns(file, CSV.options_of({"header": ["x"]})) == ("x",)


# Null markers


def test_an_empty_value_is_none_unless_other_markers_are_given(path: Path) -> None:
    written(path, 'a,b,c\n,"",NULL\n')
    assert read(path) == [(1, {"a": None, "b": None, "c": "NULL"})]
    assert read(path, null_values=["NULL", r"\N"]) == [(1, {"a": "", "b": "", "c": None})]
    assert read(path, null_values=[]) == [(1, {"a": "", "b": "", "c": "NULL"})]


def test_quotes_may_mean_nothing(path: Path) -> None:
    source = FileSource(written(path, 'a,b\n1,"half open\n2,y"\n'), file_options={"quotechar": None})
    assert [list(row.values()) for _, row in rows_of(source)] == [["1", '"half open'], ["2", 'y"']]


def test_quotes_may_be_escaped(path: Path) -> None:
    source = FileSource(written(path, 'a,b\n1,"a \\"q\\", b"\n'), file_options={"escapechar": "\\"})
    assert [list(row.values()) for _, row in rows_of(source)] == [["1", 'a "q", b']]


def test_columns_without_a_name_are_left_behind_the_others(path: Path) -> None:
    source = FileSource(written(path, "a,b,,\n1,x,,\n"))
    assert [row["b"] for _, row in rows_of(source)] == ["x"]


def test_columns_may_have_one_name(path: Path) -> None:
    [_, chunk] = FileSource(written(path, "a,b,a\n1,2,3\n4\n"))
    assert (chunk.columns, chunk.rows) == (("a", "b", "a"), [["1", "2", "3"]])
    [refused] = chunk.refusals
    assert as_mapping(refused.row) == {"a (column 1)": "4", "columns without a value": ["b", "a (column 3)"]}


def test_columns_without_a_name_get_one(path: Path) -> None:
    assert read(written(path, ", a,  \n0,1,\n")) == [(1, {"column 1": "0", " a": "1", "column 3": None})]


def test_refused_rows_far_into_a_file_have_their_numbers(path: Path) -> None:
    lines = ["a,b", *(f"{number},x" for number in range(1, 3001))]
    lines[1700] = "1700"
    source = FileSource(written(path, "\n".join(lines)))
    assert [position for position, _ in refusals_of(source)] == [1700]
    assert [int(row["a"]) for _, row in rows_of(source)] == [n for n in range(1, 3001) if n != 1700]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_quote_after_many_plain_rows_is_one(path: Path, end: str) -> None:
    plain = [["", "x", str(number)] for number in range(2500)]
    rows = [*plain, ["a,b", 'q"', f"two{end}lines"], *plain]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator=end).writerows([["a", "b", "c"], *rows[:1300], [], *rows[1300:]])
    path.write_bytes(text.getvalue().encode())
    assert [list(row) for chunk in FileSource(path) for row in chunk.rows] == rows


def test_very_long_values_are_read(path: Path) -> None:
    long = "x" * 5_000_000
    assert read(written(path, f"a,b\n1,{long}\n")) == [(1, {"a": "1", "b": long})]


def test_long_rows_come_in_small_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + f"{'x' * 500_000},1\n" * 60 + "y,1\n" * 3000)
    sizes = [len(chunk.rows) for chunk in FileSource(path)]
    assert sum(sizes) == 3060
    assert max(sizes[:3]) <= 20
    assert max(sizes) == 1000
