"""What is found out before the first record is sent, and before the first row is read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfApiError, CdfClient, RetryPolicy
from airflow_provider_cdf_records.client.config import ClientConfig, StaticToken
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load.preflight import check_token, schema_of
from airflow_provider_cdf_records.mapping.schema import ContainerId
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

INSPECT, BYIDS, UPSERT = "/token/inspect", "/containers/byids", "/records/upsert"
CAPABILITIES = [
    {"streamRecordsAcl": {"actions": ["READ", "WRITE"]}},
    {"dataModelsAcl": {"actions": ["READ"]}, "projectScope": {"projects": ["project"]}},
]
DEFINITION = {
    "space": SPACE,
    "externalId": CONTAINER,
    "usedFor": "record",
    "properties": {"value": {"type": {"type": "float64"}}},
}


def a_mapping(container: str = CONTAINER, **properties: Any) -> dict[str, Any]:
    source = {"space": SPACE, "container": container, "properties": properties or {"value": "reading"}}
    return {"space": SPACE, "external_id": "{id}", "sources": [source]}


class Untouched:
    """Rows that nobody may look at."""

    def __iter__(self) -> Iterator[Any]:
        pytest.fail("the source was read")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A CDF where all is well, until a test says otherwise."""
    with ScriptedServer() as server:
        connection = {
            "conn_type": "cdf",
            "host": server.url,
            "schema": "project",
            "extra": {"token": "token", "max_attempts": 1},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))
        server.answer(INSPECT, inspected())
        server.answer(f"/streams/{STREAM}", Answer(body={"externalId": STREAM, "type": "Mutable"}))
        server.answer(BYIDS, Answer(body={"items": [DEFINITION]}))
        server.answer(UPSERT, Answer())
        yield server


def inspected(capabilities: Any = CAPABILITIES, projects: Any = ("project",)) -> Answer:
    named = [{"projectUrlName": project} for project in projects]
    return Answer(body={"projects": named, "capabilities": capabilities})


def error(status: int, message: str = "no") -> Answer:
    return Answer(status, {"error": {"code": status, "message": message}})


def failure_before_reading(stream_id: str = STREAM, **arguments: Any) -> str:
    """Return why a load fails for good, after checking that no row was read."""
    with pytest.raises(AirflowFailException) as failure:
        CdfRecordsHook().upsert_records(stream_id, Untouched(), **arguments)
    return str(failure.value)


# The stream


@pytest.mark.parametrize("mapping", [None, a_mapping()], ids=["records", "mapping"])
def test_a_missing_stream_ends_the_load(cdf: LocalCdf, mapping: Any) -> None:
    assert "Stream 'nowhere' does not exist" in failure_before_reading("nowhere", mapping=mapping)


@pytest.mark.parametrize("mapping", [None, a_mapping()], ids=["records", "mapping"])
def test_an_immutable_stream_ends_the_load(cdf: LocalCdf, mapping: Any) -> None:
    assert "is immutable" in failure_before_reading(IMMUTABLE_STREAM, mapping=mapping)


def test_a_token_that_may_not_look_at_streams_loads(server: ScriptedServer) -> None:
    server.answer(f"/streams/{STREAM}", error(403))
    CdfRecordsHook().upsert_records(STREAM, [a_record()])
    assert len(server.asked_for(UPSERT)) == 1


# The token


@pytest.mark.parametrize(
    ("capabilities", "missing"),
    [
        (CAPABILITIES[1:], "StreamRecordsAcl:WRITE"),
        ([{"streamRecordsAcl": {"actions": ["READ"]}}, CAPABILITIES[1]], "StreamRecordsAcl:WRITE"),
        (CAPABILITIES[:1], "DataModelsAcl:READ"),
        (
            [CAPABILITIES[0], CAPABILITIES[1] | {"projectScope": {"projects": ["other"]}}],
            "DataModelsAcl:READ",
        ),
    ],
)
def test_a_missing_capability_ends_the_load(server: ScriptedServer, capabilities: Any, missing: str) -> None:
    server.answer(INSPECT, inspected(capabilities))
    assert f"The token has no {missing} in project 'project'" in failure_before_reading()
    assert not server.asked_for(UPSERT)


def test_a_token_of_another_project_ends_the_load(server: ScriptedServer) -> None:
    server.answer(INSPECT, inspected(projects=["a", "b"]))
    message = failure_before_reading()
    assert message.startswith("The token is good, but not for project 'project'; its projects: a, b.")


@pytest.mark.parametrize(
    "answer",
    [
        error(401),
        error(403),
        error(404),
        inspected([]),
        inspected(None),
        inspected({"streamRecordsAcl": {"actions": []}}),
        Answer(body={"projects": [{"projectUrlName": "project"}]}),
        Answer(body={"projects": None, "capabilities": [None]}),
        Answer(body={"projects": ["project"]}),
        Answer(body="null"),
        Answer(body="[1]"),
    ],
)
def test_a_token_of_which_too_little_is_known_loads(
    server: ScriptedServer, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(INSPECT, answer)
    with caplog.at_level(logging.INFO):
        assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).upserted == 1
    assert "Capability StreamRecordsAcl:WRITE of the token: not known." in caplog.text
    assert len(server.asked_for(INSPECT)) == 1


def test_a_token_that_may_write_data_models_loads(server: ScriptedServer) -> None:
    server.answer(INSPECT, inspected([CAPABILITIES[0], {"dataModelsAcl": {"actions": ["WRITE"]}}]))
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).upserted == 1


def test_a_capability_for_all_projects_is_one_for_this(server: ScriptedServer) -> None:
    scoped = [capability | {"projectScope": {"allProjects": {}}} for capability in CAPABILITIES]
    server.answer(INSPECT, inspected(scoped))
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).upserted == 1


PROPERTY = {"type": {"type": "float64"}}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        *((path, body) for path in (INSPECT, f"/streams/{STREAM}", BYIDS) for body in ("<p>Hi", "[]", '"x"')),
        *((BYIDS, json.dumps({"items": items})) for items in (None, {}, [None], ["Alarm"])),
        *(
            (BYIDS, json.dumps({"items": [DEFINITION | changes]}))
            for changes in (
                {"space": 1},
                {"externalId": None},
                {"usedFor": ["record"]},
                {"properties": [PROPERTY]},
                {"properties": {"value": PROPERTY, "other": None}},
                {"properties": {"value": {"type": "float64"}}},
                {"properties": {"value": {"type": {"type": ["float64"]}}}},
                {"properties": {"value": {"type": {"type": "text", "maxTextSize": "long"}}}},
                {"properties": {"value": {"type": {"type": "text", "list": True, "maxListSize": "long"}}}},
                {"properties": {"value": {"type": {"type": "enum", "values": 3}}}},
            )
        ),
    ],
)
@pytest.mark.parametrize("mapping", [None, a_mapping()], ids=["records", "mapping"])
def test_an_answer_of_another_form_is_no_reason_not_to_load(
    server: ScriptedServer, path: str, body: str, mapping: Any
) -> None:
    server.answer(path, Answer(body=body))
    row = a_record() if mapping is None else {"id": "a", "reading": 1.5}
    assert CdfRecordsHook().upsert_records(STREAM, [row], mapping=mapping).upserted == 1


def test_a_container_of_another_form_does_not_hide_those_that_can_be_read(server: ScriptedServer) -> None:
    server.answer(BYIDS, Answer(body={"items": [{"externalId": "Odd"}, DEFINITION]}))
    with client_without_retries(server) as client:
        schema = schema_of(client, [ContainerId(SPACE, CONTAINER), ContainerId(SPACE, "Odd")])
    assert schema.properties(ContainerId(SPACE, CONTAINER)) == DEFINITION["properties"]
    assert schema.problem_with(ContainerId(SPACE, "Odd")) is None


def client_without_retries(server: ScriptedServer) -> CdfClient:
    config = ClientConfig(server.url, "project", StaticToken("token"), retry=RetryPolicy(max_attempts=1))
    return CdfClient(config)


def test_a_failure_that_passes_is_no_reason_to_load_without_a_look(server: ScriptedServer) -> None:
    server.answer(INSPECT, error(503))
    server.answer(BYIDS, error(503))
    with client_without_retries(server) as client:
        with pytest.raises(CdfApiError):
            check_token(client)
        with pytest.raises(CdfApiError):
            schema_of(client, [ContainerId(SPACE, CONTAINER)])


# The containers


def test_a_missing_container_of_a_mapping_ends_the_load(cdf: LocalCdf) -> None:
    message = failure_before_reading(mapping=a_mapping("Gone"))
    assert f"container {SPACE}/Gone does not exist, or this connection may not see it" in message


def test_a_missing_property_of_a_mapping_ends_the_load(cdf: LocalCdf) -> None:
    message = failure_before_reading(mapping=a_mapping(valeu="reading"))
    assert "has no property 'valeu'; it has 'value', 'text', 'time', 'number'." in message


@pytest.mark.parametrize("used_for", ["node", "edge", "all"])
def test_a_container_that_takes_no_records_ends_the_load(cdf: LocalCdf, used_for: str) -> None:
    node = DEFINITION | {"externalId": "Node", "usedFor": used_for}
    cdf.client.post("/models/containers", {"items": [node]})
    message = failure_before_reading(mapping=a_mapping("Node"))
    assert f"container {SPACE}/Node must have usedFor 'record' to take records, got {used_for!r}" in message


def test_a_container_of_which_cdf_does_not_say_what_it_is_for_passes(server: ScriptedServer) -> None:
    definition = {name: value for name, value in DEFINITION.items() if name != "usedFor"}
    server.answer(BYIDS, Answer(body={"items": [definition]}))
    assert CdfRecordsHook().upsert_records(STREAM, [a_record("a")]).upserted == 1


def test_a_mapping_that_cannot_be_meant_ends_the_load(cdf: LocalCdf) -> None:
    assert failure_before_reading(mapping={"space": SPACE}).startswith("mapping: ")


def test_containers_are_asked_for_a_hundred_at_a_time(server: ScriptedServer) -> None:
    with client_without_retries(server) as client:
        schema_of(client, [ContainerId(SPACE, f"C{number}") for number in range(250)])
    assert [len(asked.json["items"]) for asked in server.asked_for(BYIDS)] == [100, 100, 50]


@pytest.mark.parametrize("mapping", [None, a_mapping()], ids=["records", "mapping"])
def test_a_token_that_cannot_see_containers_loads_without_a_look(
    server: ScriptedServer, mapping: Any, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer(BYIDS, error(403, "no access to data models"))
    rows = [a_record("a")] if mapping is None else [{"id": "a", "reading": "not converted"}]
    assert CdfRecordsHook().upsert_records(STREAM, rows, mapping=mapping).upserted == 1
    assert "Loading without checking the containers" in caplog.text
    [sent] = server.asked_for(UPSERT)
    assert sent.json["items"][0]["externalId"] == "a"


def test_records_that_name_an_unknown_container_are_rejected_without_being_sent(
    server: ScriptedServer, tmp_path: Path
) -> None:
    lost = a_record("lost")
    lost["sources"][0]["source"]["externalId"] = "Gone"
    server.answer(BYIDS, Answer(body={"items": [DEFINITION]}), Answer(body={"items": []}))
    rejected = tmp_path / "rejected.ndjson"
    summary = CdfRecordsHook().upsert_records(
        STREAM, [a_record("a"), lost, a_record("b"), lost], max_rejected=2, rejected_path=str(rejected)
    )
    assert (summary.upserted, summary.rejected) == (2, 2)
    sent = [item["externalId"] for asked in server.asked_for(UPSERT) for item in asked.json["items"]]
    assert sent == ["a", "b"]
    lines = [json.loads(line) for line in rejected.read_bytes().splitlines()]
    assert [(line["position"], line["status"]) for line in lines] == [(1, None), (3, None)]
    assert all(f"container {SPACE}/Gone does not exist" in line["message"] for line in lines)


def test_each_container_is_asked_for_once(server: ScriptedServer) -> None:
    CdfRecordsHook().upsert_records(STREAM, (a_record(str(number)) for number in range(3000)))
    assert len(server.asked_for(BYIDS)) == 1


# No look


@pytest.mark.parametrize("mapping", [None, a_mapping()], ids=["records", "mapping"])
def test_nothing_is_asked_when_it_shall_not_be(server: ScriptedServer, mapping: Any) -> None:
    rows = [a_record("a")] if mapping is None else [{"id": "a", "reading": 1.5}]
    CdfRecordsHook().upsert_records(STREAM, rows, mapping=mapping, check_schema=False)
    assert [asked.path.rpartition("/project/")[2] for asked in server.asked] == [
        f"streams/{STREAM}/records/upsert"
    ]
    assert server.asked[0].json["items"] == [a_record("a")]


# A mapped load as a whole


def test_a_mapped_file_arrives_and_what_was_rejected_loads_again(cdf: LocalCdf, tmp_path: Path) -> None:
    path, rejected = tmp_path / "a.csv", tmp_path / "rejected.ndjson"
    path.write_text("id,reading,at\na,1.5,2026-01-02 03:04\nb,high,2026-01-02\nc,-,2026-01-02\nd,3\n")
    properties = {"value": "reading", "time": {"column": "at", "time_zone": "Europe/Oslo"}}
    mapping, options = a_mapping(**properties), {"null_values": ["-"]}
    hook = CdfRecordsHook()
    summary = hook.upsert_file(
        STREAM, path, file_options=options, mapping=mapping, max_rejected=2, rejected_path=rejected
    )
    assert (summary.read, summary.upserted, summary.rejected) == (4, 2, 2)
    assert cdf.held() == {
        "a": {"value": 1.5, "time": "2026-01-02T02:04:00.000Z"},
        "c": {"time": "2026-01-01T23:00:00.000Z"},
    }
    lines = sorted(map(json.loads, rejected.read_bytes().splitlines()), key=lambda line: line["position"])
    assert [(line["where"], line["message"]) for line in lines] == [
        (f"row 2 of {path}", f"column 'reading' -> {SPACE}/{CONTAINER}.value: expected float64, got 'high'"),
        (
            f"row 4 of {path}",
            "must have 3 values, as the header has, got 2 (line 5); to load the row again, correct it, and "
            "remove its key 'columns without a value'",
        ),
    ]

    corrected = rejected.read_text().replace('"reading":"high"', '"reading":"2.5"')
    assert corrected != rejected.read_text()
    (tmp_path / "again.ndjson").write_text(corrected)
    with pytest.raises(AirflowFailException, match="still has 'columns without a value': correct the row"):
        hook.upsert_file(STREAM, tmp_path / "again.ndjson", mapping=mapping)
    corrected = corrected.replace(',"columns without a value":["at"]', "")
    (tmp_path / "again.ndjson").write_text(corrected)
    assert hook.upsert_file(STREAM, tmp_path / "again.ndjson", mapping=mapping).upserted == 2
    assert {name: held.get("value") for name, held in cdf.held().items()} == {
        "a": 1.5,
        "b": 2.5,
        "c": None,
        "d": 3,
    }


def test_rejected_rows_of_python_values_make_the_same_records_again(cdf: LocalCdf, tmp_path: Path) -> None:
    moments = [datetime(2026, 7, 1, 12, 0, 0, 123456), datetime(2026, 7, 1, 12, tzinfo=timezone.utc)]
    numbers = [Decimal("123456789012345678.25"), Decimal("123456789012345678.50"), Decimal("1.10")]
    rows = [{"at": at, "number": number, "reading": 1.5} for at in moments for number in numbers]
    mapping = a_mapping(value="reading", time={"column": "at", "time_zone": "Europe/Oslo"})
    mapping["external_id"] = "{number}/{at}"
    rejected, again = tmp_path / "rejected.ndjson", tmp_path / "again.ndjson"
    CdfRecordsHook().upsert_records(
        STREAM,
        [row | {"reading": "x"} for row in rows],
        mapping=mapping,
        max_rejected=1.0,
        rejected_path=rejected,
    )
    assert not cdf.held()
    again.write_text(rejected.read_text().replace('"reading":"x"', '"reading":1.5'))
    CdfRecordsHook().upsert_file(STREAM, again, mapping=mapping)
    loaded_again = cdf.held()
    CdfRecordsHook().upsert_records(STREAM, rows, mapping=mapping)
    assert cdf.held() == loaded_again
    assert len(loaded_again) == len(rows)
    assert loaded_again["1.10/2026-07-01T12:00:00.123456"] == {
        "value": 1.5,
        "time": "2026-07-01T10:00:00.123Z",
    }


def test_a_text_that_stands_for_nan_is_not_stored_when_a_rejected_row_is_loaded_again(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    rows = [{"id": "a", "note": float("nan"), "reading": "x"}, {"id": "b", "note": b"\xff", "reading": "x"}]
    rejected, again = tmp_path / "rejected.ndjson", tmp_path / "again.ndjson"
    mapping = a_mapping(value="reading", text="note")
    hook = CdfRecordsHook()
    hook.upsert_records(STREAM, rows, mapping=mapping, max_rejected=2, rejected_path=rejected)
    again.write_text(rejected.read_text().replace('"reading":"x"', '"reading":1.5'))
    assert hook.upsert_file(STREAM, again, mapping=mapping, max_rejected=2).rejected == 2
    nulled = mapping | {"nan": "null"}
    assert hook.upsert_file(STREAM, again, mapping=nulled, max_rejected=2).rejected == 1
    assert cdf.held() == {"a": {"value": 1.5}}


def test_what_the_server_refuses_of_a_mapped_file_is_kept_as_it_was_read(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path, rejected = tmp_path / "a.csv", tmp_path / "rejected.ndjson"
    path.write_text("id,reading\na,1\nb,x\nc,\n")
    arguments: dict[str, Any] = {"mapping": a_mapping(), "check_schema": False, "max_rejected": 3}
    CdfRecordsHook().upsert_file(STREAM, path, rejected_path=rejected, **arguments)
    lines = sorted(map(json.loads, rejected.read_bytes().splitlines()), key=lambda line: line["position"])
    assert [(line["record"], line["status"]) for line in lines] == [
        ({"id": "a", "reading": "1"}, 400),
        ({"id": "b", "reading": "x"}, 400),
    ]
    assert CdfRecordsHook().upsert_file(STREAM, rejected, mapping=a_mapping(), max_rejected=1).upserted == 1
    assert cdf.held()["a"] == {"value": 1}


def test_wrong_credentials_fail_before_the_source_is_read(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = json.loads(cdf.server.connection_json()) | {"password": "not-the-secret"}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
    with pytest.raises(AirflowFailException, match=r"is wrong \(.*\)\. The identity provider gave no token"):
        CdfRecordsHook().upsert_records(STREAM, Untouched())
