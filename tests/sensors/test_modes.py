"""However a sensor waits, it ends alike."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.sensors.base import CdfSensor
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.triggers.base import CdfTrigger
from airflow_provider_cdf_records.version_compat import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_cdf_records.waiting import Finding, StreamExists
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.sensors.modes import in_each_mode, lose_connection_at_first, wait

NO_STREAM = Answer(404, {"error": {"code": 404, "message": "none"}})
SOON = 0.01


def stream_sensor(**arguments: Any) -> CdfStreamSensor:
    settings = {"task_id": "wait", "stream_id": STREAM, "poke_interval": SOON, **arguments}
    return CdfStreamSensor(**settings)


def records_sensor(**arguments: Any) -> CdfRecordsSensor:
    settings = {"task_id": "wait", "stream_id": STREAM, "poke_interval": SOON, **arguments}
    return CdfRecordsSensor(**settings)


def load_sensor(**arguments: Any) -> CdfRecordsSensor:
    return CdfRecordsSensor(task_id="wait", poke_interval=SOON, **arguments)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": {"token": "t"}}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        yield server


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What sensors and triggers have logged so far."""
    log = logging.getLogger("looks")
    for each in (CdfSensor, CdfTrigger):
        monkeypatch.setattr(each, "log", log, raising=False)  # where Airflow's logs go is its own affair
    caplog.set_level(logging.INFO, "looks")
    return lambda: [
        record.getMessage()
        for record in caplog.records
        if record.name == "looks" and "called outside" not in record.msg
    ]


@in_each_mode
def test_a_wait_ends_with_the_number_of_records(
    mode: str, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    with local_cdf(monkeypatch, visibility_delay=60, clock=Clock(stopped=True)) as cdf:
        count = CdfClient.count_records

        def count_and_wait(self: CdfClient, *arguments: Any, **more: Any) -> int:
            found = count(self, *arguments, **more)
            cdf.server.clock.advance(25)
            return found

        monkeypatch.setattr(CdfClient, "count_records", count_and_wait)
        cdf.upsert(STREAM, [a_record("a"), a_record("b")])
        assert wait(records_sensor, mode, min_count=2) == 2
    none = "0 of 2 records can be queried."
    assert lines() == [none, none, none, "2 of 2 records can be queried.", "Success criteria met. Exiting."]


@in_each_mode
def test_a_wait_for_a_load_ends_when_all_of_it_can_be_queried(
    mode: str, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    with local_cdf(monkeypatch, visibility_delay=60, clock=Clock(stopped=True)) as cdf:
        filter_records = CdfClient.filter_records

        def filter_and_wait(self: CdfClient, *arguments: Any, **more: Any) -> Any:
            found = filter_records(self, *arguments, **more)
            cdf.server.clock.advance(25)
            return found

        monkeypatch.setattr(CdfClient, "filter_records", filter_and_wait)
        summary = CdfRecordsHook().upsert_records(STREAM, [a_record("a"), a_record("b"), a_record("a")])
        assert wait(load_sensor, mode, load=[summary.as_dict()]) == 2
    assert [line.startswith("Not all of 2 records") for line in lines()] == [True] * 3 + [False] * 2
    assert lines()[-2:] == [
        "All of 2 records that were loaded can be queried, or were changed since.",
        "Success criteria met. Exiting.",
    ]


@in_each_mode
def test_what_holds_already_is_not_waited_for(
    mode: str, cdf: LocalCdf, lines: Callable[[], list[str]]
) -> None:
    assert wait(stream_sensor, mode) is None
    assert lines() == [f"Stream {STREAM} exists and is of type Mutable.", "Success criteria met. Exiting."]


@in_each_mode
@pytest.mark.parametrize(
    ("arguments", "expected", "message"),
    [
        ({}, AirflowSensorTimeout, r"run duration of [\d.]+ seconds exceeds the specified timeout of 0.05"),
        ({"soft_fail": True}, AirflowSkipException, "exceeds the specified timeout of 0.05"),
        ({"never_fail": True}, AirflowSensorTimeout, "exceeds the specified timeout of 0.05"),
        ({"timeout": timedelta(milliseconds=50)}, AirflowSensorTimeout, "timeout of 0.05"),
        ({"timeout": 0}, AirflowSensorTimeout, "timeout of 0"),
        ({"exponential_backoff": True, "max_wait": SOON}, AirflowSensorTimeout, "timeout of 0.05"),
        ({"poke_interval": timedelta(milliseconds=60)}, AirflowSensorTimeout, "timeout of 0.05"),
    ],
    ids=str,
)
def test_a_wait_that_is_too_long_times_out(
    mode: str, arguments: dict[str, Any], expected: Any, message: str, cdf: LocalCdf
) -> None:
    with pytest.raises(expected, match=message) as caught:
        wait(stream_sensor, mode, **{"stream_id": "never", "timeout": 0.05, **arguments})
    assert type(caught.value) is expected


@in_each_mode
@pytest.mark.parametrize(
    ("fails", "message"),
    [
        (Answer(401, {"error": {"code": 401, "message": "not you"}}), "CDF refuses the access token"),
        (Answer(403, {"error": {"code": 403, "message": "not you"}}), "not you"),
        (Answer(body={"type": "Immutable"}), "must be of type Mutable, got Immutable"),
    ],
    ids=["401", "403", "wrong type"],
)
def test_what_no_wait_can_mend_fails_for_good(
    mode: str, fails: Answer, message: str, scripted: ScriptedServer
) -> None:
    for more, expected, text in (
        ({}, AirflowFailException, message),
        ({"soft_fail": True}, AirflowSkipException, "Skipping due to soft_fail is set to True."),
        ({"never_fail": True}, AirflowSkipException, "Skipping due to never_fail is set to True."),
        ({"silent_fail": True}, AirflowFailException, message),
    ):
        scripted.answer(f"/streams/{STREAM}", NO_STREAM, NO_STREAM, fails)
        with pytest.raises(expected, match=text) as caught:
            wait(stream_sensor, mode, **more)
        assert type(caught.value) is expected


@in_each_mode
def test_an_identity_provider_that_refuses_fails_for_good(
    mode: str, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {
        "conn_type": "cdf",
        "host": scripted.url,
        "schema": "p",
        "login": "app",
        "password": "s3cret-of-app",
        "extra": {"token_url": f"{scripted.url}/token"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
    scripted.answer("/token", Answer(401, {"error": "invalid_client"}))
    with pytest.raises(AirflowFailException, match="identity provider gave no token") as caught:
        wait(stream_sensor, mode)
    assert "s3cret" not in str(caught.value)


@in_each_mode
def test_what_may_pass_is_waited_for(
    mode: str, scripted: ScriptedServer, lines: Callable[[], list[str]]
) -> None:
    retried = Answer(503, {"error": {"code": 503, "message": "busy"}}, headers={"Retry-After": "60"})
    scripted.answer(f"/streams/{STREAM}", NO_STREAM, retried, retried, Answer(body={"type": "Mutable"}))
    assert wait(stream_sensor, mode) is None
    found = lines()
    assert found[0] == f"Stream {STREAM} does not exist yet."
    assert [line.partition(":")[0] for line in found[1:3]] == ["Not known yet"] * 2
    assert found[3:] == [f"Stream {STREAM} exists and is of type Mutable.", "Success criteria met. Exiting."]


@in_each_mode
def test_a_connection_that_cannot_be_looked_up_now_is_waited_for(
    mode: str, cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, lines: Callable[[], list[str]]
) -> None:
    lose_connection_at_first(monkeypatch)
    assert wait(stream_sensor, mode) is None
    assert lines()[:2] == ["Not known yet: cannot be looked up now"] * 2


@pytest.fixture
def breaks_once(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make the second look from now on fail by a bug, and the third one succeed."""

    def set_up() -> None:
        looks: Iterator[Any] = iter(
            [Finding(False, "not yet"), RuntimeError("a bug"), Finding(True, "there", "found")]
        )

        def look(*_: Any) -> Finding:
            if isinstance(found := next(looks), Exception):
                raise found
            return found

        monkeypatch.setattr(StreamExists, "look", look)

    return set_up


@in_each_mode
def test_an_error_of_an_unknown_kind_is_worth_a_retry(mode: str, breaks_once: Callable[[], None]) -> None:
    for more in ({}, {"soft_fail": True}):
        breaks_once()
        with pytest.raises(Exception, match="a bug") as caught:
            wait(stream_sensor, mode, **more)
        assert not isinstance(caught.value, AirflowSkipException | AirflowFailException)
    breaks_once()
    with pytest.raises(AirflowSkipException, match="never_fail"):
        wait(stream_sensor, mode, never_fail=True)


@in_each_mode
def test_an_error_of_an_unknown_kind_can_be_waited_out(mode: str, breaks_once: Callable[[], None]) -> None:
    breaks_once()
    assert wait(stream_sensor, mode, silent_fail=True) == "found"
