"""``partition`` with the other arguments of a load."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load import checkpoint as checkpoint_module
from airflow_provider_cdf_records.load.checkpoint import KEY
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.state_store import Memory

HOOK = CdfRecordsHook


def rows_file(path: Path, count: int) -> Path:
    path.write_text("".join(json.dumps(a_record(str(number))) + "\n" for number in range(count)))
    return path


def test_an_identity_belongs_to_the_same_part_in_every_version() -> None:
    identities = ["plant/a", "plant/P-101", "plant/ü", "other/a"]
    assert [number for one in identities for number in range(1, 9) if Partition(number, 8).holds(one, 0)] == [
        5,
        8,
        7,
        4,
    ]


@pytest.mark.parametrize("text", ["0/8", "9/8", "8", "a/b", "1/0", "-1/2", "1/8/2", "", 2, True, "None"])
def test_what_is_no_part_is_refused(cdf: LocalCdf, text: object) -> None:
    with pytest.raises(AirflowFailException, match="partition must be the number of a part"):
        HOOK().upsert_records(STREAM, [a_record()], partition=text)  # type: ignore[arg-type]
    assert not cdf.held()


@pytest.mark.parametrize("text", ["0/8", "9/8", "8", "", 2])
def test_what_is_no_part_is_refused_when_the_dag_is_parsed(text: object) -> None:
    with pytest.raises(InvalidArgumentError, match="partition must be"):
        CdfRecordsUpsertOperator(task_id="load", stream_id="s", path="a.ndjson", partition=text)  # type: ignore[arg-type]


def test_the_first_rows_in_parts_are_the_first_rows(cdf: LocalCdf, tmp_path: Path) -> None:
    path = rows_file(tmp_path / "a.ndjson", 100)
    store = Memory()
    parts = [
        HOOK().upsert_file(STREAM, path, limit=40, partition=f"{n}/3", state_store=store) for n in (1, 2, 3)
    ]
    assert sum(part.read for part in parts) == 40
    assert cdf.held().keys() == set(map(str, range(40)))


def test_a_part_does_not_go_on_from_where_another_part_stopped(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    path, store = rows_file(tmp_path / "a.ndjson", 100), Memory()
    one = HOOK().upsert_file(STREAM, path, partition="1/2", state_store=Kept(store))
    assert KEY in store.kept
    other = HOOK().upsert_file(STREAM, path, partition="2/2", state_store=Kept(store))
    assert other.resumed_from is None
    assert one.read + other.read == 100
    again = HOOK().upsert_file(STREAM, path, partition="2/2", state_store=store)
    assert again.resumed_from is not None
    assert again.read == other.read


class Kept:
    """A store whose values a load cannot delete, as if it had been killed before it could."""

    def __init__(self, store: Memory) -> None:
        self.get, self.set = store.get, store.set

    def delete(self, key: str) -> None:
        """Keep it."""


def test_a_part_without_rows_is_not_a_load_of_nothing(cdf: LocalCdf) -> None:
    parts = [HOOK().upsert_records(STREAM, [a_record()], partition=f"{n}/2", if_empty="fail") for n in (1, 2)]
    assert sorted(part.read for part in parts) == [0, 1]
    with pytest.raises(AirflowFailException, match="if_empty"):
        HOOK().upsert_records(STREAM, [], partition="1/2", if_empty="fail")


def test_an_ingest_in_parts_stores_what_is_new_and_rejects_what_is_there(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    cdf.upsert(STREAM, [a_record("5", value=5), a_record("17", value=17)])
    path, rejected = rows_file(tmp_path / "a.ndjson", 30), tmp_path / "rejected"
    rejected.mkdir()
    parts = [
        HOOK().ingest_file(
            STREAM,
            path,
            partition=f"{n}/3",
            state_store=Memory(),
            max_rejected=2,
            rejected_path=rejected / f"{n}.ndjson",
        )
        for n in (1, 2, 3)
    ]
    assert (sum(part.read for part in parts), sum(part.accepted for part in parts)) == (30, 28)
    lines = [json.loads(line) for file in rejected.iterdir() for line in file.read_text().splitlines()]
    assert sorted((line["externalId"], line["status"]) for line in lines) == [("17", 409), ("5", 409)]
    assert (cdf.held()["5"], cdf.held()["17"], len(cdf.held())) == ({"value": 5}, {"value": 17}, 30)


def test_the_next_try_of_an_ingest_of_a_part_counts_what_the_first_has_stored(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = rows_file(tmp_path / "a.ndjson", 30)
    store = Memory()
    first = HOOK().ingest_file(STREAM, path, partition="1/2", state_store=Kept(store))
    store.kept = {key: value for key, value in store.kept.items() if key != KEY}  # no mark, but begun
    again = HOOK().ingest_file(STREAM, path, partition="1/2", state_store=store)
    assert (again.resumed_from, again.accepted, again.rejected) == (None, first.accepted, 0)
    rest = HOOK().ingest_file(STREAM, path, partition="2/2", state_store=Memory())
    assert first.accepted + rest.accepted == 30
    assert len(cdf.held()) == 30


def test_what_a_try_of_one_part_has_begun_says_nothing_of_another_part(cdf: LocalCdf, tmp_path: Path) -> None:
    path, store = rows_file(tmp_path / "a.ndjson", 30), Memory()
    HOOK().ingest_file(STREAM, path, partition="1/2", state_store=Kept(store))
    HOOK().upsert_file(STREAM, path, partition="2/2")  # by someone else
    with pytest.raises(AirflowFailException, match="rejected"):
        HOOK().ingest_file(STREAM, path, partition="2/2", state_store=store)
