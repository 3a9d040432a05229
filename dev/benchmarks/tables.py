"""The tables that are printed: contenders beside each other, and goals beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dev.benchmarks.rounds import Result

BASELINES = {"c": "x(c)", "e": "x(e)"}  # contender: the heading of the ratios to it


@dataclass(frozen=True)
class Goal:
    """A goal and the measured value; ``None`` when it was not measured.

    :param worst: the value of the unluckiest round, for a goal that is about the median of them.
    """

    name: str
    measured: float | None
    asked: float
    unit: str = ""
    at_most: bool = False
    worst: float | None = None

    @property
    def holds(self) -> bool:
        if self.measured is None:
            return False
        return self.measured <= self.asked if self.at_most else self.measured >= self.asked

    @property
    def row(self) -> list[str]:
        bound = "at most" if self.at_most else "at least"
        asked = f"{bound} {self.asked:g}{self.unit}"
        if self.measured is None:
            return [self.name, asked, "-", "-", "not measured"]
        worst = "-" if self.worst is None else f"{self.worst:.3g}{self.unit}"
        verdict = "ok" if self.holds else "SHORT"
        return [self.name, asked, f"{self.measured:.3g}{self.unit}", worst, verdict]


def print_table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns: the first to the left, the others to the right."""
    lines = [list(heading), *map(list, rows)]
    widths = [max(len(line[at]) for line in lines if at < len(line)) for at in range(len(heading))]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        first, *others = line
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]  # noqa: B905
        print("  ".join(cells).rstrip())
    print()


def print_results(results: Sequence[Result], carried: float | None = None) -> None:
    """Print medians of all rounds, each also as a ratio to the baselines.

    :param carried: records a second that the parallel requests can carry, for a column of its own.
    """
    known = {result.contender.name: result for result in results if result.loads}
    baselines = {mark: known.get(name) for name, mark in BASELINES.items()}
    heading = ["contender"]
    for measure in ("records/s", "CPU s/M", "peak MB"):
        heading += [measure, *baselines]
    heading += ["records/s min-max", *([f"of {carried:,.0f}"] if carried else [])]
    rows = []
    for result in results:
        row = [result.contender.title]
        if not result.loads:
            rows.append([*row, "failed"])
            continue
        for shown, measure in (("{:,.0f}", "rate"), ("{:.2f}", "cpu"), ("{:.1f}", "peak")):
            value = getattr(result, measure)
            row.append(shown.format(value))
            row += [_ratio(value, getattr(base, measure) if base else None) for base in baselines.values()]
        row.append(f"{min(result.rates):,.0f}-{max(result.rates):,.0f}")
        rows.append([*row, *([f"{result.rate / carried:.2f}"] if carried else [])])
    print_table(heading, rows)


def print_failures(results: Iterable[Result]) -> bool:
    """Print why contenders failed; return whether there were any."""
    failures = dict.fromkeys(
        f"FAILED {result.contender.title}, {result.records:,} records: {result.error}\n"
        for result in results
        if result.error
    )
    print(*failures, sep="\n", end="\n" if failures else "")
    return bool(failures)


def print_goals(goals: Sequence[Goal]) -> bool:
    """Print the goals; return whether all hold."""
    print_table(["goal", "asked", "measured", "worst round", ""], [goal.row for goal in goals])
    return all(goal.holds for goal in goals)


def _ratio(value: float, base: float | None) -> str:
    return f"{value / base:.2f}" if base else "-"
