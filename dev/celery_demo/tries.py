"""The tries of the demo's tasks: on which worker, from when to when, and how they ended."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, Protocol

TASK = "load"
NOTED = """
SELECT map_index, try_number, hostname, state, start_date, end_date FROM {table}
WHERE run_id = ? AND task_id = 'load' AND start_date IS NOT NULL
"""


class Asked(Protocol):
    """Airflow's database."""

    def query(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows that answer a question."""


class Try(NamedTuple):
    """One try of the task of one part.

    :ivar part: counted from 1, and so is ``number``.
    """

    part: int
    number: int
    worker: str
    state: str
    start: datetime
    end: datetime | None


def tries_of(airflow: Asked, run_id: str) -> list[Try]:
    """Return all tries that a worker began, in the order of their parts."""
    found = {
        (index, number): Try(index + 1, number, *others)
        for table in ("task_instance_history", "task_instance")
        for index, number, *others in airflow.query(NOTED.format(table=table), run_id)
    }
    return [found[key] for key in sorted(found)]


def rows_settled(airflow: Asked, run_id: str) -> dict[int, int]:
    """Return how many rows of the file are settled, of each part whose load has noted that and goes on."""
    question = "SELECT map_index, value FROM task_state_store WHERE run_id = ? AND key = 'cdf_records'"
    return {index + 1: position_in(json.loads(value)) for index, value in airflow.query(question, run_id)}


def position_in(kept: Any) -> int:
    kept = json.loads(kept) if isinstance(kept, str) else kept
    return int(kept["mark"]["position"])


def problems_of(tries: Iterable[Try], victim: str, lost: Iterable[int], workers: Iterable[str]) -> list[str]:
    """Return what is not as it should be after a worker was killed; empty where all is.

    :param victim: the worker that was killed.
    :param lost: the parts that it was loading.
    """
    tries = list(tries)
    by_part = {part: [each for each in tries if each.part == part] for part in {each.part for each in tries}}
    problems = [
        f"{worker} loaded nothing" for worker in workers if worker not in {each.worker for each in tries}
    ]
    problems += [
        f"part {part} ended as {tried[-1].state}"
        for part, tried in by_part.items()
        if tried[-1].state != "success"
    ]
    for part in lost:
        there = [each for each in by_part.get(part, []) if each.worker == victim]
        if not there or there[-1].state != "failed":
            problems.append(f"part {part}, which {victim} was loading, is not noted as failed there")
        if there and by_part[part][-1] == there[-1]:
            problems.append(f"part {part}, which {victim} was loading, was taken over by no other worker")
    return problems


def timeline(
    tries: Iterable[Try], begin: datetime, killed_at: datetime, victim: str, settled: dict[int, int]
) -> list[str]:
    """Return what happened, a line each, with the seconds since the beginning."""
    events = [(killed_at, f"{victim} is killed, with all its processes")]
    for each in tries:
        name = f"part {each.part}, try {each.number}, on {each.worker}"
        is_over = each.worker != victim and each.number > 1 and each.part in settled
        start = f", taken over: rows up to {settled[each.part]:,} are settled" if is_over else ""
        events.append((each.start, f"{name}: begins{start}"))
        if each.end is not None:
            is_lost = each.worker == victim and each.state == "failed" and each.end > killed_at
            end = "missed by the scheduler, to be tried again" if is_lost else each.state
            events.append((each.end, f"{name}: {end}"))
    return [f"{(moment - begin).total_seconds():7.1f} s  {what}" for moment, what in sorted(events)]
