"""``limit``: only the first rows of a source are read, and counted."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import Load, batches
from airflow_provider_cdf_records.load import checkpoint as checkpoint_module
from airflow_provider_cdf_records.load.checkpoint import KEY
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Refusal
from airflow_provider_cdf_records.sources import QuerySource, RecordsSource
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.state_store import Memory
from tests.waiting import PATIENCE

HOOK = CdfRecordsHook


def rows_file(path: Path, *external_ids: str) -> Path:
    path.write_text("".join(json.dumps(a_record(external_id)) + "\n" for external_id in external_ids))
    return path


@pytest.mark.parametrize(("limit", "read"), [(1, 1), (3, 3), (4, 4), (1000, 4), (None, 4)])
def test_the_first_rows_are_loaded(cdf: LocalCdf, tmp_path: Path, limit: int | None, read: int) -> None:
    path = rows_file(tmp_path / "a.ndjson", *"abcd")
    summary = HOOK().upsert_file(STREAM, path, limit=limit)
    assert (summary.read, summary.upserted) == (read, read)
    assert cdf.held().keys() == set("abcd"[:read])


def test_rows_that_are_rejected_count(cdf: LocalCdf, tmp_path: Path) -> None:
    path = rows_file(tmp_path / "a.ndjson", "a", "b", "c")
    path.write_text("not JSON\n" + path.read_text())
    summary = HOOK().upsert_file(STREAM, path, limit=2, max_rejected=1)
    assert (summary.read, summary.upserted, summary.rejected) == (2, 1, 1)


def test_the_files_after_the_limit_are_not_opened(cdf: LocalCdf, tmp_path: Path) -> None:
    rows_file(tmp_path / "1.ndjson", "a", "b")
    rows_file(tmp_path / "2.ndjson", "c", "d")
    (tmp_path / "3.ndjson.gz").write_bytes(b"no gzip")
    assert HOOK().upsert_file(STREAM, tmp_path, limit=3).read == 3
    assert cdf.held().keys() == {"a", "b", "c"}


def test_a_generator_is_not_read_on(cdf: LocalCdf) -> None:
    blocks = threading.Event()

    def rows() -> Iterator[dict[str, Any]]:
        yield from (a_record(str(number)) for number in range(30))
        blocks.wait(PATIENCE)

    assert HOOK().upsert_records(STREAM, rows(), limit=30).read == 30
    assert not blocks.is_set()


def test_a_query_is_closed_once_the_rows_are_read() -> None:
    class Result:
        description = (("id",),)

        def __init__(self) -> None:
            self.asked = 0
            self.is_open = False

        def __enter__(self) -> Result:
            self.is_open = True
            return self

        def __exit__(self, *_: object) -> None:
            self.is_open = False

        def fetchmany(self, size: int, /) -> list[tuple[int]]:
            self.asked += size
            return [(number,) for number in range(size)]

    from airflow_provider_cdf_records.load.first_rows import FirstRows

    result = Result()
    rows = [row for chunk in FirstRows(QuerySource(lambda: result), 12) for row in chunk.rows]
    assert len(rows) == 12
    assert not result.is_open
    assert result.asked < 2000


def test_refusals_of_the_source_are_taken_in_their_order() -> None:
    from airflow_provider_cdf_records.load.first_rows import FirstRows

    class Mixed(RecordsSource):
        def __iter__(self) -> Iterator[Chunk]:
            refusals = [Refusal(position, b"", "no") for position in (2, 5, 9)]
            yield Chunk([1, 3, 4, 8], ["a", "b", "c", "d"], Mark(9, offset=90), refusals=refusals)

    (chunk,) = FirstRows(Mixed([]), 4)
    assert (chunk.positions, chunk.rows, chunk.end) == ([1, 3, 4], ["a", "b", "c"], Mark(4))
    assert [refusal.position for refusal in chunk.refusals] == [2]


@pytest.mark.parametrize("first", [{"limit": 20}, {}], ids=["then all", "then the first"])
def test_a_load_of_the_first_rows_and_one_of_all_do_not_go_on_from_each_other(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: dict[str, Any]
) -> None:
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    path, store = rows_file(tmp_path / "a.ndjson", *map(str, range(30))), Memory()
    HOOK().upsert_file(STREAM, path, state_store=Kept(store), **first)
    assert KEY in store.kept
    summary = HOOK().upsert_file(STREAM, path, state_store=store, **({} if first else {"limit": 20}))
    assert summary.resumed_from is None
    again = HOOK().upsert_file(STREAM, path, state_store=Kept(store), **first)
    assert again.read == (20 if first else 30)


class Kept:
    """A store whose values a load cannot delete, as if it had been killed before it could."""

    def __init__(self, store: Memory) -> None:
        self.get, self.set = store.get, store.set

    def delete(self, key: str) -> None:
        """Keep it."""


def test_a_load_of_the_first_rows_goes_on_to_the_limit(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    path, store = rows_file(tmp_path / "a.ndjson", *map(str, range(30))), Memory()
    HOOK().upsert_file(STREAM, path, state_store=Kept(store), limit=20)
    summary = HOOK().upsert_file(STREAM, path, state_store=store, limit=20)
    assert summary.resumed_from is not None
    assert (summary.read, summary.upserted) == (20, 20)
    assert cdf.held().keys() == set(map(str, range(20)))


@pytest.mark.parametrize("limit", [0, -1, True, 1.0, "1", float("nan")])
def test_a_limit_that_is_no_number_of_rows_is_refused(cdf: LocalCdf, limit: Any) -> None:
    with pytest.raises(AirflowFailException, match="limit must be a whole number of rows, at least 1, got"):
        HOOK().upsert_records(STREAM, [a_record()], limit=limit)
    with pytest.raises(ValueError, match="limit must be"):
        Load(cdf.client, UPSERT, STREAM, RecordsSource([]), limit=limit)
    assert not cdf.held()
