"""Connections that are not there, cannot be looked up, or are of another type."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from airflow.secrets import BaseSecretsBackend

from airflow_provider_cdf_records.client import CdfAuthError
from airflow_provider_cdf_records.hooks.azure import AzureTokens
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError, find_connection
from airflow_provider_cdf_records.sensors.cdf_records import CdfStreamSensor
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    BaseHook,
)
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record


class BackendThatIsDown(BaseSecretsBackend):
    """A secrets backend that cannot be reached."""

    def get_connection(self, conn_id: str, **_: Any) -> None:
        msg = f"https://user:a-password@vault/{conn_id} does not answer"
        raise ConnectionError(msg)


@pytest.fixture
def without_secrets_backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have Airflow look for connections in a backend that is down, and then elsewhere."""
    monkeypatch.setenv("AIRFLOW__SECRETS__BACKEND", f"{__name__}.{BackendThatIsDown.__name__}")
    yield
    with suppress(ImportError):  # Airflow 3.3 keeps backends for as long as the process lasts
        from airflow.sdk.configuration import clear_secrets_backends_cache

        clear_secrets_backends_cache()


pytestmark = pytest.mark.usefixtures("empty_metadata_database")

LOADS: dict[str, Callable[[CdfRecordsHook], Any]] = {
    "path": lambda hook: hook.upsert_file(STREAM, "s3://nowhere@bucket/a.ndjson"),
    "rejected_path": lambda hook: hook.upsert_records(
        STREAM, [a_record()], rejected_path="s3://nowhere@b/r.ndjson"
    ),
    "conn_id": lambda hook: hook.upsert_query(STREAM, "SELECT 1", conn_id="nowhere"),
    "cdf_conn_id": lambda _: CdfRecordsHook("nowhere").upsert_records(STREAM, []),
}


@pytest.mark.parametrize("argument", LOADS)
def test_a_connection_that_does_not_exist_is_final_and_named(cdf: LocalCdf, argument: str) -> None:
    with pytest.raises(
        AirflowFailException, match=f"^{argument}: there is no connection 'nowhere'; create one"
    ):
        LOADS[argument](CdfRecordsHook())


@pytest.mark.usefixtures("without_secrets_backend")
@pytest.mark.parametrize("argument", LOADS)
def test_a_secrets_backend_that_is_down_is_worth_a_retry(cdf: LocalCdf, argument: str) -> None:
    words = f"^{argument}: connection 'nowhere' cannot be looked up now: ConnectionError from"
    with pytest.raises(AirflowException, match=words) as failure:
        LOADS[argument](CdfRecordsHook())
    assert not isinstance(failure.value, AirflowFailException)
    assert "a-password" not in str(failure.value)


def test_a_password_in_place_of_a_connection_is_not_shown(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowFailException, match="it holds a user and a password") as failure:
        CdfRecordsHook().upsert_file(STREAM, "s3://user:a-password@bucket/a.ndjson")
    assert "a-password" not in str(failure.value)


@pytest.mark.usefixtures("without_secrets_backend")
def test_a_sensor_waits_for_a_secrets_backend_that_is_down() -> None:
    assert not CdfStreamSensor(task_id="wait", stream_id=STREAM, cdf_conn_id="nowhere").poke({})


def test_a_sensor_does_not_wait_for_a_connection_that_does_not_exist() -> None:
    with pytest.raises(
        AirflowFailException, match="there is no connection 'nowhere'; create one of type cdf"
    ):
        CdfStreamSensor(task_id="wait", stream_id=STREAM, cdf_conn_id="nowhere").poke({})


@pytest.mark.usefixtures("without_secrets_backend")
def test_tokens_wait_for_a_secrets_backend_that_is_down() -> None:
    with pytest.raises(CdfAuthError, match="cannot be looked up now") as failure:
        AzureTokens("nowhere", "scope")()
    assert failure.value.retryable


def test_a_connection_of_another_type_is_named_with_both_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_X", "postgres://u:p@localhost/db")
    words = "Connection 'x' is of type postgres; cdf_conn_id needs one of type cdf."
    with pytest.raises(AirflowFailException, match=words):
        CdfRecordsHook("x").upsert_records(STREAM, [])
    assert CdfRecordsHook("x").test_connection() == (False, words)


@pytest.mark.parametrize("conn_type", ["", "generic"])
def test_a_connection_without_a_type_is_taken(monkeypatch: pytest.MonkeyPatch, conn_type: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_X", json.dumps({"conn_type": conn_type, "host": "h", "schema": "p"}))
    assert find_connection("x", "cdf_conn_id", "cdf").schema == "p"


@pytest.mark.parametrize("text", ["{not json", "cdf://id:the/password@127.0.0.1:9/p"])
def test_a_connection_that_cannot_be_read_is_final_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_X", text)
    with pytest.raises(ConnectionLookupError, match="connection 'x' cannot be read") as failure:
        find_connection("x", "cdf_conn_id", "cdf")
    assert not failure.value.retryable
    assert "the" not in str(failure.value).split("(")[0].split()[-1]
    assert "password" not in str(failure.value)


class Answer(Exception):
    """An error as the task's supervisor answers, in the form of Airflow's ``AirflowRuntimeError``."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.error = type("Response", (), {"error": type("Kind", (), {"value": kind})})


@pytest.mark.parametrize(
    ("answer", "words", "retryable"),
    [
        ("CONNECTION_NOT_FOUND", "there is no connection", False),
        ("PERMISSION_DENIED", "does not let this task read", False),
        ("API_SERVER_ERROR", "cannot be looked up now: API_SERVER_ERROR", True),
        ("GENERIC_ERROR", "cannot be looked up now", True),
    ],
)
def test_what_the_supervisor_answers_says_whether_a_retry_can_help(
    monkeypatch: pytest.MonkeyPatch, answer: str, words: str, retryable: bool
) -> None:
    def get_connection(_: str) -> None:
        raise Answer(answer)

    monkeypatch.setattr(BaseHook, "get_connection", get_connection)
    with pytest.raises(ConnectionLookupError, match=words) as failure:
        find_connection("x", "conn_id")
    assert failure.value.retryable is retryable


@pytest.mark.parametrize("conn_type", ["postgres", "cdf"])
def test_a_storages_connection_of_another_type_is_final(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, conn_type: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_X", f"{conn_type}://u:p@localhost/db")
    words = f"^Connection 'x' is of type {conn_type}; path needs one of type aws\\.$"
    with pytest.raises(AirflowFailException, match=words):
        CdfRecordsHook().upsert_file(STREAM, "s3://x@bucket/a.ndjson")
