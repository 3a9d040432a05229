"""What Airflow and the task log get of a failure."""

from __future__ import annotations

import gzip
import json
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.failures import airflow_failures
from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    LoadFailedError,
    LoadStoppedError,
    SourceError,
)
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, REFUSED_BY_CDF, SPACE, STREAM, a_record


def failure_of(raise_error: Callable[[], Any]) -> BaseException:
    with pytest.raises(AirflowException) as failure, airflow_failures():
        raise_error()
    return failure.value


def raising(error: Exception, cause: Exception | None = None) -> Callable[[], None]:
    def raise_error() -> None:
        raise error from cause

    return raise_error


def shown(failure: BaseException) -> str:
    return "".join(traceback.format_exception(failure, limit=0))  # without the lines of this file


def test_only_what_can_succeed_is_worth_a_retry() -> None:
    assert isinstance(failure_of(raising(SourceError("no"))), AirflowFailException)
    assert not isinstance(failure_of(raising(LoadStoppedError())), AirflowFailException)


def test_errors_of_ours_are_shown_once() -> None:
    inner = InvalidArgumentError("no column 'tag'")
    failure = failure_of(raising(LoadFailedError("no column 'tag'. Nothing", retryable=False), inner))
    assert failure.__cause__ is None
    assert shown(failure).count("no column 'tag'") == 1


def test_the_errors_of_other_libraries_below_ours_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    away = {"conn_type": "cdf", "host": "http://127.0.0.1:9", "schema": "p"}
    away["extra"] = json.dumps({"token": "t", "max_attempts": 1})
    monkeypatch.setenv("AIRFLOW_CONN_AWAY", json.dumps(away))
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(away))
    for load, words in (
        (lambda hook: hook.upsert_records(STREAM, [a_record()]), "Connection refused"),
        (
            lambda hook: hook.upsert_file(STREAM, "http://127.0.0.1:9/a.ndjson", check_schema=False),
            "a.ndjson cannot be accessed",
        ),
    ):
        with pytest.raises(AirflowException, match=words) as failure:
            load(CdfRecordsHook())
        assert not isinstance(failure.value, AirflowFailException)
        assert len(traceback.format_exception(failure.value, limit=0)) == 1


def test_an_error_of_others_passes_as_it_is() -> None:
    error = KeyError("in the code of a user")
    with pytest.raises(KeyError) as failure, airflow_failures():
        raise error
    assert failure.value is error


def test_what_led_to_a_failure_is_in_the_debug_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        failure_of(raising(SourceError("no"), OSError("the disk is gone")))
    assert "SourceError: no" in caplog.text
    assert "the disk is gone" in caplog.text


def a_mapping(column: str) -> dict[str, Any]:
    source = {"space": SPACE, "container": CONTAINER, "properties": {"value": column}}
    return {"space": SPACE, "external_id": "{id}", "sources": [source]}


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        (
            lambda hook, folder: hook.upsert_file(STREAM, folder / "a.csv", mapping=a_mapping("level")),
            "on have no column 'level'; they have 'id', 'reading'.",
        ),
        (lambda hook, folder: hook.upsert_file(STREAM, folder / "b.csv"), "b.csv does not exist"),
        (lambda hook, folder: hook.upsert_file(STREAM, folder / "c.csv.gz"), "c.csv.gz is cut short"),
        (lambda hook, _: hook.upsert_records("nowhere", [a_record()]), "Stream 'nowhere' does not exist"),
        (
            lambda hook, _: hook.upsert_records(STREAM, [a_record(number="x")]),
            "number: expected int64, got 'x'",
        ),
        (
            lambda hook, _: hook.upsert_records(STREAM, [a_record(time=REFUSED_BY_CDF)]),
            "time: expected a timestamp",
        ),
        (lambda hook, _: hook.upsert_records("Alarms", []), "stream_id must be "),
        (lambda hook, _: hook.create_stream("live", ""), "template must be the name of a stream template"),
        (lambda hook, _: list(hook.query_records("nowhere")), "Stream 'nowhere' does not exist"),
        (
            lambda *_: CdfRecordsSensor(task_id="wait", stream_id="nowhere").poke({}),
            "'nowhere' does not exist",
        ),
    ],
)
def test_a_failure_that_is_expected_shows_its_message_once(
    cdf: LocalCdf, tmp_path: Path, fail: Any, message: str
) -> None:
    (tmp_path / "a.csv").write_text("id,reading\na,1.5\n")
    (tmp_path / "c.csv.gz").write_bytes(gzip.compress(b"id\n" * 9)[:-9])
    with pytest.raises(AirflowFailException) as failure:
        fail(CdfRecordsHook(), tmp_path)
    assert shown(failure.value).count(message) == 1
    assert "above exception" not in shown(failure.value)
