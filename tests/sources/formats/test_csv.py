"""CSV in all its variants."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.chunk import as_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import read, refusal, refusals_of, rows_in, rows_of

AB = [(1, {"a": "1", "b": "x"}), (2, {"a": "2", "b": "snö"})]
TEXT = "a,b\n1,x\n2,snö\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.csv"


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


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


@settings(max_examples=100)
@given(
    rows=st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)] * 3),
        max_size=5,
    )
)
def test_what_a_csv_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b", "c"), *rows])
    path = written(tmp_path_factory.mktemp("csv") / "a.csv", text.getvalue())
    assert [tuple(row.values()) for _, row in read(path)] == rows


# The header


def test_a_header_can_be_given_for_a_file_that_has_none(path: Path) -> None:
    assert read(written(path, "1,x\n2,snö\n"), header=["a", "b"]) == AB
    assert read(path, header=None) == [(1, {"1": "2", "x": "snö"})]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("a,b,a\n1,2,3\n", {}, "names column 'a' more than once in its header row"),
        ("1,2\n", {"header": ["a", "a"]}, "names column 'a' more than once"),
    ],
)
def test_a_header_that_names_no_columns_is_refused(
    path: Path, content: str, options: dict[str, Any], message: str
) -> None:
    assert message in refusal(written(path, content), **options)


def test_a_header_alone_is_no_rows(path: Path) -> None:
    assert read(written(path, "a,b\n")) == []


# Null markers


def test_an_empty_value_is_none_unless_other_markers_are_given(path: Path) -> None:
    written(path, 'a,b,c\n,"",NULL\n')
    assert read(path) == [(1, {"a": None, "b": None, "c": "NULL"})]
    assert read(path, null_values=["NULL", r"\N"]) == [(1, {"a": "", "b": "", "c": None})]
    assert read(path, null_values=[]) == [(1, {"a": "", "b": "", "c": "NULL"})]


# What is wrong


def test_a_row_of_another_length_is_refused_and_the_others_are_read(path: Path) -> None:
    source = FileSource(written(path, "a,b\n1,x\n2\n3,y,z,z\n\n4,w\n"))
    assert rows_of(source) == [(1, {"a": "1", "b": "x"}), (4, {"a": "4", "b": "w"})]
    assert refusals_of(source) == [
        (2, "must have 2 values, as the header has, got 1"),
        (3, "must have 2 values, as the header has, got 4"),
    ]


def test_all_that_a_refused_row_holds_is_kept(path: Path) -> None:
    [chunk] = FileSource(written(path, "a,b\n3,y,z,\n2\n"))
    assert [as_mapping(refusal.row) for refusal in chunk.refusals] == [
        {"a": "3", "b": "y", "values without a column": ["z", ""]},
        {"a": "2", "columns without a value": ["b"]},
    ]


def test_quotes_may_mean_nothing(path: Path) -> None:
    source = FileSource(written(path, 'a,b\n1,"half open\n2,y"\n'), file_options={"quotechar": None})
    assert [list(row.values()) for _, row in rows_of(source)] == [["1", '"half open'], ["2", 'y"']]


def test_quotes_may_be_escaped(path: Path) -> None:
    source = FileSource(written(path, 'a,b\n1,"a \\"q\\", b"\n'), file_options={"escapechar": "\\"})
    assert [list(row.values()) for _, row in rows_of(source)] == [["1", 'a "q", b']]


def test_columns_without_a_name_are_left_behind_the_others(path: Path) -> None:
    source = FileSource(written(path, "a,b,,\n1,x,,\n"))
    assert [row["b"] for _, row in rows_of(source)] == ["x"]


def test_refused_rows_far_into_a_file_have_their_numbers(path: Path) -> None:
    lines = ["a,b", *(f"{number},x" for number in range(1, 3001))]
    lines[1700] = "1700"
    source = FileSource(written(path, "\n".join(lines)))
    assert [position for position, _ in refusals_of(source)] == [1700]
    assert [int(row["a"]) for _, row in rows_of(source)] == [n for n in range(1, 3001) if n != 1700]


def failure_after(path: Path, rows: int, **options: Any) -> str:
    """Return why a file cannot be read, after checking that what came before was delivered."""
    read_before = []
    message = refusal(path, **options)
    source = FileSource(path, file_options=options)
    chunks = iter(source)
    while len(read_before) < rows:
        read_before += rows_in(next(chunks))
    assert len(read_before) == rows
    return message


@pytest.mark.parametrize("good", [0, 2, ROWS_AT_ONCE, ROWS_AT_ONCE + 5])
def test_a_quote_left_open_is_told_after_the_rows_before_it(path: Path, good: int) -> None:
    written(path, "a,b\n" + "1,x\n" * good + '2,"x\n3,y\n')
    message = failure_after(path, good)
    assert f"is not CSV after row {good:,}: unexpected end of data. Is a quote left open?" in message


def test_nothing_is_read_after_a_broken_row(path: Path) -> None:
    written(path, 'a,b\n1,x\n2,"x"y\n3,z\n')
    assert "is not CSV after row 1" in failure_after(path, 1)


def test_another_encoding_is_told_with_what_to_do(path: Path) -> None:
    written(path, ("a,b\n" + "1,x\n" * 50_000 + "2,snö\n").encode("latin-1"))
    message = refusal(path)
    assert "is not utf-8 after row " in message
    assert "set the right one in file_options={'encoding': ...}" in message


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_told_also_where_the_header_has_it(path: Path, encoding: str) -> None:
    assert "is not utf-8 after row 0" in refusal(written(path, "snö,b\n1,x\n".encode(encoding)))


def test_very_long_values_are_read(path: Path) -> None:
    long = "x" * 5_000_000
    assert read(written(path, f"a,b\n1,{long}\n")) == [(1, {"a": "1", "b": long})]


def test_a_quote_left_open_does_not_swallow_a_large_file(path: Path) -> None:
    written(path, 'a,b\n1,"x\n' + "2,y\n" * 4_000_000)
    assert "field larger than field limit" in refusal(path)


def test_a_null_byte_is_a_character_like_others(path: Path) -> None:
    try:
        next(csv.reader(["\0"]))
    except csv.Error:  # Python 3.10
        assert "is not CSV after row 0" in refusal(written(path, "a\n1\0\n"))
    else:
        assert read(written(path, "a\n1\0\n")) == [(1, {"a": "1\0"})]


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ";"}, "'separator' is not an option of csv; it has delimiter, encoding, header"),
        ({"quotechar": "''"}, "quotechar must be one character"),
        ({"delimiter": "\\t"}, r"delimiter must be one character, neither a line end nor null, got '\\t'."),
        *(
            ({name: value}, f"{name} must be one character, neither a line end nor null, got {value!r}.")
            for name in ("delimiter", "quotechar", "escapechar")
            for value in ("\n", "\r", "\0", "", "ab", 5, b",", [","])
        ),
        ({"delimiter": '"'}, "delimiter and quotechar must differ, got '\"' for both."),
        ({"quotechar": ","}, "delimiter and quotechar must differ, got ',' for both."),
        ({"escapechar": ","}, "delimiter and escapechar must differ, got ',' for both."),
        ({"escapechar": ";", "delimiter": ";"}, "delimiter and escapechar must differ, got ';' for both."),
        ({"escapechar": '"'}, "quotechar and escapechar must differ, got '\"' for both."),
        ({"header": []}, "header must name the columns, got an empty list; leave it out to read them."),
        ({"header": "a,b"}, "header must be a list of texts"),
        ({"header": [1]}, "header must be a list of texts"),
        ({"null_values": "NULL"}, "null_values must be a list of texts"),
        ({"null_values": 5}, "null_values must be a list of texts"),
        ({"encoding": "utf-9"}, "encoding must be one that Python knows, got 'utf-9'"),
        ({"encoding": "hex"}, "encoding must be one that Python knows, got 'hex'"),
        ({"encoding": "utf-8\0"}, "encoding must be one that Python knows"),
        ({"encoding": 5}, "encoding must be one that Python knows, got 5"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(path: Path, options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match="file_options: ") as refused:
        FileSource(path, file_options=options)
    assert message in str(refused.value)


def test_long_rows_come_in_small_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + f"{'x' * 500_000},1\n" * 60 + "y,1\n" * 3000)
    sizes = [len(chunk.rows) for chunk in FileSource(path)]
    assert sum(sizes) == 3060
    assert max(sizes[:3]) == 20
    assert max(sizes) == 1000
