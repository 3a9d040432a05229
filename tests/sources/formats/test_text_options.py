"""Encodings of JSON and NDJSON, and bytes that are no text in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import read, refusal, refusals_of, rows_of
from tests.sources.writing import write

ROWS = [{"n": number, "text": "snö ☃ 😀"} for number in range(5)]

both = pytest.mark.parametrize("name", ["a.json", "a.ndjson"])


def as_text(name: str, rows: list[Any], *, ensure_ascii: bool = False) -> str:
    if name == "a.json":
        return json.dumps(rows, ensure_ascii=ensure_ascii)
    return "".join(json.dumps(row, ensure_ascii=ensure_ascii) + "\n" for row in rows)


def of_lines(name: str, *rows: bytes) -> bytes:
    """Return a file with rows that are no valid text."""
    return b"[" + b",".join(rows) + b"]" if name == "a.json" else b"\n".join(rows)


@both
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["without mark", "with mark"])
def test_unicode_is_known_by_its_first_bytes(tmp_path: Path, name: str, encoding: str, mark: str) -> None:
    path = write(tmp_path / name, (mark + as_text(name, ROWS)).encode(encoding))
    assert [row for _, row in read(path)] == ROWS
    assert [row for _, row in read(path, encoding="utf-16" if mark else encoding)] == ROWS


@both
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "shift_jis", "koi8-r", "cp037"])
def test_any_other_encoding_is_an_option(tmp_path: Path, name: str, encoding: str) -> None:
    texts = {"shift_jis": "日本語", "koi8-r": "Пушкин"}
    rows = [{"n": number, "text": texts.get(encoding, "snö")} for number in range(2 * ROWS_AT_ONCE)]
    path = write(tmp_path / name, as_text(name, rows).encode(encoding))
    assert [row for _, row in read(path, encoding=encoding)] == rows


@settings(max_examples=100)
@given(
    rows=st.lists(st.dictionaries(st.text(), st.text() | st.integers()), min_size=1),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "gb18030"]),
    ensure_ascii=st.booleans(),
)
def test_any_lines_are_read_as_they_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], encoding: str, ensure_ascii: bool
) -> None:
    text = as_text("a.ndjson", rows, ensure_ascii=ensure_ascii) + "\n"
    path = write(tmp_path_factory.mktemp("ndjson") / "a.ndjson", text.encode(encoding))
    assert read(path, encoding=encoding) == list(enumerate(rows, start=1))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_lines_of_another_encoding_go_on_after_any_chunk(tmp_path: Path, encoding: str) -> None:
    rows = [{"n": number, "text": "snö"} for number in range(2 * ROWS_AT_ONCE + 3)]
    path = write(tmp_path / "a.ndjson", as_text("a.ndjson", rows).encode(encoding))
    options = {"encoding": encoding}
    marks = [chunk.end for chunk in FileSource(path, file_options=options)]
    assert marks == [Mark(1000), Mark(2000), Mark(2003)]
    for mark in marks:
        source = FileSource(path, file_options=options)
        source.resume_after(mark)
        assert rows_of(source) == list(enumerate(rows, start=1))[mark.position :]


@both
@pytest.mark.parametrize(
    ("bad", "place", "shown"),
    [
        (b'{"text": "a\xe9"}', r"\xe9 in 'text'", r'{"text": "a\xe9"}'),
        (b'{"ok": "\xc3\xa9", "a": {"b": ["", "\xff\xfe"]}}', r"\xff\xfe in 'a.b[1]'", None),
        (b'{"k\xe9y": 1}', r"\xe9 in the key 'k\xe9y'", None),
        (b'{"n": \xff}', r"\xff at character 7", None),
        (b'{"half": "\\ud800", "text": "\x80"}', r"\x80 in 'text'", None),
        (b'{"cut": "\xe2\x98"}', r"\xe2\x98 in 'cut'", None),
    ],
)
def test_a_row_with_a_byte_that_is_no_text_is_refused_alone(
    tmp_path: Path, name: str, bad: bytes, place: str, shown: str | None
) -> None:
    path = write(tmp_path / name, of_lines(name, b'{"n": 1}', bad, b'{"text": "sn\xc3\xb6"}'))
    (chunk,) = FileSource(path)
    assert [json.loads(row) for row in chunk.rows] == [{"n": 1}, {"text": "snö"}]
    (refused,) = chunk.refusals
    assert refused.position == chunk.positions[0] + 1
    assert refused.message.startswith(f"not UTF-8: {place}; correct it, or set encoding or encoding_errors")
    record = json.loads(rejection_of("x", *refused[:3]).as_line())["record"]
    assert record == (shown or bad.decode(errors="backslashreplace"))


@both
def test_bytes_that_another_encoding_does_not_have_are_shown_too(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, of_lines(name, b'{"text": "\x81"}', b'{"text": "\x80"}'))
    source = FileSource(path, file_options={"encoding": "cp1252"})
    assert [row for _, row in rows_of(source)] == [{"text": "€"}]
    ((_, message),) = refusals_of(source)
    assert message.startswith(r"not CP1252: \x81 in 'text'")
    (chunk,) = source
    assert chunk.refusals[0].row == r'{"text": "\x81"}'


@both
def test_half_a_character_of_utf_16_is_refused_alone(tmp_path: Path, name: str) -> None:
    good = as_text(name, ["x", "y", "z"]).encode("utf-16-le")
    content = good.replace(b"y\x00", b"\x41\xd8")
    source = FileSource(write(tmp_path / name, content))
    assert [row for _, row in rows_of(source)] == ["x", "z"]
    ((_, message),) = refusals_of(source)
    assert message.startswith(r"not UTF-16-LE: \x41\xd8")


@both
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    ("errors", "text"), [("replace", "a\ufffdb"), ("ignore", "ab"), ("backslashreplace", "a\\xe9b")]
)
def test_bytes_that_are_no_text_may_be_replaced(
    tmp_path: Path, name: str, errors: str, text: str, encoding: str
) -> None:
    path = write(tmp_path / name, of_lines(name, b'{"n": 1}', b'{"text": "a\xe9b"}'))
    rows = read(path, encoding=encoding, encoding_errors=errors)
    assert [row for _, row in rows] == [{"n": 1}, {"text": text}]


def test_a_file_that_cannot_be_in_its_encoding_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", b'[{"n": 1}]')
    assert "neither a JSON array" in refusal(path, encoding="cp037")
    assert "is not UTF-16" in refusal(path, encoding="utf-16")
    lines = write(tmp_path / "a.ndjson", b'{"n": 1}\n')
    assert "is not UTF-16" in refusal(lines, encoding="utf-16")


@both
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "klingon"}, "encoding must be one that Python knows, got 'klingon'"),
        ({"encoding": "hex"}, "encoding must be one that Python knows, got 'hex'"),
        ({"encoding": ""}, "encoding must be one that Python knows, got ''"),
        ({"encoding": 8}, "encoding must be one that Python knows, got 8"),
        ({"encoding_errors": "strict"}, "encoding_errors must be one of 'reject', 'replace', .*got 'strict'"),
        ({"encoding_errors": []}, "encoding_errors must be one of"),
        ({"null_values": "NULL"}, "null_values must be a list of texts, got 'NULL'"),
        ({"null_values": [None]}, "null_values must be a list of texts"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, name: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        FileSource(tmp_path / name, file_options=options)


@pytest.mark.parametrize("start", [b'\0{"n":1}\n', b'{\0"n":1}\n'], ids=["before", "inside"])
def test_a_null_character_at_the_start_is_no_sign_of_utf_16(tmp_path: Path, start: bytes) -> None:
    path = write(tmp_path / "a.ndjson", start + b'{"n":2}\n{"n":3}\n')
    [chunk] = FileSource(path)
    assert list(chunk.positions) == [1, 2, 3]
