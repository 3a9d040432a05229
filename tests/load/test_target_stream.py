"""What CDF says of the stream: a full one ends the load, and a warning says when room may run out."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import Load, batches
from airflow_provider_cdf_records.load.target_stream import RoomWarning, TargetStream, Usage, look_at_stream
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of

STREAMS = f"/streams/{STREAM}"
REFUSED = Answer(422, {"error": {"code": 422, "message": "not accepted"}})


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.answer("/token/inspect", Answer(403))
        server.answer(STREAMS, a_stream(room=1000))
        yield server


@pytest.fixture
def client(server: ScriptedServer) -> Iterator[CdfClient]:
    with client_of(server) as client:
        yield client


def a_stream(room: int, stream_type: str = "Mutable") -> Answer:
    limits = {
        "maxRecordsTotal": {"provisioned": 5_000_000, "consumed": 5_000_000 - room},
        "maxGigaBytesTotal": {"provisioned": 15, "consumed": 1.5},
    }
    return Answer(body={"externalId": STREAM, "type": stream_type, "settings": {"limits": limits}})


def rows(count: int) -> list[dict[str, Any]]:
    return [a_record(str(number), number=number) for number in range(count)]


@pytest.mark.parametrize("verb", [UPSERT, INGEST], ids=lambda verb: verb.name)
@pytest.mark.parametrize("check_schema", [True, False])
def test_a_full_stream_ends_the_load_and_rejects_nothing(
    server: ScriptedServer, client: CdfClient, verb: Any, check_schema: bool
) -> None:
    server.answer("/records", REFUSED)
    server.answer("/records/upsert", REFUSED)
    server.answer(STREAMS, a_stream(room=0))
    load = Load(client, verb, STREAM, RecordsSource(rows(3)), check_schema=check_schema, max_rejected=1.0)
    with pytest.raises(LoadFailedError, match="full: it holds 5,000,000 of 5,000,000 records") as failure:
        load.run()
    assert not failure.value.retryable
    assert (load.summary().read, load.summary().rejected, load.summary().unsettled) == (3, 0, 3)


@pytest.mark.parametrize("partial_writes", [False, True])
def test_a_stream_of_the_local_server_that_gets_full_ends_the_load(
    monkeypatch: pytest.MonkeyPatch, partial_writes: bool
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 3)
    with local_cdf(monkeypatch, max_records=10, partial_writes=partial_writes) as cdf:
        with CdfRecordsHook().get_conn() as client:
            load = Load(client, UPSERT, STREAM, RecordsSource(rows(20)), max_rejected=1.0, max_concurrency=1)
            with pytest.raises(LoadFailedError, match="is full: it holds 10 of 10 records"):
                load.run()
        assert load.summary().rejected == 0
        assert load.summary().accepted <= len(cdf.held()) == 10


def test_a_full_stream_still_takes_deletes(server: ScriptedServer, client: CdfClient) -> None:
    server.answer("/records/delete", REFUSED, Answer(202), REFUSED)
    server.answer(STREAMS, a_stream(room=0))
    summary = Load(client, DELETE, STREAM, RecordsSource(rows(2)), max_rejected=1).run()
    assert (summary.accepted, summary.rejected) == (1, 1)


@pytest.mark.parametrize("statuses", [[422], [404, 422]])
def test_the_stream_is_asked_for_once_however_many_parts_are_refused(
    server: ScriptedServer, client: CdfClient, statuses: list[int]
) -> None:
    refusals = [Answer(status, {"error": {"code": status, "message": "no"}}) for status in statuses * 20]
    server.answer("/records/upsert", *refusals)
    load = Load(client, UPSERT, STREAM, RecordsSource(rows(16)), check_schema=False, max_rejected=16)
    assert load.run().rejected == 16
    assert len(server.asked_for(STREAMS)) == 1


def test_a_stream_that_the_load_itself_has_filled_is_noticed(
    server: ScriptedServer, client: CdfClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 2)
    server.answer("/records/upsert", REFUSED, Answer(202), Answer(202), Answer(202), REFUSED)
    server.answer(STREAMS, a_stream(room=3), a_stream(room=0))
    load = Load(
        client, UPSERT, STREAM, RecordsSource(rows(6)), check_schema=False, max_rejected=6, max_concurrency=1
    )
    with pytest.raises(LoadFailedError, match="is full"):
        load.run()
    assert load.summary().rejected == 0


@pytest.mark.parametrize(
    ("room", "count", "warning"),
    [
        (0, 1, "held 5,000,000 of 5,000,000 records and 1.5 of 15 GB when the load began"),
        (
            2,
            3,
            "held 4,999,998 of 5,000,000 records and 1.5 of 15 GB when the load began, and there are 3 rows",
        ),
        (3, 3, None),
    ],
)
@pytest.mark.parametrize("kind", ["list", "generator", "file"])
def test_too_little_room_is_said(
    server: ScriptedServer,
    client: CdfClient,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    room: int,
    count: int,
    warning: str | None,
    kind: str,
) -> None:
    server.answer(STREAMS, a_stream(room))
    server.answer("/containers/byids", Answer(403))
    server.answer("/records/upsert", Answer(202))
    path = tmp_path / "rows.ndjson"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows(count)))
    source: Any = {
        "list": lambda: RecordsSource(rows(count)),
        "generator": lambda: RecordsSource(iter(rows(count))),
        "file": lambda: FileSource(path),
    }[kind]()
    with caplog.at_level(logging.WARNING):
        Load(client, UPSERT, STREAM, source).run()
    said = [line for line in caplog.messages if "may not fit" in line]
    assert len(said) == (warning is not None)
    assert warning is None or warning in said[0]


def test_a_load_that_adds_nothing_needs_no_room(caplog: pytest.LogCaptureFixture) -> None:
    RoomWarning(TargetStream("Mutable", Usage(5, 5)), DELETE, STREAM).check(10)
    assert not caplog.messages


def test_the_local_server_tells_the_room_of_its_streams(cdf: LocalCdf) -> None:
    before = look_at_stream(cdf.client, UPSERT, STREAM)
    cdf.upsert(STREAM, rows(7))
    after = look_at_stream(cdf.client, UPSERT, STREAM)
    assert before.records is not None
    assert after.records is not None
    assert (before.type, after.records.consumed - before.records.consumed) == ("Mutable", 7)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
LIMIT = JSON | st.fixed_dictionaries({"provisioned": JSON, "consumed": JSON})
LIMITS = JSON | st.fixed_dictionaries({}, optional={"maxRecordsTotal": LIMIT, "maxGigaBytesTotal": LIMIT})
SETTINGS = JSON | st.fixed_dictionaries({"limits": LIMITS})


@given(stream=st.fixed_dictionaries({}, optional={"type": JSON, "settings": SETTINGS}))
def test_a_stream_of_any_shape_can_be_read(stream: dict[str, Any]) -> None:
    found = TargetStream.of(stream)
    assert isinstance(found.usage, str)
    assert found.is_full in (True, False)
