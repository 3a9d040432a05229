"""The goals that the operator must reach, with all of its promises switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import truediv
from statistics import median

from dev.benchmarks.contenders import CONTENDERS
from dev.benchmarks.facts import BATCH, CONCURRENCY
from dev.benchmarks.rounds import Result
from dev.benchmarks.tables import Goal

SDK, CEILING = "c", "e"


@dataclass(frozen=True)
class SpeedGoals:
    """What is asked of our contenders in one table, by their names.

    :param times_sdk: records/s as a multiple of the official SDK's.
    :param of_ceiling: records/s as a share of the ceiling's.
    :param less_cpu: CPU of the official SDK as a multiple of ours.
    """

    times_sdk: Mapping[str, float]
    of_ceiling: Mapping[str, float]
    less_cpu: Mapping[str, float]


UNPACKED = SpeedGoals(
    times_sdk={"a": 18.0, "b-ndjson": 12.0, "b-csv": 8.0, "b-parquet": 8.0},
    of_ceiling={"a": 0.6},
    less_cpu={},
)
PACKED = SpeedGoals(
    times_sdk={"a": 20.0, "b-ndjson": 12.0, "b-csv": 10.0, "b-parquet": 12.0},
    of_ceiling={"a": 0.75, "b-ndjson": 0.5, "b-csv": 0.42, "b-parquet": 0.5},
    less_cpu={"a": 16.0},
)
OF_CARRIED = 0.9
MEMORY = 40.0  # MB above the imports
MEMORY_DIFFERENCE = 10.0  # MB: what still counts as the same, however many the records
GROWTH = 1.05  # time per record, many to few

OURS = tuple(contender for contender in CONTENDERS.values() if contender.ours)


def carried(latency: float) -> float:
    """Return how many records a second the parallel requests can carry, if nothing else took time."""
    return CONCURRENCY * BATCH / latency


def speed_goals(results: Sequence[Result], asked: SpeedGoals, named: str) -> list[Goal]:
    """Goals beside the SDK and the ceiling, and each with its unluckiest round.

    :param named: how the names of the goals begin.
    """
    known = {result.contender.name: result for result in results if result.loads}
    sdk, top = known.get(SDK), known.get(CEILING)
    goals = []
    for contender in OURS:
        own = known.get(contender.name)
        for what, times, ratios in (
            ("records/s, times (c)", asked.times_sdk, own and sdk and _ratios(own.rates, sdk.rates)),
            ("records/s, of (e)", asked.of_ceiling, own and top and _ratios(own.rates, top.rates)),
            ("CPU, times less than (c)", asked.less_cpu, own and sdk and _ratios(sdk.cpus, own.cpus)),
        ):
            if contender.name in times:
                ratio, worst = ratios or (None, None)
                name = f"{named}: {contender.title}: {what}"
                goals.append(Goal(name, ratio, times[contender.name], worst=worst))
    return goals


def memory_goals(*runs: Sequence[Result] | None) -> list[Goal]:
    """Goals of the highest peak memory in any of the rounds of several runs."""
    goals = []
    for contender in OURS:
        peaks = [
            result.highest_peak
            for results in runs
            for result in results or ()
            if result.contender is contender and result.loads
        ]
        name = f"{contender.title}: peak memory above imports"
        goals.append(Goal(name, max(peaks, default=None), MEMORY, " MB", at_most=True))
    return goals


def latency_goals(results: Sequence[Result], latency: float) -> list[Goal]:
    """Goals beside what the parallel requests can carry."""
    most = carried(latency)
    goals = []
    for contender in OURS:
        rates = [rate for result in results if result.contender is contender for rate in result.rates]
        share = median(rates) / most if rates else None
        name = f"{contender.title}: of what {CONCURRENCY} carry at {latency * 1000:g} ms"
        goals.append(Goal(name, share, OF_CARRIED, worst=min(rates) / most if rates else None))
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


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Return the ratio of the medians, and that of the unluckiest round: both are measured in each."""
    return median(ours) / median(theirs), min(map(truediv, ours, theirs))
