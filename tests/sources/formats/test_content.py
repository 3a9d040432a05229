"""What a file of an unknown suffix looks like, as its error says."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.sources.reading import read, refusal
from tests.sources.writing import WRITERS, some_rows


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"a,b\n1,2\n", "looks like CSV: set file_format='csv'."),
        (
            b"a;b\n1,5;2,5\n3,5;4,5\n",
            "CSV with ';': set file_format='csv' and file_options={'delimiter': ';'}",
        ),
        (b"a|b\n1|2\n", "file_options={'delimiter': '|'}"),
        (b"a\tb\n1\t2\n", "set file_format='tsv'"),
        ("a;b\n1;2\n".encode("utf-16"), "file_options={'delimiter': ';'}"),
        (b'{"n": 1}\n{"n": 2}\n', "a JSON object a line: set file_format='ndjson'"),
        (b'{\n  "items": []\n}', "a JSON object: set file_format='json'"),
        (b' [{"n": 1}]', "a JSON array: set file_format='json'"),
        (b"<!DOCTYPE html><html>", "XML or HTML, such as the page of a login"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "such as Excel; save its table as CSV"),
        (b"%PDF-1.7", "a PDF document"),
        (b"Obj\x01", "Avro"),
        (b"SQLite format 3\x00", "a SQLite database"),
    ],
)
def test_the_error_of_an_unknown_suffix_says_what_the_content_looks_like(
    tmp_path: Path, content: bytes, hint: str
) -> None:
    path = tmp_path / "a.export"
    path.write_bytes(content)
    message = refusal(path)
    assert "has none of the suffixes" in message
    assert hint in message


@pytest.mark.parametrize("name", ["arrow", "json", "ndjson", "parquet"])
def test_what_is_written_in_a_format_looks_like_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.export"
    path.write_bytes(WRITERS[name](some_rows(5)))
    assert f"file_format='{name}'" in refusal(path)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "json", "ndjson", "arrow", "parquet"])
@pytest.mark.parametrize("name", ["arrow", "parquet", "json", "ndjson", "csv"])
def test_a_suffix_that_the_content_contradicts_is_told(tmp_path: Path, name: str, suffix: str) -> None:
    is_binary = {"arrow", "parquet"}
    if name == suffix or is_binary.isdisjoint({name, suffix}):
        return
    content = b"n,m\n1,2\n" if name == "csv" else WRITERS[name](some_rows(5))
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    message = refusal(path)
    assert f"is no {suffix} file. Its content looks like" in message
    assert f"file_format={name!r}" in message


@pytest.mark.parametrize("column", ["PAR1", "ORC", "ARROW1", "%PDF"])
def test_a_column_may_have_the_name_of_a_format(tmp_path: Path, column: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{column},b\n1,sn\xf8\n".encode("latin-1"))
    assert read(path, encoding="latin-1") == [(1, {column: "1", "b": "snø"})]


def test_a_tar_archive_is_told(tmp_path: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"))
    for name in ("a.tgz", "a.tar.gz"):
        (tmp_path / name).write_bytes(content.getvalue())
        assert "a tar archive; unpack it" in refusal(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01", b"\xff" * 10, b"\n\n", b","])
def test_of_other_content_nothing_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.export"
    path.write_bytes(content)
    assert "has none of the suffixes" in refusal(path)


def test_known_suffixes_and_formats_need_no_guess(tmp_path: Path) -> None:
    path = tmp_path / "a.export"
    path.write_bytes(b"a\n1\n")
    assert read(path, "csv") == [(1, {"a": "1"})]
