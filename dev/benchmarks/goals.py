"""The goals that the operator must reach, with all of its promises switched on."""

from __future__ import annotations

from collections.abc import Sequence

from dev.benchmarks.contenders import CONTENDERS
from dev.benchmarks.facts import BATCH, CONCURRENCY
from dev.benchmarks.rounds import Result
from dev.benchmarks.tables import Goal

TIMES_SDK = {"a": 18.0, "b-ndjson": 12.0, "b-csv": 8.0, "b-parquet": 8.0}
OF_CEILING = 0.6
OF_CARRIED = 0.9
MEMORY = 60.0  # MB above the imports
MEMORY_DIFFERENCE = 10.0  # MB: what still counts as the same, however many the records
GROWTH = 1.1  # time per record, many to few

OURS = tuple(contender for contender in CONTENDERS.values() if contender.ours)


def carried(latency: float) -> float:
    """Return how many records a second the parallel requests can carry, if nothing else took time."""
    return CONCURRENCY * BATCH / latency


def speed_goals(fast: Sequence[Result], slow: Sequence[Result] | None, latency: float) -> list[Goal]:
    """Goals of one size, without latency and with it."""
    at_once = {result.contender.name: result for result in fast if result.loads}
    late = {result.contender.name: result for result in slow or () if result.loads}
    rate = {name: result.rate for name, result in at_once.items()}
    goals = [
        Goal(f"{CONTENDERS[name].title}: times (c)", _quotient(rate.get(name), rate.get("c")), times)
        for name, times in TIMES_SDK.items()
    ]
    goals.append(
        Goal(f"{CONTENDERS['a'].title}: of (e)", _quotient(rate.get("a"), rate.get("e")), OF_CEILING)
    )
    for contender in OURS:
        peaks = [run[contender.name].highest_peak for run in (at_once, late) if contender.name in run]
        name = f"{contender.title}: peak memory above imports"
        goals.append(Goal(name, max(peaks, default=None), MEMORY, " MB", at_most=True))
    if slow is not None:
        for contender in OURS:
            result = late.get(contender.name)
            share = result.rate / carried(latency) if result else None
            name = f"{contender.title}: of what {CONCURRENCY} carry at {latency * 1000:g} ms"
            goals.append(Goal(name, share, OF_CARRIED))
    return goals


def growth_goals(pairs: Sequence[tuple[Result, Result]]) -> list[Goal]:
    """Goals of many records beside few: each pair is the same contender with few and with many."""
    goals = []
    for few, many in pairs:
        measured = bool(few.loads and many.loads)
        title = few.contender.title
        time = many.microseconds / few.microseconds if measured else None
        more = many.highest_peak - few.highest_peak if measured else None
        peak = max(few.highest_peak, many.highest_peak) if measured else None
        goals += [
            Goal(f"{title}: time per record, many to few", time, GROWTH, at_most=True),
            Goal(f"{title}: peak memory above imports", peak, MEMORY, " MB", at_most=True),
            Goal(f"{title}: peak memory, many above few", more, MEMORY_DIFFERENCE, " MB", at_most=True),
        ]
    return goals


def _quotient(value: float | None, base: float | None) -> float | None:
    return value / base if value and base else None
