"""Columns that are missing in one of several files: found before anything of that file is sent."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.load import Load, headers
from airflow_provider_cdf_records.load.headers import check_headers
from airflow_provider_cdf_records.load.verbs import DELETE, UPSERT
from airflow_provider_cdf_records.mapping import RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Columns
from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    LoadFailedError,
    LoadStoppedError,
)
from airflow_provider_cdf_records.sources import FileSource, formats
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM
from tests.sources.test_archives import write_zip

Rows = list[dict[str, Any]]
EVERY = threading.Event()  # never set


def as_csv(rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_ndjson(rows: Rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_json(rows: Rows) -> bytes:
    return json.dumps(rows).encode()


WRITERS: dict[str, Callable[[Rows], bytes]] = {"csv": as_csv, "ndjson": as_ndjson, "json": as_json}
every_format = pytest.mark.parametrize("name", WRITERS)


def without_headers(known: Any) -> Any:
    return replace(known, read_columns=None)


def with_headers(known: Any) -> Any:
    """Return a format that tells the columns of a file, if it is one of comma-separated values."""
    return replace(known, read_columns=first_line) if known.name == "csv" else without_headers(known)


def first_line(file: io.BufferedReader, _: Any) -> Columns:
    return tuple(file.readline().decode().strip().split(","))


@pytest.fixture
def no_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", list(map(without_headers, formats.FORMATS)))


@pytest.fixture
def with_csv_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", list(map(with_headers, formats.FORMATS)))


def mapping(properties: Any) -> Any:
    container = {"space": SPACE, "container": CONTAINER, "properties": properties}
    return read_mapping({"space": SPACE, "external_id": "{id}", "sources": [container]})


TEXT_OF_TAG = mapping({"text": "tag"})


def write_files(folder: Path, name: str, *files: Rows) -> list[Path]:
    paths = []
    for number, rows in enumerate(files):
        paths.append(folder / f"{number}.{name}")
        paths[-1].write_bytes(WRITERS[name](rows))
    return paths


def load(cdf: LocalCdf, paths: list[Path], spec: Any = TEXT_OF_TAG, **more: Any) -> Any:
    verb = more.pop("verb", UPSERT)
    return Load(cdf.client, verb, STREAM, FileSource(*paths), mapping=spec, **more).run()


def refused(cdf: LocalCdf, paths: list[Path], spec: Any = TEXT_OF_TAG, **more: Any) -> str:
    with pytest.raises((InvalidArgumentError, LoadFailedError)) as error:
        load(cdf, paths, spec, **more)
    assert getattr(error.value, "retryable", True) is False
    return str(error.value)


# Where each file begins


@every_format
@pytest.mark.usefixtures("no_headers")
@pytest.mark.parametrize("other", ["Tag", "TAG", " tag", "tags", "t_ag", "tag_number"])
def test_a_file_that_lacks_a_column_ends_the_load_before_it_is_sent(
    cdf: LocalCdf, tmp_path: Path, name: str, other: str
) -> None:
    cdf.upsert(STREAM, [{"space": SPACE, "externalId": "b", "sources": [text_of("kept")]}])
    paths = write_files(tmp_path, name, [{"id": "a", "tag": "x"}], [{"id": "b", other: "y"}])
    message = refused(cdf, paths)
    position = {"csv": "row 1", "ndjson": "line 1", "json": "items[0]"}[name]
    expected = f"mapping: the rows from {position} of {paths[1]} on have no column 'tag'; they have 'id', "
    assert message.startswith(f"{expected}{other!r}. Did you mean {other!r}?")
    assert cdf.held()["b"] == {"text": "kept"}


def text_of(text: str) -> dict[str, Any]:
    return {
        "source": {"type": "container", "space": SPACE, "externalId": CONTAINER},
        "properties": {"text": text},
    }


@every_format
@pytest.mark.usefixtures("no_headers")
def test_columns_may_have_another_order_in_each_file(cdf: LocalCdf, tmp_path: Path, name: str) -> None:
    paths = write_files(tmp_path, name, [{"id": "a", "tag": "x"}], [{"tag": "y", "id": "b"}])
    assert load(cdf, paths).accepted == 2


@pytest.mark.usefixtures("no_headers")
def test_files_of_several_formats_are_each_checked(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.{name}" for number, name in enumerate(WRITERS)]
    for number, (path, write) in enumerate(zip(paths, WRITERS.values(), strict=True)):
        path.write_bytes(write([{"id": f"r{number}", "tag": "x"}]))
    assert load(cdf, paths).accepted == 3
    paths[2].write_bytes(as_json([{"id": "c"}]))
    assert f"items[0] of {paths[2]} on have no column 'tag'" in refused(cdf, paths)


@every_format
@pytest.mark.usefixtures("no_headers")
def test_a_delete_needs_the_columns_of_its_identities_in_each_file(
    cdf: LocalCdf, tmp_path: Path, name: str
) -> None:
    paths = write_files(tmp_path, name, [{"id": "a"}], [{"Id": "b"}])
    assert f"of {paths[1]} on have no column 'id'" in refused(cdf, paths, verb=DELETE)


@every_format
@pytest.mark.usefixtures("no_headers")
def test_a_star_needs_properties_for_the_columns_of_each_file(
    cdf: LocalCdf, tmp_path: Path, name: str
) -> None:
    paths = write_files(tmp_path, name, [{"id": "a", "text": "x"}], [{"id": "b", "Text": "y"}])
    message = refused(cdf, paths, mapping("*"))
    assert "column 'Text' is not a property of container" in message
    assert f"of {paths[1]} on have that column" in message
    assert cdf.held().keys() <= {"a"}


@every_format
@pytest.mark.usefixtures("no_headers")
def test_an_optional_column_may_be_missing_in_any_file(cdf: LocalCdf, tmp_path: Path, name: str) -> None:
    paths = write_files(tmp_path, name, [{"id": "a", "tag": "x"}], [{"id": "b"}])
    assert load(cdf, paths, mapping({"text": {"column": "tag", "optional": True}})).accepted == 2


@pytest.mark.usefixtures("no_headers")
def test_rejected_rows_need_not_have_all_columns(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = write_files(
        tmp_path, "ndjson", [{"id": "a", "tag": "x"}], [{"id": "b" * 300, "tag": "y"}, {"id": "c" * 300}]
    )
    rejected = tmp_path / "rejected.ndjson"
    load(cdf, paths, rejected_path=rejected, max_rejected=2)
    load(cdf, [paths[0], rejected], max_rejected=2)


@every_format
@pytest.mark.parametrize("resumed_in", [0, 1])
def test_a_load_that_goes_on_checks_the_files_that_it_begins(
    tmp_path: Path, name: str, resumed_in: int
) -> None:
    """Also where it stopped at the end of a file; the rest of a file may lack columns."""
    rows: Rows = [{"id": "a", "tag": "x"}, *({"id": f"r{number}"} for number in range(1200))]
    paths = write_files(tmp_path, name, rows, rows, [{"id": "c", "Tag": "y"}])
    for mark in [chunk.end for chunk in FileSource(*paths) if chunk.end.file == resumed_in]:
        source = FileSource(*paths)
        source.resume_after(mark)
        convert = RowMapping(TEXT_OF_TAG, Schema(), begun_file=mark.file, where=source.where)
        with pytest.raises(InvalidArgumentError, match=f"of {paths[2]} on have no column 'tag'"):
            list(map(convert, source))


# Before the first record is sent


@pytest.mark.usefixtures("with_csv_headers")
def test_headers_are_looked_at_before_anything_is_sent(cdf: LocalCdf, tmp_path: Path) -> None:
    good = [{"id": "a", "tag": "x"}]
    paths = write_files(tmp_path, "csv", good, good, [{"id": "b", "Tag": "y"}], good, [{"id": "c", "t": "z"}])
    message = refused(cdf, paths)
    assert message == (
        f"mapping: the rows of {paths[2]} have no column 'tag'; they have 'id', 'Tag'. Did you mean 'Tag'?"
    )
    assert not cdf.held()


@pytest.mark.usefixtures("with_csv_headers")
def test_headers_are_looked_at_for_a_star_and_for_a_delete(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = write_files(tmp_path, "csv", [{"id": "a", "text": "x"}], [{"id": "b", "Text": "y"}])
    assert f"(the rows of {paths[1]} have that column)" in refused(cdf, paths, mapping("*"))
    paths = write_files(tmp_path, "csv", [{"id": "a"}], [{"ID": "b"}])
    assert f"the rows of {paths[1]} have no column 'id'" in refused(cdf, paths, verb=DELETE)
    assert not cdf.held()


@pytest.mark.usefixtures("with_csv_headers")
def test_headers_are_looked_at_for_what_a_star_took_of_files_before(cdf: LocalCdf, tmp_path: Path) -> None:
    first, second = [{"id": "a", "text": "x", "number": 1}], [{"id": "b", "text": "y"}]
    message = refused(cdf, write_files(tmp_path, "csv", first, second), mapping("*"))
    assert f"the rows of {tmp_path}/1.csv have no column 'number', which rows before them have" in message
    assert not cdf.held()


@pytest.mark.usefixtures("with_csv_headers")
def test_a_star_takes_nothing_of_files_without_rows(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = write_files(tmp_path, "csv", [{"id": "a"}], [{"id": "b", "text": "y"}], [{"id": "c"}])
    paths[0].write_bytes(b"id,number\n")
    paths[2].write_bytes(b"id\n")
    assert load(cdf, paths, mapping("*")).accepted == 1


@pytest.mark.usefixtures("with_csv_headers")
def test_headers_of_members_of_a_zip_are_looked_at(cdf: LocalCdf, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": b"id,tag\na,x\n", "b.csv": b"id,Tag\nb,y\n"})
    assert f"the rows of {path}/b.csv have no column 'tag'" in refused(cdf, [path])
    assert not cdf.held()


@pytest.mark.usefixtures("with_csv_headers")
def test_a_file_without_rows_may_have_any_header(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = write_files(tmp_path, "csv", [{"id": "a", "tag": "x"}], [], [{"id": "b", "tag": "x"}])
    paths[1].write_bytes(b"No data found\n")
    assert load(cdf, paths).accepted == 2
    paths[1].write_bytes(b"")
    assert load(cdf, paths).accepted == 2


@pytest.mark.parametrize("others", [[], [{"id": "a", "tag": "x"}]])
def test_a_single_row_that_is_no_header_is_not_taken_for_one(
    cdf: LocalCdf, tmp_path: Path, others: list[dict[str, Any]]
) -> None:
    path = tmp_path / "b.csv"
    path.write_bytes(b"b,y\n")
    paths = [*write_files(tmp_path, "csv", *([others] if others else [])), path]
    assert "have no column 'id'; they have 'b', 'y'" in refused(cdf, paths)
    assert not cdf.held()


@pytest.mark.usefixtures("with_csv_headers")
def test_a_file_that_cannot_be_looked_at_is_told_when_it_is_its_turn(cdf: LocalCdf, tmp_path: Path) -> None:
    paths = write_files(tmp_path, "csv", [{"id": "a", "tag": "x"}], [{"id": "b", "tag": "x"}])
    paths[1].write_bytes(b"\x1f\x8b\x08 damaged")
    assert f"{paths[1]} is" in refused(cdf, paths)
    assert cdf.held().keys() <= {"a"}


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    return write_files(tmp_path, "csv", *([{"id": f"r{number}", "tag": "x"}] for number in range(40)))


def looked_at(paths: list[Path], begun_file: int | None = None) -> list[str]:
    seen: list[str] = []
    check_headers(FileSource(*paths), lambda _, rows: seen.append(rows), begun_file, EVERY)
    return sorted(seen)


@pytest.mark.usefixtures("with_csv_headers")
def test_only_files_that_are_not_begun_are_looked_at(many: list[Path]) -> None:
    assert looked_at(many) == sorted(f"the rows of {path}" for path in many)
    assert looked_at(many, 36) == sorted(f"the rows of {path}" for path in many[37:])
    assert looked_at(many, 38) == [f"the rows of {many[39]}"]
    assert looked_at(many, 39) == []
    assert looked_at(many[:1]) == [], "its first rows are checked anyway"


@pytest.mark.usefixtures("with_csv_headers")
def test_of_very_many_files_only_some_are_looked_at(
    many: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "MOST_FILES", 7)
    assert looked_at(many) == sorted(f"the rows of {path}" for path in many[:7])


class Hanging(FileSource):
    """Files on storage that does not answer until it is told to."""

    answers = threading.Event()

    def columns_of(self, number: int) -> Columns | None:
        self.answers.wait()
        return super().columns_of(number)


@pytest.fixture
def hanging(many: list[Path], with_csv_headers: None) -> Iterator[Hanging]:
    Hanging.answers = threading.Event()
    yield Hanging(*many)
    Hanging.answers.set()


def test_storage_that_does_not_answer_is_not_waited_for(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "WITHIN", 0.1)
    check_headers(hanging, lambda *_: None, None, EVERY)


def test_looking_ends_when_the_load_is_told_to_stop(hanging: Hanging) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    before = time.monotonic()
    with pytest.raises(LoadStoppedError):
        check_headers(hanging, lambda *_: None, None, stop)
    assert time.monotonic() - before < headers.WITHIN
