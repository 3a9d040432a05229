from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_cdf_records.client import ClientConfig, StaticToken
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    PokeReturnValue,
)
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer


def stream_sensor(stream_id: str = STREAM, **arguments: Any) -> CdfStreamSensor:
    return CdfStreamSensor(task_id="wait", stream_id=stream_id, **arguments)


def records_sensor(stream_id: str = STREAM, **arguments: Any) -> CdfRecordsSensor:
    return CdfRecordsSensor(task_id="wait", stream_id=stream_id, **arguments)


def test_a_stream_that_exists_ends_the_wait(cdf: LocalCdf) -> None:
    assert stream_sensor().poke({})


def test_a_stream_that_does_not_exist_is_waited_for(cdf: LocalCdf) -> None:
    sensor = stream_sensor("later")
    assert not sensor.poke({})
    cdf.client.create_stream("later", "BasicLiveData")
    assert sensor.poke({})


def test_a_stream_of_the_other_type_fails_for_good(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowFailException, match="must be of type Mutable, got Immutable"):
        stream_sensor(IMMUTABLE_STREAM).poke({})


@pytest.mark.parametrize("stream_type", ["Immutable", None])
def test_another_type_may_be_wanted(cdf: LocalCdf, stream_type: Any) -> None:
    assert stream_sensor(IMMUTABLE_STREAM, stream_type=stream_type).poke({})


def test_an_unknown_type_is_refused_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match=r"stream_type must be .*, got 'mutable'"):
        stream_sensor(stream_type="mutable")


def test_records_are_waited_for_until_there_are_enough(cdf: LocalCdf) -> None:
    sensor = records_sensor(min_count="2")
    CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
    assert not sensor.poke({})
    CdfRecordsHook().upsert_records(STREAM, [a_record("b")])
    assert sensor.poke({})


def test_only_records_that_match_count(cdf: LocalCdf) -> None:
    CdfRecordsHook().upsert_records(STREAM, [a_record("a", text="x"), a_record("b", text="y")])
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}
    assert records_sensor(filter=x).poke({})
    assert not records_sensor(filter=x, min_count=2).poke({})


def test_only_records_of_the_time_count(cdf: LocalCdf) -> None:
    CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
    assert records_sensor(last_updated_time={"gte": "2026-01-01T00:00:00Z"}).poke({})
    assert not records_sensor(last_updated_time={"gte": "2999-01-01T00:00:00Z"}).poke({})


def test_records_that_are_not_visible_yet_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, visibility_delay=60, clock=Clock(stopped=True)) as cdf:

        class Sensor(CdfRecordsSensor):
            """Has half a minute pass after each look."""

            def poke(self, context: Any) -> PokeReturnValue:
                looks.append(bool(super().poke(context)))
                cdf.server.clock.advance(30)
                return PokeReturnValue(looks[-1])

        looks: list[bool] = []
        CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
        Sensor(task_id="wait", stream_id=STREAM, poke_interval=0.01).execute({})
        assert looks == [False, False, True]


def test_a_wait_that_is_too_long_times_out(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowException, match="timed out"):
        records_sensor(poke_interval=0.1, timeout=0.3).execute({})


@pytest.mark.parametrize(
    ("sensor", "message"),
    [
        (lambda: records_sensor("nowhere"), "Stream 'nowhere' does not exist"),
        (lambda: records_sensor(filter={"like": {}}), "not a filter of records"),
        (lambda: records_sensor(IMMUTABLE_STREAM), "immutable streams need a lower bound"),
    ],
)
def test_a_wait_that_can_never_end_fails_for_good(cdf: LocalCdf, sensor: Any, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message):
        sensor().poke({})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stream_id": "Not a stream"}, "stream_id must be 1-100"),
        ({"min_count": "many"}, "min_count must be a whole number, at least 0, got 'many'"),
        ({"filter": ["a"]}, "filter must be a dict, or JSON text of one, got list"),
        ({"last_updated_time": "yesterday"}, "last_updated_time is a text that is not JSON"),
        ({"cdf_conn_id": 7}, "cdf_conn_id must be the id of an Airflow connection, got 7"),
    ],
    ids=str,
)
def test_what_makes_no_sense_fails_when_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        records_sensor(**arguments)


def cdf_is_at(monkeypatch: pytest.MonkeyPatch, host: str, **extra: Any) -> None:
    fields = {"conn_type": "cdf", "host": host, "schema": "p", "extra": {"token": "t", **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))


def test_a_cdf_that_cannot_be_reached_is_waited_for_by_the_sensor_and_not_by_the_client(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cdf_is_at(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(AirflowException, match="timed out"):
        stream_sensor(poke_interval=0.01, timeout=0.01).execute({})
    assert "attempt 1 of 2" in caplog.text
    assert "attempt 2" not in caplog.text


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_cdf_that_is_busy_is_waited_for(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with ScriptedServer() as server:
        cdf_is_at(monkeypatch, server.url)
        server.answer(
            f"/streams/{STREAM}",
            Answer(status, headers={"Retry-After": "60"}),
            Answer(body={"type": "Mutable"}),
        )
        sensor = stream_sensor()
        assert not sensor.poke({}), "a pause that CDF asks for is left to the sensor"
        assert sensor.poke({})


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_cdf_that_refuses_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    with ScriptedServer() as server:
        cdf_is_at(monkeypatch, server.url)
        server.answer(f"/streams/{STREAM}", Answer(status, {"error": {"message": "not you"}}))
        with pytest.raises(AirflowFailException, match="not you"):
            stream_sensor().poke({})
        with pytest.raises(AirflowSkipException):
            stream_sensor(soft_fail=True).execute({})
        with pytest.raises(AirflowSkipException):
            stream_sensor(never_fail=True).execute({})


@pytest.mark.parametrize(("timeout", "seconds"), [(8, 4.0), (1, 2.0), (86_400, 15.0)])
def test_a_poke_waits_for_less_than_the_sensor(
    monkeypatch: pytest.MonkeyPatch, timeout: float, seconds: float
) -> None:
    config = ClientConfig("http://127.0.0.1:9", "p", StaticToken("t")).with_patience(seconds)
    assert (config.timeout, config.retry.max_attempts) == (seconds, 2)
    given: list[float | None] = []

    def get_conn(_: CdfRecordsHook, *, patience: float | None = None) -> None:
        given.append(patience)

    monkeypatch.setattr(CdfRecordsHook, "get_conn", get_conn)
    assert stream_sensor(timeout=timeout).client is None
    assert given == [seconds]


@pytest.mark.parametrize(
    "text", ["{{ start }}", "{{ start.isoformat() }}", "{{ (start.timestamp() * 1000) | int }}"]
)
def test_bounds_of_time_are_taken_as_templates_give_them(cdf: LocalCdf, text: str) -> None:
    start = datetime(2026, 1, 1, microsecond=500, tzinfo=timezone(timedelta(hours=2)))
    sensor = records_sensor(last_updated_time={"gte": text})
    sensor.render_template_fields({"start": start})
    assert not sensor.poke({})
    CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
    assert sensor.poke({})


def test_bounds_of_time_that_make_no_sense_fail_for_good(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowFailException, match=r"gte must be a datetime, ISO 8601, or .*, got 'None'"):
        records_sensor(last_updated_time={"gte": "None"}).poke({})


def test_the_modes_of_airflow_are_taken() -> None:
    sensor = records_sensor(mode="reschedule", poke_interval=30, timeout=timedelta(hours=1).total_seconds())
    assert sensor.reschedule
