from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_cdf_records.client import CdfCancelledError
from airflow_provider_cdf_records.client.throttle import ROUNDS, SPREAD, Throttle
from tests.client.clocks import JumpingClock, StoppedClock
from tests.waiting import PATIENCE


def test_as_many_as_the_limit_are_in_flight_and_no_more() -> None:
    throttle = Throttle(3)
    now, most, lock = 0, 0, threading.Lock()
    three_at_a_time = threading.Barrier(3, timeout=PATIENCE)

    def work(_: int) -> None:
        nonlocal now, most
        with throttle.slot():
            with lock:
                now += 1
                most = max(most, now)
            three_at_a_time.wait()
            with lock:
                now -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(42)))
    assert most == 3


def test_throttling_halves_the_limit_once_a_pause() -> None:
    clock = StoppedClock()
    throttle = Throttle(8, clock)
    throttle.throttled(5)
    clock.advance(4)
    throttle.throttled(5)
    assert throttle.limit == 4
    clock.advance(5)
    throttle.throttled(5)
    assert throttle.limit == 2


def test_the_limit_never_falls_below_one() -> None:
    throttle = Throttle(2)
    for _ in range(5):
        throttle.throttled(0)
    assert throttle.limit == 1


def test_the_limit_grows_by_one_in_some_rounds_up_to_the_maximum() -> None:
    throttle = Throttle(4)
    throttle.throttled(0)
    assert throttle.limit == 2
    for _ in range(2 * ROUNDS):
        throttle.went_well()
    assert throttle.limit == 2
    for _ in range(ROUNDS):
        throttle.went_well()
    assert throttle.limit == 3
    for _ in range(50 * ROUNDS):
        throttle.went_well()
    assert throttle.limit == 4


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    clock = JumpingClock()
    throttle = Throttle(1, clock)
    throttle.throttled(20)
    throttle.throttled(1)
    started = clock.now
    with throttle.slot():
        assert 20 <= clock.now - started <= 20 + SPREAD


def test_a_free_place_is_taken_though_others_sleep() -> None:
    clock = StoppedClock()
    throttle = Throttle(1, clock)
    entered = threading.Event()

    def enter() -> None:
        with throttle.slot():
            entered.set()

    with ThreadPoolExecutor(2) as pool:
        with throttle.slot():
            pool.submit(throttle.sleep, 2)  # is the first to be woken, and has no use for the place
            clock.until_somebody_waits()
            pool.submit(enter)
            clock.until_somebody_waits(2)
        assert entered.wait(PATIENCE)
        clock.advance(2)


def test_cancelling_ends_a_pause_and_a_sleep() -> None:
    clock = StoppedClock()
    throttle = Throttle(1, clock)
    throttle.throttled(60)

    def enter() -> None:
        with throttle.slot():
            pass

    with ThreadPoolExecutor(2) as pool:
        waits = [pool.submit(enter), pool.submit(throttle.sleep, 60)]
        clock.until_somebody_waits(2)
        throttle.cancel()
        for wait in waits:
            with pytest.raises(CdfCancelledError):
                wait.result(PATIENCE)
