"""What the Celery demo says about the tries of its tasks."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from dev.celery_demo.tries import Try, problems_of, timeline

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
WORKERS = ("worker-1", "worker-2")


def after(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def a_try(part: int, number: int, worker: str, state: str = "success", start: int = 0, end: int = 9) -> Try:
    return Try(part, number, worker, state, after(start), after(end))


RIGHT = [
    a_try(1, 1, "worker-1", end=20),
    a_try(2, 1, "worker-2", "failed", end=40),
    a_try(2, 2, "worker-1", start=45, end=60),
]


def test_a_part_that_was_taken_over_is_as_it_should_be() -> None:
    assert problems_of(RIGHT, "worker-2", [2], WORKERS) == []


@pytest.mark.parametrize(
    ("tries", "problem"),
    [
        ([*RIGHT[:2], RIGHT[2]._replace(state="failed")], "part 2 ended as failed"),
        ([RIGHT[0], RIGHT[1]], "was taken over by no other worker"),
        ([RIGHT[0], RIGHT[1]._replace(state="success"), RIGHT[2]], "is not noted as failed there"),
        ([RIGHT[0], RIGHT[1]._replace(worker="worker-1"), RIGHT[2]], "worker-2 loaded nothing"),
        ([RIGHT[0]._replace(state="failed"), *RIGHT[1:]], "part 1 ended as failed"),
    ],
)
def test_what_is_not_as_it_should_be_is_named(tries: list[Try], problem: str) -> None:
    assert any(problem in each for each in problems_of(tries, "worker-2", [2], WORKERS))


def test_the_timeline_tells_what_happened_in_its_order() -> None:
    assert timeline(RIGHT, BEGIN, after(10), "worker-2", {2: 8000}) == [
        "    0.0 s  part 1, try 1, on worker-1: begins",
        "    0.0 s  part 2, try 1, on worker-2: begins",
        "   10.0 s  worker-2 is killed, with all its processes",
        "   20.0 s  part 1, try 1, on worker-1: success",
        "   40.0 s  part 2, try 1, on worker-2: missed by the scheduler, to be tried again",
        "   45.0 s  part 2, try 2, on worker-1: begins, taken over: rows up to 8,000 are settled",
        "   60.0 s  part 2, try 2, on worker-1: success",
    ]
