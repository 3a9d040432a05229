from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.load.python_tuning import tuned_for_loading

Settings = tuple[tuple[int, ...], float]


def settings() -> Settings:
    return gc.get_threshold(), sys.getswitchinterval()


@pytest.fixture(autouse=True)
def before() -> Iterator[Settings]:
    before = settings()
    yield before
    gc.set_threshold(*before[0])
    sys.setswitchinterval(before[1])


def is_tuned(before: Settings) -> bool:
    thresholds, turn = settings()
    return thresholds[0] > before[0][0] and turn < before[1]


class InThread:
    """A load in a thread of its own, which begins and ends when it is told to."""

    def __init__(self) -> None:
        self._begun, self._may_end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def begin(self) -> None:
        self._thread.start()
        assert self._begun.wait(60)

    def end(self) -> None:
        self._may_end.set()
        self._thread.join()

    def _run(self) -> None:
        with tuned_for_loading():
            self._begun.set()
            self._may_end.wait(60)


def test_the_interpreter_is_put_back_as_it_was_also_after_a_failure(before: Settings) -> None:
    with pytest.raises(ValueError, match="any"), tuned_for_loading():
        assert is_tuned(before)
        raise ValueError("any")
    assert settings() == before


@pytest.mark.parametrize("turn", [0.0001, 0.00001, 0.000099])
def test_settings_that_are_better_already_are_left_alone(turn: float) -> None:
    gc.set_threshold(0)
    sys.setswitchinterval(turn)
    mine = settings()
    with tuned_for_loading():
        assert settings() == mine
    assert settings() == mine


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.0011, 0.02))
def test_any_settings_are_put_back_exactly(turn: float) -> None:
    sys.setswitchinterval(turn)
    mine = settings()
    with tuned_for_loading():
        assert settings() != mine
    assert settings() == mine


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_loads_at_the_same_time_end_with_the_interpreter_as_it_was(
    before: Settings, order: tuple[int, ...]
) -> None:
    loads = [InThread() for _ in order]
    for load in loads:
        load.begin()
    for left, number in enumerate(order, start=1):
        assert is_tuned(before)
        loads[number].end()
        assert is_tuned(before) is (left < len(order))
    assert settings() == before
    with tuned_for_loading():
        assert is_tuned(before)
    assert settings() == before


def test_what_someone_else_sets_meanwhile_stays(before: Settings) -> None:
    with tuned_for_loading():
        gc.set_threshold(123, 4, 5)
    assert settings() == ((123, 4, 5), before[1])
    gc.set_threshold(*before[0])
    with tuned_for_loading():
        sys.setswitchinterval(0.5)
    assert settings() == (before[0], 0.5)
