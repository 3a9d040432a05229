"""What a failure means for the next try; in a running Airflow: ``tests/dags/test_retried.py``."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.retry_policies import CdfRetryPolicy
from airflow_provider_cdf_records.version_compat import AirflowException, keeps_state_between_runs
from tests.sample_records import a_record
from tests.scripted_server import Answer, ScriptedServer

HAS_POLICIES = keeps_state_between_runs()
needs_policies = pytest.mark.skipif(not HAS_POLICIES, reason="needs Airflow 3.3")


def decided(failure: BaseException, **task: Any) -> tuple[str, timedelta | None, str | None]:
    context: Any = {"task": SimpleNamespace(**task)}
    decision = CdfRetryPolicy().evaluate(failure, 1, 3, context)
    return decision.action.value, decision.retry_delay, decision.reason


def failure_of_load(monkeypatch: pytest.MonkeyPatch, path: str, answer: Answer) -> AirflowException:
    with ScriptedServer() as server:
        server.answer("/token", Answer(200, {"access_token": "t", "expires_in": 3600}))
        server.answer(path, answer)
        connection = {
            "conn_type": "cdf",
            "host": server.url,
            "schema": "p",
            "login": "id",
            "password": "secret",
            "extra": {"token_url": f"{server.url}/token", "max_wait": 1, "max_attempts": 1},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))
        with pytest.raises(AirflowException) as failure:
            CdfRecordsHook().upsert_records("alarms", [a_record()], check_schema=False)
        return failure.value


@needs_policies
@pytest.mark.parametrize("path", ["/upsert", "/token"])
@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_to_wait_is_waited_for(monkeypatch: pytest.MonkeyPatch, path: str, status: int) -> None:
    failure = failure_of_load(monkeypatch, path, Answer(status, headers={"Retry-After": "700"}))
    assert decided(failure) == ("retry", timedelta(seconds=700), "Asked to wait 700 s (Retry-After).")


@needs_policies
def test_the_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = failure_of_load(monkeypatch, "/upsert", Answer(429, headers={"Retry-After": "90000"}))
    an_hour, a_minute = timedelta(hours=1), timedelta(minutes=1)
    assert decided(failure)[1:] == (an_hour, "Asked to wait 90000 s (Retry-After); bounded to 3600 s.")
    assert decided(failure, max_retry_delay=a_minute)[1] == a_minute
    assert decided(failure, max_retry_delay=60.0)[1] == a_minute


@needs_policies
def test_what_may_pass_follows_the_task_and_so_does_what_is_not_of_cdf(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OthersError(Exception):
        retryable = False

    assert decided(failure_of_load(monkeypatch, "/upsert", Answer(503)))[0] == "default"
    assert decided(OSError("no plant"))[0] == "default"
    assert decided(AirflowException("of another provider"))[0] == "default"
    assert decided(OthersError())[0] == "default"


@needs_policies
def test_what_cannot_be_mended_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = failure_of_load(monkeypatch, "/token", Answer(401))
    assert decided(failure) == ("fail", None, "Trying again cannot help.")


@needs_policies
def test_it_is_plain_json_when_serialized_and_an_argument_that_makes_no_sense_is_told() -> None:
    policy = CdfRetryPolicy(longest_wait=timedelta(minutes=5))
    again = CdfRetryPolicy.deserialize(json.loads(json.dumps(policy.serialize())))
    assert again.longest_wait == timedelta(minutes=5)
    with pytest.raises(ValueError, match=r"longest_wait must be a timedelta above 0, got 5\."):
        CdfRetryPolicy(longest_wait=5)  # type: ignore[arg-type]


@pytest.mark.skipif(HAS_POLICIES, reason="this Airflow has retry policies")
def test_an_older_airflow_is_told() -> None:
    with pytest.raises(ValueError, match=r"CdfRetryPolicy needs Airflow 3\.3 or later"):
        CdfRetryPolicy()
