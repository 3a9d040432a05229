"""``if_empty``: how a load of nothing ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.records.errors import MissingSourceError
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.version_compat import AirflowFailException, AirflowSkipException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record

NOTHING: dict[str, tuple[str, Any]] = {
    "an empty list": ("records", []),
    "an empty generator": ("records", iter(())),
    "an empty array": ("a.json", "[]"),
    "only a header": ("a.csv", "id,number\n"),
}
MISSING = {"a file": "a.ndjson", "a pattern": "*.csv", "a folder without files": "."}


def load(folder: Path, kind: str, content: Any, **arguments: Any) -> Any:
    hook = CdfRecordsHook()
    if kind == "records":
        return hook.upsert_records(STREAM, content, **arguments)
    path = folder / kind
    path.write_text(content)
    return hook.upsert_file(STREAM, path, **arguments)


@pytest.mark.parametrize(("kind", "content"), NOTHING.values(), ids=NOTHING)
def test_a_load_of_nothing_succeeds_skips_or_fails(
    cdf: LocalCdf, tmp_path: Path, kind: str, content: Any
) -> None:
    ended: list[Any] = []
    given = {"on_end": ended.append}
    assert load(tmp_path, kind, content, **given).read == 0
    assert load(tmp_path, kind, content, if_empty="succeed", **given).read == 0
    words = "Nothing to upsert into stream alarms: no records were read, and if_empty is"
    with pytest.raises(AirflowSkipException, match=rf"{words} 'skip'\."):
        load(tmp_path, kind, content, if_empty="skip", **given)
    with pytest.raises(AirflowFailException, match=rf"{words} 'fail'\."):
        load(tmp_path, kind, content, if_empty="fail", **given)
    assert [summary.read for summary in ended] == [0, 0, 0, 0]


@pytest.mark.parametrize("if_empty", ["succeed", "skip", "fail"])
def test_a_load_with_a_row_is_not_empty(cdf: LocalCdf, if_empty: str) -> None:
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()], if_empty=if_empty).upserted == 1
    bad = {"space": "plant"}
    assert CdfRecordsHook().upsert_records(STREAM, [bad], if_empty=if_empty, max_rejected=1).rejected == 1


@pytest.mark.parametrize("name", MISSING.values(), ids=MISSING)
def test_a_missing_source_fails_unless_it_skips(cdf: LocalCdf, tmp_path: Path, name: str) -> None:
    ended: list[Any] = []
    hook = CdfRecordsHook()
    for if_empty in ("succeed", "fail"):
        with pytest.raises(AirflowFailException, match="Is it written by an upstream task"):
            hook.upsert_file(STREAM, tmp_path / name, if_empty=if_empty, on_end=ended.append)
    with pytest.raises(AirflowSkipException, match="Is it written by an upstream task"):
        hook.upsert_file(STREAM, tmp_path / name, if_empty="skip", on_end=ended.append)
    assert [summary.read for summary in ended] == [0, 0, 0]


def test_a_file_that_goes_missing_after_rows_were_read_fails(cdf: LocalCdf) -> None:
    class Vanishes(RecordsSource):
        def __iter__(self) -> Iterator[Chunk]:
            yield from super().__iter__()
            msg = "b.ndjson does not exist"
            raise MissingSourceError(msg)

    with pytest.raises(AirflowFailException, match="does not exist"):
        CdfRecordsHook().upsert_source(STREAM, Vanishes([a_record()]), if_empty="skip")
    assert cdf.held().keys() == {"a"}


def test_nothing_else_that_fails_is_skipped(cdf: LocalCdf, tmp_path: Path) -> None:
    (tmp_path / "a.unknown").write_text("x")
    with pytest.raises(AirflowFailException):
        CdfRecordsHook().upsert_file(STREAM, tmp_path / "a.unknown", if_empty="skip")
    with pytest.raises(AirflowFailException, match="does not exist in project"):
        CdfRecordsHook().upsert_records("missing", [], if_empty="skip")


@pytest.mark.parametrize("if_empty", ["Skip", "", None, True, ["skip"]])
def test_it_is_one_of_three(cdf: LocalCdf, if_empty: Any) -> None:
    with pytest.raises(AirflowFailException, match="if_empty must be one of succeed, skip, fail, got"):
        CdfRecordsHook().upsert_records(STREAM, [], if_empty=if_empty)
