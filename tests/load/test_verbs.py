"""What ingest and delete do that upsert does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load import Load, TooManyRejectedError, batches
from airflow_provider_cdf_records.load.target_stream import StreamUnusableError
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of
from tests.state_store import Memory

MAPPING = read_mapping(
    {
        "space": SPACE,
        "external_id": "{id}",
        "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
    }
)


def ingest(client: CdfClient, rows: Any, stream_id: str = STREAM, **arguments: Any) -> dict[str, Any]:
    return Load(client, INGEST, stream_id, RecordsSource(rows), **arguments).run().as_dict()


def delete(client: CdfClient, rows: Any, **arguments: Any) -> dict[str, Any]:
    return Load(client, DELETE, STREAM, RecordsSource(rows), **arguments).run().as_dict()


def numbers(summary: dict[str, Any]) -> tuple[int, int, int, int]:
    done = next(key for key in ("upserted", "ingested", "deleted") if key in summary)
    return summary["read"], summary[done], summary["superseded"], summary["rejected"]


# Ingest into immutable streams


def test_an_immutable_stream_takes_each_row_also_of_one_identity(cdf: LocalCdf) -> None:
    rows = [a_record("a", number=1), a_record("b", number=2), a_record("a", number=3)]
    summary = ingest(cdf.client, rows, IMMUTABLE_STREAM)
    assert numbers(summary) == (3, 3, 0, 0)
    assert summary["requests"] == 1
    found = sorted((name, properties["number"]) for name, properties in cdf.items(IMMUTABLE_STREAM))
    assert found == [("a", 1), ("a", 3), ("b", 2)]


def test_batches_of_an_immutable_stream_wait_for_no_identity(cdf: LocalCdf) -> None:
    rows = [a_record("a", number=number) for number in range(2500)]
    summary = ingest(cdf.client, rows, IMMUTABLE_STREAM)
    assert (summary["ingested"], summary["requests"]) == (2500, 3)
    assert len(cdf.items(IMMUTABLE_STREAM)) == 2500


def test_a_row_that_an_immutable_stream_refuses_is_rejected_alone(cdf: LocalCdf) -> None:
    rows = [a_record("a", number="x" if number == 7 else number) for number in range(20)]
    assert numbers(ingest(cdf.client, rows, IMMUTABLE_STREAM, max_rejected=1)) == (20, 19, 0, 1)
    assert len(cdf.items(IMMUTABLE_STREAM)) == 19


# Ingest into mutable streams


def test_a_mutable_stream_keeps_what_it_has(cdf: LocalCdf, tmp_path: Path) -> None:
    cdf.upsert(STREAM, [a_record("a", number=1)])
    rejected = tmp_path / "rejected.ndjson"
    rows = [a_record("a", number=2), a_record("b", number=2)]
    summary = ingest(cdf.client, rows, max_rejected=1, rejected_path=rejected)
    assert numbers(summary) == (2, 1, 0, 1)
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}
    (line,) = map(json.loads, rejected.read_text().splitlines())
    assert (line["position"], line["externalId"], line["status"]) == (0, "a", 409)
    assert "exist already" in line["message"]


@pytest.mark.parametrize("records_in_request", [1, 2, 3, 1000])
@pytest.mark.parametrize("check_schema", [True, False])
def test_of_one_identity_the_first_row_that_can_be_stored_wins_wherever_batches_end(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, records_in_request: int, check_schema: bool
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", records_in_request)
    rows = [
        a_record("a", number="refused"),
        a_record("b", number=1),
        a_record("a", number=2),
        a_record("a", number=3),
        a_record("b", number=4),
    ]
    summary = ingest(cdf.client, rows, max_rejected=3, check_schema=check_schema)
    assert numbers(summary) == (5, 2, 0, 3)
    assert cdf.held() == {"a": {"number": 2}, "b": {"number": 1}}


def test_without_a_look_an_immutable_stream_takes_repeated_identities_too(cdf: LocalCdf) -> None:
    rows = [a_record("a", number=number) for number in range(5)]
    assert numbers(ingest(cdf.client, rows, IMMUTABLE_STREAM, check_schema=False)) == (5, 5, 0, 0)
    assert len(cdf.items(IMMUTABLE_STREAM)) == 5


def test_on_a_retry_what_is_there_already_counts_as_ingested(cdf: LocalCdf) -> None:
    rows = [a_record(str(number), number=number) for number in range(2000)]
    ingest(cdf.client, rows[:1500])
    with pytest.raises(TooManyRejectedError):
        ingest(cdf.client, rows)
    summary = ingest(cdf.client, rows, is_retry=True)
    assert numbers(summary) == (2000, 2000, 0, 0)
    assert summary["requests"] <= 5
    assert len(cdf.held()) == 2000


def conflict(*external_ids: str) -> Answer:
    named = [{"space": SPACE, "externalId": external_id} for external_id in external_ids]
    return Answer(409, {"error": {"code": 409, "message": "they exist already", "duplicated": named}})


@pytest.fixture
def scripted() -> Any:
    with ScriptedServer() as server, client_of(server) as client:
        yield server, client


def ingest_in_turn(client: CdfClient, rows: Any, **arguments: Any) -> dict[str, Any]:
    """Ingest with one request at a time, so that each gets the scripted answer that is meant for it."""
    return ingest(client, rows, check_schema=False, max_concurrency=1, **arguments)


def sent(server: ScriptedServer) -> list[list[str]]:
    return [[item["externalId"] for item in asked.json["items"]] for asked in server.asked]


@pytest.mark.parametrize("unanswered", [Answer(reset=True), Answer(503), Answer(cut=1)], ids=str)
def test_what_an_attempt_without_an_answer_may_have_stored_counts_as_ingested(
    scripted: tuple[ScriptedServer, CdfClient], unanswered: Answer
) -> None:
    server, client = scripted
    server.answer("/records", unanswered, conflict("a", "b"), Answer(202))
    rows = [a_record("a"), a_record("b"), a_record("c")]
    assert numbers(ingest_in_turn(client, rows)) == (3, 3, 0, 0)
    assert sent(server) == [["a", "b", "c"], ["a", "b", "c"], ["c"]]


def test_a_throttled_attempt_has_stored_nothing(scripted: tuple[ScriptedServer, CdfClient]) -> None:
    server, client = scripted
    server.answer("/records", Answer(429), conflict("a"), Answer(202), conflict("a"))
    rows = [a_record("a"), a_record("b")]
    summary = ingest_in_turn(client, rows, max_rejected=1)
    assert numbers(summary) == (2, 1, 0, 1)


def test_a_refused_request_may_be_stored_in_part(scripted: tuple[ScriptedServer, CdfClient]) -> None:
    server, client = scripted
    server.answer("/records", conflict("a"), conflict("b"), Answer(202), conflict("a"))
    rows = [a_record("a"), a_record("b"), a_record("c")]
    assert numbers(ingest_in_turn(client, rows, max_rejected=1)) == (3, 2, 0, 1)
    assert sent(server) == [["a", "b", "c"], ["b", "c"], ["c"], ["a"]]


def test_a_conflict_that_names_nothing_is_halved(scripted: tuple[ScriptedServer, CdfClient]) -> None:
    server, client = scripted
    unnamed = Answer(409, {"error": {"code": 409, "message": "some exist"}})
    server.answer("/records", unnamed, Answer(202), unnamed)
    summary = ingest_in_turn(client, [a_record("a"), a_record("b")], max_rejected=1)
    assert numbers(summary) == (2, 1, 0, 1)


def test_what_is_known_to_exist_is_not_ours_after_an_attempt_without_an_answer(
    scripted: tuple[ScriptedServer, CdfClient],
) -> None:
    server, client = scripted
    server.answer("/records", conflict("a"), Answer(202), Answer(503), conflict("a"))
    summary = ingest_in_turn(client, [a_record("a"), a_record("b")], max_rejected=1)
    assert numbers(summary) == (2, 1, 0, 1)


@pytest.mark.parametrize("records_in_request", [1, 2, 1000])
def test_a_later_row_of_an_identity_is_never_taken_for_stored(
    scripted: tuple[ScriptedServer, CdfClient], monkeypatch: pytest.MonkeyPatch, records_in_request: int
) -> None:
    """The first row is stored, in whatever request; the second gets no answer, and then a conflict."""
    monkeypatch.setattr(batches, "MAX_RECORDS", records_in_request)
    server, client = scripted
    first = {1: [Answer(202), Answer(202)], 2: [Answer(202)], 1000: [Answer(202)]}[records_in_request]
    server.answer("/records", *first, Answer(503), conflict("a"))
    rows = [a_record("a", number=1), a_record("b"), a_record("a", number=2)]
    summary = ingest_in_turn(client, rows, max_rejected=1)
    assert numbers(summary) == (3, 2, 0, 1)


@pytest.mark.parametrize("is_retry", [False, True])
@pytest.mark.parametrize("records_in_request", [2, 1000])
def test_a_retry_does_not_depend_on_where_batches_end(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, records_in_request: int, is_retry: bool
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", records_in_request)
    rows = [a_record("a", number=1), a_record("b"), a_record("c"), a_record("a", number=2)]
    if is_retry:
        cdf.upsert(STREAM, rows[:2])
    assert numbers(ingest(cdf.client, rows, is_retry=is_retry, max_rejected=1)) == (4, 3, 0, 1)


def test_after_an_internal_error_others_of_the_request_may_be_stored(
    scripted: tuple[ScriptedServer, CdfClient],
) -> None:
    server, client = scripted
    internal = Answer(422, {"error": {"code": 422, "message": "an internal error"}})
    server.answer("/streams/alarms", Answer(body={"type": "Mutable"}))
    server.answer("/records", internal, conflict("a"), Answer(202))
    assert numbers(ingest_in_turn(client, [a_record("a"), a_record("b")])) == (2, 2, 0, 0)


def test_only_a_try_that_did_not_end_leaves_records_in_doubt(cdf: LocalCdf) -> None:
    store = Memory()

    def failing() -> Any:
        yield from (a_record(str(number)) for number in range(1000))
        msg = "the database went away"
        raise OSError(msg)

    with pytest.raises(OSError, match="went away"):
        ingest(cdf.client, failing(), state_store=store)
    rows = [a_record(str(number)) for number in range(1500)]
    assert numbers(ingest(cdf.client, rows, state_store=store)) == (1500, 1500, 0, 0)
    assert not store.kept
    with pytest.raises(TooManyRejectedError):
        ingest(cdf.client, rows, state_store=store)
    assert not store.kept


# Delete


def test_of_rows_to_delete_only_their_identities_count(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record(name) for name in "abcd"])
    rows = [{"space": SPACE, "externalId": "a"}, a_record("b", number="whatever"), a_record("unknown")]
    assert numbers(delete(cdf.client, rows)) == (3, 3, 0, 0)
    assert cdf.held().keys() == {"c", "d"}


def test_an_identity_is_deleted_once_a_request(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    assert numbers(delete(cdf.client, [a_record("a"), a_record("b"), a_record("a")])) == (3, 2, 1, 0)


def test_a_row_without_an_identity_is_rejected(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record("a"), a_record("b")])
    rows = [{"space": SPACE}, a_record("b"), {"space": "system", "externalId": "a"}]
    assert numbers(delete(cdf.client, rows, max_rejected=2)) == (3, 1, 0, 2)
    assert cdf.held().keys() == {"a"}


def test_the_rows_of_a_mapping_are_deleted_whatever_their_values(cdf: LocalCdf) -> None:
    cdf.upsert(STREAM, [a_record(name) for name in "abc"])
    summary = delete(cdf.client, [{"id": "a", "number": "no number"}, {"id": "b"}], mapping=MAPPING)
    assert numbers(summary) == (2, 2, 0, 0)
    assert cdf.held().keys() == {"c"}


@pytest.mark.parametrize("mapping", [None, MAPPING], ids=["API-shaped", "mapping"])
def test_a_rejected_records_file_can_be_deleted(cdf: LocalCdf, tmp_path: Path, mapping: Any) -> None:
    cdf.upsert(STREAM, [a_record("good"), a_record("bad", number=1)])
    rejected = tmp_path / "rejected.ndjson"
    rows = [{"id": "bad", "number": "x"}] if mapping else [a_record("bad", number="x")]
    Load(
        cdf.client,
        UPSERT,
        STREAM,
        RecordsSource(rows),
        mapping=mapping,
        max_rejected=1,
        rejected_path=rejected,
        check_schema=mapping is not None,
    ).run()
    assert rejected.read_text().count("\n") == 1
    summary = Load(cdf.client, DELETE, STREAM, FileSource(rejected), mapping=mapping).run()
    assert (summary.accepted, summary.rejected) == (1, 0)
    assert cdf.held().keys() == {"good"}


@pytest.mark.parametrize(
    ("verb", "words"), [(UPSERT, "do not take upserts"), (DELETE, "do not take deletes")]
)
@pytest.mark.parametrize("check_schema", [True, False])
def test_an_immutable_stream_does_not_take_it(
    cdf: LocalCdf, verb: Any, words: str, check_schema: bool
) -> None:
    load = Load(cdf.client, verb, IMMUTABLE_STREAM, RecordsSource([a_record()]), check_schema=check_schema)
    with pytest.raises(Exception, match=words) as failure:
        load.run()
    assert getattr(failure.value, "retryable", None) is False
    assert isinstance(failure.value, StreamUnusableError) == check_schema


def test_a_row_of_a_rejected_file_without_an_identity_hints_at_the_mapping(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    rejected, again = tmp_path / "rejected.ndjson", tmp_path / "again.ndjson"
    load = Load(
        cdf.client,
        UPSERT,
        STREAM,
        RecordsSource([{"id": "", "number": 1}]),
        mapping=MAPPING,
        max_rejected=1,
        rejected_path=rejected,
    )
    load.run()
    Load(cdf.client, DELETE, STREAM, FileSource(rejected), max_rejected=1, rejected_path=again).run()
    assert "needs that mapping again" in json.loads(again.read_text())["message"]


def test_rejected_rows_are_written_in_the_order_of_the_source(cdf: LocalCdf, tmp_path: Path) -> None:
    cdf.upsert(STREAM, [a_record(str(number)) for number in range(10)])
    rejected = tmp_path / "rejected.ndjson"
    rows = [a_record(str(number)) for number in range(10)]
    ingest(cdf.client, rows, max_rejected=10, rejected_path=rejected)
    positions = [json.loads(line)["position"] for line in rejected.read_text().splitlines()]
    assert positions == list(range(10))
