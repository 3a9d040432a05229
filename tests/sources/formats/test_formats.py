"""The list of formats: what each of them says, and that nobody else has to know of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.sources import FORMATS, FileSource, formats
from airflow_provider_cdf_records.sources.formats import Format, Options, format_named, format_of
from tests.sources.reading import read, rows_of
from tests.sources.writing import WRITERS, some_rows, write

by_format = pytest.mark.parametrize("file_format", FORMATS, ids=lambda known: known.name)


def options_of(file_format: Format[Any]) -> list[str]:
    return [option.name for option in fields(file_format.options)]


@by_format
def test_an_option_that_is_none_is_the_default(file_format: Format[Any]) -> None:
    given = dict.fromkeys(set(options_of(file_format)) - {"quotechar"})  # None: quotes mean nothing
    assert file_format.options.of(given) == file_format.options_of(given) == file_format.options()


def test_every_format_is_tested() -> None:
    assert {known.name for known in FORMATS} == WRITERS.keys()


def test_no_name_and_no_suffix_is_that_of_two_formats() -> None:
    for every in ([known.name for known in FORMATS], [end for known in FORMATS for end in known.suffixes]):
        assert len(every) == len(set(every))


@by_format
def test_a_format_is_found_by_its_name_and_its_suffixes(file_format: Format[Any]) -> None:
    assert format_named(file_format.name) is file_format
    assert all(format_of(f"A{suffix.upper()}") is file_format for suffix in file_format.suffixes)


@by_format
def test_an_option_that_a_format_does_not_have_is_refused_with_those_that_it_has(
    tmp_path: Path, file_format: Format[Any]
) -> None:
    known = options_of(file_format)
    has = f"it has {', '.join(known)}" if known else f"{file_format.name} has no options"
    message = re.escape(f"file_options: 'separator' is not an option of {file_format.name}; {has}")
    for options in ({"separator": ";"}, {"separator": None}, dict.fromkeys([*known, "separator"])):
        with pytest.raises(InvalidArgumentError, match=message):
            FileSource(tmp_path / f"a{file_format.suffixes[0]}", file_options=options)


@by_format
def test_an_option_that_is_none_is_as_if_it_were_not_given(tmp_path: Path, file_format: Format[Any]) -> None:
    path = write(tmp_path / f"a{file_format.suffixes[0]}", WRITERS[file_format.name](some_rows(3)))
    assert read(path, **dict.fromkeys(options_of(file_format))) == read(path)


def test_an_option_must_be_one_of_every_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="'delimiter' is not an option of ndjson; it has encoding"):
        FileSource(tmp_path / "a.csv", tmp_path / "b.ndjson", file_options={"delimiter": ";"})


def test_files_of_several_formats_share_their_options(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, b"n;m\n1;NULL\n") for name in ("a.csv", "a.tsv")]
    source = FileSource(*paths, file_options={"delimiter": ";", "null_values": ["NULL"]})
    assert [row for _, row in rows_of(source)] == [{"n": "1", "m": None}] * 2


@by_format
def test_a_format_is_read_from_a_mark_to_a_mark_or_says_that_it_cannot(file_format: Format[Any]) -> None:
    content = WRITERS[file_format.name](some_rows())
    options = file_format.options_of({})

    def chunks(*marks: Mark, offset: int = 0) -> list[Chunk]:
        file = io.BytesIO(content)
        file.seek(offset)
        return list(file_format.read(io.BufferedReader(file), options, *marks))  # type: ignore[arg-type]

    whole = chunks()
    first, second = whole[0].end, whole[1].end
    if file_format.is_seekable:
        assert chunks(Mark(-1), first) == whole[:1]
        assert chunks(first, second, offset=first.offset) == whole[1:2]
        assert chunks(second, second, offset=second.offset) == []
    else:
        for marks in ((first,), (Mark(-1), second)):
            with pytest.raises(InvalidArgumentError, match="can only be read from the start of a file"):
                chunks(*marks)


# A format of somebody else


@dataclass(frozen=True)
class WordOptions(Options):
    separator: str = " "


def read_words(file: io.BufferedReader, options: WordOptions, *_: object) -> Iterator[Chunk]:
    words = file.read().decode().split(options.separator)
    yield Chunk(range(len(words)), [{"word": word} for word in words], Mark(len(words) - 1))


def test_a_new_format_is_one_line_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match="none of the suffixes"):
        FileSource(write(tmp_path / "a.words", b"one"))
    words = Format("words", (".words",), "word {}", read_words, WordOptions)
    monkeypatch.setattr(formats, "FORMATS", [*FORMATS, words])
    path = write(tmp_path / "a.words.gz", b"one two")
    source = FileSource(path)
    assert rows_of(source) == [(0, {"word": "one"}), (1, {"word": "two"})]
    assert source.where(1) == f"word 1 of {path}"
    assert len(read(path, separator="-")) == 1
    with pytest.raises(InvalidArgumentError, match="'x' is not an option of words; it has separator"):
        FileSource(path, file_options={"x": 1})
