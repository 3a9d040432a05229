"""The server's time: it runs like any clock, or moves as a test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from airflow_provider_cdf_records.local_server import Clock
from tests.waiting import PATIENCE, wait_until, wait_until_it_stays


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(3) as pool:
        yield pool


def asleep(pool: ThreadPoolExecutor, clock: Clock, seconds: float) -> Future[None]:
    """Start a sleep in an event loop of another thread, and return once it sleeps."""
    before = clock.sleepers
    sleeping = pool.submit(asyncio.run, asyncio.wait_for(clock.sleep(seconds), PATIENCE))
    wait_until(lambda: clock.sleepers > before)
    return sleeping


def test_it_is_the_time_of_day_and_moves_on() -> None:
    clock = Clock()
    before = time.time_ns() // 1_000_000
    assert before <= clock.now_ms() <= time.time_ns() // 1_000_000
    first = clock.monotonic()
    wait_until(lambda: clock.monotonic() > first)


def test_a_stopped_clock_moves_only_when_told() -> None:
    clock = Clock(stopped=True)
    day, steady = clock.now_ms(), clock.monotonic()
    before = time.monotonic_ns()
    wait_until(lambda: time.monotonic_ns() - before > 2_000_000)
    assert (clock.now_ms(), clock.monotonic()) == (day, steady)
    clock.advance(1.5)
    assert (clock.now_ms() - day, clock.monotonic() - steady) == (1500, 1.5)


def test_a_clock_goes_on_from_where_it_stopped() -> None:
    clock = Clock(stopped=True)
    day = clock.now_ms()
    before = time.monotonic_ns()
    wait_until(lambda: time.monotonic_ns() - before > 50_000_000)
    clock.resume()
    assert 0 <= clock.now_ms() - day <= (time.monotonic_ns() - before) / 1e6 - 45
    first = clock.monotonic()
    wait_until(lambda: clock.monotonic() > first)


def test_a_running_clock_can_be_moved_on_and_stopped() -> None:
    clock = Clock()
    clock.advance(3600)
    assert clock.now_ms() > time.time() * 1000 + 3_500_000
    clock.stop()
    assert clock.now_ms() == clock.now_ms()


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="must be 0 or more, got -"):
        Clock().advance(-1)


def test_who_sleeps_wakes_up_when_so_much_time_has_passed(pool: ThreadPoolExecutor) -> None:
    clock = Clock(stopped=True)
    short, long = asleep(pool, clock, 5), asleep(pool, clock, 8)
    clock.advance(4.9)
    assert wait_until_it_stays(lambda: short.done() or long.done()) is False
    clock.advance(0.1)
    short.result(PATIENCE)
    assert wait_until_it_stays(long.done) is False
    clock.advance(60)
    long.result(PATIENCE)
    assert clock.sleepers == 0


def test_who_sleeps_by_a_clock_that_is_resumed_wakes_up_by_itself(pool: ThreadPoolExecutor) -> None:
    clock = Clock(stopped=True)
    sleeping = asleep(pool, clock, 0.05)
    clock.resume()
    sleeping.result(PATIENCE)


def test_who_sleeps_by_a_clock_that_is_stopped_meanwhile_sleeps_on(pool: ThreadPoolExecutor) -> None:
    clock = Clock()
    sleeping = asleep(pool, clock, 3600)
    clock.stop()
    clock.advance(3599)
    assert wait_until_it_stays(sleeping.done) is False
    clock.advance(2)
    sleeping.result(PATIENCE)
