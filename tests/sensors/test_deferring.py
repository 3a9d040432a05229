"""What a sensor hands to its trigger, and how it goes on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_provider_cdf_records.sensors import base
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor, CdfStreamSensor
from airflow_provider_cdf_records.version_compat import (
    AIRFLOW_3,
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow_provider_cdf_records.waiting import StreamExists
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM
from tests.sensors.modes import built_anew, deferral_of, event_of, run

PROPERTY = [SPACE, CONTAINER, "text"]
TIMED_OUT = {"error": "Trigger timeout" if AIRFLOW_3 else "Trigger/execution timeout"}


def deferred_sensor(**arguments: Any) -> CdfStreamSensor:
    return CdfStreamSensor(task_id="wait", deferrable=True, **{"stream_id": "later", **arguments})


def test_the_trigger_gets_read_arguments_and_no_templates(cdf: LocalCdf) -> None:
    moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
    sensor = CdfRecordsSensor(
        task_id="wait",
        stream_id="{{ stream }}",
        min_count="{{ count }}",
        filter={"prefix": {"property": PROPERTY, "value": "{{ 1 + 1 }}"}},
        last_updated_time={"gte": moment, "lt": "{{ '2027-01-01' }}"},
        cdf_conn_id="{{ conn }}",
        deferrable="{{ 'true' }}",
        poke_interval=timedelta(minutes=2),
        timeout=timedelta(hours=1),
        exponential_backoff=True,
        max_wait=timedelta(minutes=10),
    )
    sensor.render_template_fields({"stream": STREAM, "count": 7, "conn": "cdf_default"})
    deferral = deferral_of(sensor)
    path, arguments = deferral.trigger.serialize()
    assert path == "airflow_provider_cdf_records.triggers.cdf_records.CdfRecordsTrigger"
    started_at = arguments["started_at"]
    assert arguments == {
        "stream_id": STREAM,
        "probes": None,
        "written": 0,
        "min_count": 7,
        "filter": {"prefix": {"property": PROPERTY, "value": "2"}},
        "last_updated_time": {"gte": 1767225600000, "lt": 1798761600000},
        "cdf_conn_id": "cdf_default",
        "poke_interval": 120.0,
        "started_at": started_at,
        "not_before": arguments["not_before"],
        "deadline": started_at + 3600,
        "exponential_backoff": True,
        "max_wait": 600.0,
        "silent_fail": False,
    }
    assert timedelta(hours=1) < deferral.timeout < timedelta(hours=2), "time for the trigger to end the wait"


@pytest.mark.parametrize(
    ("configured", "argument", "defers"),
    [("True", None, True), ("True", False, False), ("False", None, False), ("False", True, True)],
)
def test_airflow_can_be_configured_to_defer(
    configured: str, argument: Any, defers: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE", configured)
    assert CdfStreamSensor(task_id="wait", stream_id=STREAM, deferrable=argument).deferrable is defers
    assert CdfRecordsSensor(task_id="wait", stream_id=STREAM, deferrable=argument).deferrable is defers


def test_a_poke_outside_of_a_task_does_not_defer(cdf: LocalCdf) -> None:
    assert not deferred_sensor().poke({})


def test_an_error_of_an_unknown_kind_that_is_waited_out_holds_no_worker(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_: Any) -> None:
        msg = "a bug"
        raise RuntimeError(msg)

    monkeypatch.setattr(StreamExists, "look", look)
    assert deferral_of(deferred_sensor(silent_fail=True)).trigger.silent_fail
    with pytest.raises(RuntimeError, match="a bug"):
        run(deferred_sensor())


@pytest.mark.parametrize(
    ("soft_fail", "expected"), [(False, AirflowSensorTimeout), (True, AirflowSkipException)]
)
def test_a_triggerer_that_is_down_for_too_long_is_a_timeout(soft_fail: bool, expected: Any) -> None:
    with pytest.raises(expected, match="no triggerer has ended the wait"):
        deferred_sensor(soft_fail=soft_fail).resume_execution("__fail__", TIMED_OUT, {})


def test_an_execution_timeout_is_no_timeout_of_the_sensor() -> None:
    sensor = deferred_sensor(execution_timeout=timedelta(seconds=5))
    with pytest.raises(AirflowException) as caught:
        sensor.resume_execution("__fail__", TIMED_OUT, {})
    assert isinstance(caught.value, AirflowSensorTimeout) is AIRFLOW_3, "Airflow 3 ends no deferral by it"


def test_a_trigger_that_breaks_is_worth_a_retry() -> None:
    with pytest.raises(AirflowException) as caught:
        deferred_sensor().resume_execution("__fail__", {"error": "Trigger failure"}, {})
    assert not isinstance(caught.value, AirflowFailException | AirflowSensorTimeout)


def test_a_dag_that_defers_loads_no_trigger_when_it_is_parsed() -> None:
    code = (
        "import sys\n"
        "from airflow_provider_cdf_records.sensors.cdf_records import CdfStreamSensor\n"
        "CdfStreamSensor(task_id='wait', stream_id='alarms', deferrable=True)\n"
        "print([name for name in sys.modules if name.startswith('airflow_provider_cdf_records.')"
        " and ('.triggers' in name or '.client' in name or '.hooks' in name)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_trigger_fires_only_when_airflow_has_noted_that_the_task_waits(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "NOTED_WITHIN", 0.5)
    before = time.time()
    deferral = deferral_of(
        CdfStreamSensor(task_id="wait", stream_id="later", poke_interval=0.01, deferrable=True)
    )
    cdf.client.create_stream("later", "BasicLiveData")
    assert asyncio.run(event_of(built_anew(deferral.trigger)))["status"] == "holds"
    assert time.time() >= before + 0.5
