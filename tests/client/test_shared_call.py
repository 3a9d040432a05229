from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_cdf_records.client import CdfAuthError
from airflow_provider_cdf_records.client.shared_call import SharedCall
from tests.waiting import PATIENCE


def wait(outcome: Future[Any]) -> None:
    outcome.exception(PATIENCE)


class Callers:
    """Four threads that need the same thing; the call starts only when all of them wait for it."""

    def __init__(self) -> None:
        self.all_wait = threading.Barrier(5, timeout=PATIENCE)
        self.calls = 0

    def wait(self, outcome: Future[Any]) -> None:
        self.all_wait.wait()
        wait(outcome)

    def outcomes(self, call: SharedCall[str]) -> list[Any]:
        def outcome(_: int) -> Any:
            try:
                return call(lambda: None)
            except CdfAuthError as error:
                return error

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(outcome, range(4)))


def test_one_call_serves_all_who_wait() -> None:
    callers = Callers()

    def function() -> str:
        callers.all_wait.wait()
        callers.calls += 1
        return "token"

    assert callers.outcomes(SharedCall(function, callers.wait)) == ["token"] * 4
    assert callers.calls == 1


def test_one_refusal_serves_all_who_wait_each_with_an_error_of_its_own() -> None:
    callers = Callers()

    def function() -> str:
        callers.all_wait.wait()
        callers.calls += 1
        raise CdfAuthError("no", status=400, retry_after=3)

    errors = callers.outcomes(SharedCall(function, callers.wait))
    assert [(str(error), error.status, error.retry_after) for error in errors] == [("no", 400, 3)] * 4
    assert len(set(map(id, errors))) == 4
    assert callers.calls == 1


def test_the_next_caller_starts_a_call_of_its_own() -> None:
    results = iter(["first", "second"])
    call = SharedCall(lambda: next(results), wait)
    assert [call(lambda: None), call(lambda: "held"), call(lambda: None)] == ["first", "held", "second"]


def test_who_stops_waiting_leaves_the_call_to_the_others() -> None:
    may_end = threading.Event()

    def function() -> str:
        may_end.wait(PATIENCE)
        return "token"

    def end_and_wait(outcome: Future[Any]) -> None:
        may_end.set()
        wait(outcome)

    def stop(outcome: Future[Any]) -> None:
        raise InterruptedError

    waits = [stop, end_and_wait]

    def next_wait(outcome: Future[Any]) -> None:
        waits.pop(0)(outcome)

    call = SharedCall(function, next_wait)
    with pytest.raises(InterruptedError):
        call(lambda: None)
    assert call(lambda: None) == "token"
