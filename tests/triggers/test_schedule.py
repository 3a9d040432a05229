"""Two looks after each other: the pauses of the sensors, as triggers keep them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from airflow_provider_cdf_records.waiting.schedule import LONGEST, Schedule


def looks(schedule: Schedule, now: float) -> Iterator[float]:
    while True:
        now = schedule.next_look(now)
        yield now


def pauses(schedule: Schedule, count: int) -> list[float]:
    moments = [schedule.started_at, *itertools.islice(looks(schedule, schedule.started_at), count)]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def test_pauses_are_alike_unless_they_double() -> None:
    assert pauses(Schedule(1000.0, 60.0, deadline=1100.0, longest=5.0), 3) == pytest.approx([60.0] * 3)


def test_pauses_double_each_with_a_random_share() -> None:
    for number, pause in enumerate(pauses(Schedule(1000.0, 60.0, is_doubling=True), 8)):
        assert 30 * 2**number <= pause <= 60 * 2**number


def test_pauses_double_up_to_the_longest() -> None:
    assert pauses(Schedule(0.0, 60.0, is_doubling=True, longest=200.0), 20)[-15:] == pytest.approx(
        [200.0] * 15
    )
    assert pauses(Schedule(0.0, 60.0, is_doubling=True), 40)[-1] == pytest.approx(LONGEST)


def test_the_last_look_is_at_the_deadline() -> None:
    schedule = Schedule(0.0, 60.0, deadline=1000.0, is_doubling=True)
    assert 1000.0 in itertools.islice(looks(schedule, 0.0), 20)


@pytest.mark.parametrize("elapsed", [0.0, 100.0, 5000.0])
def test_a_restart_changes_nothing(elapsed: float) -> None:
    arguments = (1795695655.78, 60.0, None, True)
    now = arguments[0] + elapsed
    assert Schedule(*arguments).next_look(now) == Schedule(*arguments).next_look(now)
    assert Schedule(*arguments).first_look() > arguments[0]
