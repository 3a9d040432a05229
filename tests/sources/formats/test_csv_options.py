"""The options of CSV files: what each of them does, and which make no sense."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats.csv_options import CsvOptions
from tests.sources.reading import read, refusal, refusals_of, rows_of
from tests.sources.writing import write as written

AB = [(1, {"a": "1", "b": "x"}), (2, {"a": "2", "b": "y"})]
TEXT = "a,b\n1,x\n2,y\n"
QUOTE = '"'


# Lines that are no rows


def test_lines_before_the_header_are_skipped_whatever_they_hold(path: Path) -> None:
    assert read(written(path, f'A "report, \n\n{TEXT}'), skip_rows=2) == AB
    assert read(written(path, b'\xfe "\0\r' + TEXT.encode()), skip_rows=1) == AB


def test_many_lines_may_be_skipped(path: Path) -> None:
    assert read(written(path, "preamble\n" * 50_000 + TEXT), skip_rows=50_000) == AB


def test_lines_are_skipped_by_their_numbers(path: Path) -> None:
    assert read(written(path, "a,b\nm,s\n1,x\nagain\n2,y\n"), skip_rows=[2, 4]) == AB
    assert read(written(path, f"title\n{TEXT}"), skip_rows=(1, 900)) == AB
    assert read(written(path, TEXT), skip_rows=[]) == AB


def test_skipped_lines_are_counted_where_a_row_is_refused(path: Path) -> None:
    source = FileSource(written(path, "title\na,b\nm,s\n1\n"), file_options={"skip_rows": [1, 3]})
    assert refusals_of(source) == [(1, "must have 2 values, as the header has, got 1 (line 4)")]


@pytest.mark.parametrize("rows", [2, 1000, 2345])
@pytest.mark.parametrize("footer", ["Total: 5\n", '"open\n', "3,z\n", "Total;;;\n"])
def test_rows_at_the_end_are_left_out(path: Path, rows: int, footer: str) -> None:
    written(path, "a,b\n" + "1,x\n" * rows + footer + "\n,\n3,z\n\n")
    source = FileSource(path, file_options={"skip_footer": 2})
    chunks = list(source)
    assert [row["a"] for _, row in rows_of(source)] == ["1"] * rows
    assert [at for chunk in chunks for at in chunk.positions] == list(range(1, rows + 1))
    assert refusals_of(source) == []
    assert max(len(chunk.rows) for chunk in chunks) <= 1000


def test_a_file_may_be_all_footer(path: Path) -> None:
    assert read(written(path, TEXT), skip_footer=2) == []
    assert read(path, skip_footer=500) == []


def test_rows_that_are_left_out_at_the_end_are_told(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert len(read(written(path, "a,b\n1,2\n3,4\nTotal,6\n"), skip_footer=2)) == 1
    assert [record.getMessage() for record in caplog.records if "skip_footer" in record.getMessage()] == [
        "A row at the end is left out (skip_footer): 3, 4",
        "A row at the end is left out (skip_footer): Total, 6",
    ]


def test_comment_lines_are_no_rows(path: Path) -> None:
    written(path, '# one "\n#\na,b\n# two, three, four "open\n1,x\n#\xff\n2,y\n#end'.encode("latin-1"))
    assert read(path, comment="#") == AB
    assert read(written(path, TEXT.replace("2", "//\n2")), comment="//") == AB


def test_a_line_of_a_quoted_value_is_no_comment(path: Path) -> None:
    assert read(written(path, 'a,b\n1,"x\n# no comment"\n# one\n2,y #2\n'), comment="#") == [
        (1, {"a": "1", "b": "x\n# no comment"}),
        (2, {"a": "2", "b": "y #2"}),
    ]


def test_a_comment_may_begin_as_a_long_delimiter(path: Path) -> None:
    assert read(written(path, "a||b\n||#c\n1||x\n"), comment="||#", delimiter="||") == AB[:1]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_line_with_which_excel_names_the_delimiter_is_followed(
    path: Path, line: str, encoding: str
) -> None:
    written(path, f"{line}\r\n{TEXT.replace(',', ';')}".encode(encoding))
    assert read(path, encoding=encoding.removesuffix("-sig")) == AB
    assert read(path, encoding=encoding.removesuffix("-sig"), skip_rows=1) == AB
    written(path, f"{line}\r\nx\n{TEXT.replace(',', ';')}".encode(encoding))
    assert read(path, encoding=encoding.removesuffix("-sig"), skip_rows=[2]) == AB


def test_a_given_delimiter_comes_before_the_one_that_excel_names(path: Path) -> None:
    assert read(written(path, f"sep=;\n{TEXT}"), delimiter=",") == AB


# Delimiters and quotes


@pytest.mark.parametrize("delimiter", ["||", "~|~", " ; ", "::", "€€"])
def test_several_characters_delimit(path: Path, delimiter: str) -> None:
    assert read(written(path, TEXT.replace(",", delimiter)), delimiter=delimiter) == AB


def test_a_quoted_value_may_hold_a_long_delimiter(path: Path) -> None:
    written(path, 'a||b\n1||"p||q|r"\n2|x||y\n"3||4\n')
    source = FileSource(path, file_options={"delimiter": "||"})
    assert [list(row.values()) for _, row in rows_of(source)] == [["1", "p||q|r"], ["2|x", "y"]]
    [refused] = [refused for chunk in source for refused in chunk.refusals]
    assert refused.row == '"3||4'


def test_spaces_after_delimiters_can_be_left_out(path: Path) -> None:
    written(path, 'a, b\n1, "x, y"\n')
    assert read(path, skip_initial_space=True) == [(1, {"a": "1", "b": "x, y"})]


# Encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("given", [{}, {"encoding": "utf-8"}])
def test_a_byte_order_mark_says_the_encoding(path: Path, encoding: str, given: dict[str, str]) -> None:
    assert read(written(path, TEXT.encode(encoding)), **given) == AB


def test_an_encoding_that_a_byte_order_mark_contradicts_is_told(path: Path) -> None:
    message = refusal(written(path, TEXT.encode("utf-8-sig")), encoding="cp1252")
    assert "begins with the byte order mark of utf-8, but is read as cp1252; leave encoding out" in message
    message = refusal(written(path, TEXT.encode("utf-16")), encoding="latin-1")
    assert "begins with the byte order mark of utf-16-le" in message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_recognized(path: Path, encoding: str) -> None:
    assert f"it looks like {encoding}; set file_options={{'encoding': '{encoding}'}}" in refusal(
        written(path, TEXT.encode(encoding))
    )


def test_utf_16_needs_its_mark(path: Path) -> None:
    message = refusal(written(path, TEXT.encode("utf-16-le")), encoding="utf-16")
    assert "it has no byte order mark; if it is utf-16 without one, set encoding to 'utf-16-le'" in message


@pytest.mark.parametrize(
    ("errors", "value"), [("replace", "sn\ufffd"), ("ignore", "sn"), ("backslashreplace", "sn\\xf6")]
)
def test_bytes_of_another_encoding_can_be_accepted(path: Path, errors: str, value: str) -> None:
    written(path, b"a,sn\xf6\n1,sn\xf6\n")
    assert read(path, encoding_errors=errors) == [(1, {"a": "1", value: value})]


def test_a_name_of_another_encoding_keeps_its_bytes(path: Path) -> None:
    assert read(written(path, b"a,sn\xf6\n1,x\n")) == [(1, {"a": "1", "sn\\xf6": "x"})]


# What makes no sense


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"separator": ";"},
            "'separator' is not an option of csv; it has encoding, encoding_errors, null_values, del",
        ),
        ({"delimiter": "\\t"}, "delimiter must be the characters themselves"),
        ({"delimiter": "a\nb"}, "delimiter must be one or more characters, neither a line end nor null"),
        *(
            ({"delimiter": value}, "delimiter must be one or more characters, neither a line end nor null")
            for value in ("\n", "\r", "\0", "", 5, b",", [","])
        ),
        *(
            ({name: value}, f"{name} must be one character, neither a line end nor null, got {value!r}.")
            for name in ("quotechar", "escapechar")
            for value in ("\n", "\r", "\0", "", "ab", 5, b",", [","])
        ),
        ({"delimiter": '"'}, "delimiter and quotechar must differ, got '\"' for both."),
        ({"quotechar": ","}, "delimiter and quotechar must differ, got ',' for both."),
        ({"escapechar": ","}, "delimiter and escapechar must differ, got ',' for both."),
        ({"escapechar": ";", "delimiter": ";"}, "delimiter and escapechar must differ, got ';' for both."),
        ({"escapechar": '"'}, "quotechar and escapechar must differ, got '\"' for both."),
        ({"delimiter": '";"'}, "delimiter must not hold the quotechar"),
        ({"header": []}, "header must name the columns, got an empty list; leave it out to read them."),
        ({"header": "a,b"}, "header must be a list of texts"),
        ({"header": [1]}, "header must be a list of texts"),
        ({"header": ["a", "a"]}, "header names column 'a' more than once"),
        ({"null_values": "NULL"}, "null_values must be a list of texts"),
        ({"null_values": 5}, "null_values must be a list of texts"),
        ({"encoding": "utf-9"}, "encoding must be one that Python knows, got 'utf-9'"),
        ({"encoding": "hex"}, "encoding must be one that Python knows, got 'hex'"),
        ({"encoding": "utf-8\0"}, "encoding must be one that Python knows"),
        ({"encoding": 5}, "encoding must be one that Python knows, got 5"),
        (
            {"encoding_errors": "strict"},
            "encoding_errors must be one of 'reject', 'replace', 'ignore'",
        ),
        ({"encoding_errors": ["ignore"]}, "encoding_errors must be one of"),
        *(
            ({"skip_rows": value}, "skip_rows must be how many lines to skip at the start, or a list of line")
            for value in (-1, 1.0, "two", True, [0], [True], ["1"], {1: 2})
        ),
        *(
            ({"skip_footer": value}, "skip_footer must be how many rows to leave out at the end")
            for value in (-1, 1.0, "two", True, [1])
        ),
        *(({"comment": value}, "comment must be the text") for value in ("", " ", "a\n", 5, ["#"])),
        ({"comment": ","}, "comment and delimiter must differ"),
        ({"comment": '"'}, "comment and quotechar must differ"),
        ({"skip_initial_space": 1}, "skip_initial_space must be true or false, got 1"),
        *(
            ({"decimal": value}, "decimal must be one character")
            for value in ("", ",,", " ", "5", "e", "-", QUOTE, 5)
        ),
        *(
            ({"thousands": value}, "thousands must be one character")
            for value in ("", "..", "5", "e", "-", QUOTE, 5)
        ),
        ({"decimal": ",", "thousands": ","}, "thousands and decimal must differ, got ',' for both."),
        ({"thousands": "."}, "thousands and decimal must differ, got '.' for both; decimal is '.' unless"),
        (
            {"decimal": ",", "quotechar": None},
            "decimal and delimiter must differ where values are not quoted",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused_at_once(path: Path, options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match="file_options: ") as refused:
        FileSource(path, file_options=options)
    assert message in str(refused.value)


def test_signs_of_numbers_are_kept_for_the_mapping() -> None:
    options = CsvOptions.of({"decimal": ",", "thousands": "\u202f", "delimiter": ","})
    assert (options.decimal, options.thousands) == (",", "\u202f")
    options = CsvOptions.of({"delimiter": ";"})
    assert (options.decimal, options.thousands) == (None, None)


def test_a_null_text_with_the_escape_character_could_never_be_found() -> None:
    with pytest.raises(InvalidArgumentError, match="null_values must not hold the escapechar"):
        CsvOptions.of({"escapechar": "\\", "null_values": ["\\-"]})
    assert CsvOptions.of({"escapechar": "\\", "null_values": ["\\N"]})
