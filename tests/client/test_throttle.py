from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_cdf_records.client import CdfCancelledError
from airflow_provider_cdf_records.client.throttle import Throttle


def test_no_more_than_the_limit_are_in_flight() -> None:
    throttle = Throttle(3)
    now, most, lock = 0, 0, threading.Lock()

    def work(_: int) -> None:
        nonlocal now, most
        with throttle.slot():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock:
                now -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert most == 3


def test_throttling_halves_the_limit_once_a_pause() -> None:
    throttle = Throttle(8)
    throttle.throttled(0.05)
    throttle.throttled(0.05)
    assert throttle.limit == 4
    time.sleep(0.06)
    throttle.throttled(0.05)
    assert throttle.limit == 2


def test_the_limit_never_falls_below_one() -> None:
    throttle = Throttle(2)
    for _ in range(5):
        throttle.throttled(0)
    assert throttle.limit == 1


def test_the_limit_grows_by_one_a_round_up_to_the_maximum() -> None:
    throttle = Throttle(4)
    throttle.throttled(0)
    assert throttle.limit == 2
    for _ in range(3):
        throttle.went_well()
    assert throttle.limit == 3
    for _ in range(50):
        throttle.went_well()
    assert throttle.limit == 4


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    throttle = Throttle(1)
    throttle.throttled(0.2)
    throttle.throttled(0.01)
    started = time.monotonic()
    with throttle.slot():
        assert time.monotonic() - started >= 0.19


def test_a_free_place_is_taken_though_others_sleep() -> None:
    throttle = Throttle(1)
    entered = threading.Event()

    def enter() -> None:
        with throttle.slot():
            entered.set()

    with ThreadPoolExecutor(2) as pool:
        with throttle.slot():
            pool.submit(throttle.sleep, 2)  # is the first to be woken, and has no use for the place
            time.sleep(0.1)
            pool.submit(enter)
            time.sleep(0.1)
        assert entered.wait(1)


def test_cancelling_ends_a_pause_and_a_sleep() -> None:
    throttle = Throttle(1)
    throttle.throttled(60)

    def enter() -> None:
        with throttle.slot():
            pass

    with ThreadPoolExecutor(2) as pool:
        waits = [pool.submit(enter), pool.submit(throttle.sleep, 60)]
        time.sleep(0.05)
        throttle.cancel()
        for wait in waits:
            with pytest.raises(CdfCancelledError):
                wait.result(timeout=2)
