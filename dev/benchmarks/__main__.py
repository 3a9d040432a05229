"""``python -m dev.benchmarks``: generate the data, start the sinks, measure, and print the tables."""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from dev.benchmarks import sinks
from dev.benchmarks.contenders import CONTENDERS, Contender
from dev.benchmarks.data import files
from dev.benchmarks.facts import BATCH, CONCURRENCY
from dev.benchmarks.goals import (
    OURS,
    PACKED,
    UNPACKED,
    carried,
    growth_goals,
    latency_goals,
    memory_goals,
    speed_goals,
)
from dev.benchmarks.one_record import measure_one_record
from dev.benchmarks.profiling import profile
from dev.benchmarks.rounds import ContenderError, Result, run_rounds
from dev.benchmarks.tables import Goal, print_failures, print_goals, print_results, print_table

FEW, MANY = 200_000, 5_000_000
ROUNDS, GROWTH_ROUNDS = 5, 3
LATENCY = 50.0  # milliseconds


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, help=f"default: {FEW:,}; with --growth the many: {MANY:,}")
    parser.add_argument("--rounds", type=int, help=f"default: {ROUNDS}; with --growth {GROWTH_ROUNDS}")
    parser.add_argument(
        "--contenders", default="", help=f"some of {','.join(CONTENDERS)}, with commas between; default: all"
    )
    parser.add_argument(
        "--latency", type=float, default=LATENCY, help="ms per request in the third table; 0 leaves it out"
    )
    parser.add_argument("--repeated", type=float, default=0.0, help="share of rows that repeat an identity")
    parser.add_argument("--growth", action="store_true", help=f"ours alone: {FEW:,} records beside many")
    parser.add_argument("--gzip", action="store_true", help="with --growth and --profile: pack what is sent")
    parser.add_argument("--profile", choices=CONTENDERS, help="one load of this contender, and where it goes")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a goal is missed")
    arguments = parser.parse_args()
    names = [name for name in arguments.contenders.split(",") if name]
    if unknown := set(names) - set(CONTENDERS):
        parser.error(f"no such contender: {', '.join(sorted(unknown))}; there are {', '.join(CONTENDERS)}")
    arguments.contenders = [CONTENDERS[name] for name in names or CONTENDERS]
    arguments.records = arguments.records or (MANY if arguments.growth else FEW)
    arguments.rounds = arguments.rounds or (GROWTH_ROUNDS if arguments.growth else ROUNDS)
    return arguments


def print_header(arguments: argparse.Namespace) -> None:
    data = files(arguments.records, arguments.repeated)
    sizes = ", ".join(
        f"{name} {path.stat().st_size / arguments.records:.0f}"
        for name, path in (
            ("API-shaped", data.api),
            ("flat", data.flat),
            ("CSV", data.csv),
            ("Parquet", data.parquet),
        )
    )
    print(
        f"{arguments.records:,} records ({sizes} bytes each), medians of {arguments.rounds} interleaved "
        f"rounds; Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}.\n"
        "Time and CPU (seconds for a million records) are those of the load, peak memory is what it takes "
        "above its imports.\n"
    )


def compare(arguments: argparse.Namespace) -> tuple[list[Goal], bool]:
    """Measure all contenders: unpacked, packed, with latency, and a load of one record.

    Returns the goals, and whether a contender failed.
    """
    latency = arguments.latency / 1000
    runs = [(contender, arguments.records) for contender in arguments.contenders]
    late = None
    with sinks.nginx() as sink:
        fast = run_rounds(sink, runs, arguments.rounds, arguments.repeated)
        packed = run_rounds(sink, runs, arguments.rounds, arguments.repeated, gzip=True)
    print("Against nginx, which answers 202 at once and unpacks nothing; nobody packs:\n")
    print_results(fast)
    print(
        "The same, packed by gzip as what is sent to CDF is: by ours and the ceiling with the same library "
        "and level,\nby the official SDK as by default; the usual script packs nothing:\n"
    )
    print_results(packed)
    if latency:
        with sinks.slow(latency) as sink:
            late = run_rounds(sink, runs, arguments.rounds, arguments.repeated)
        most = carried(latency)
        print(f"With {arguments.latency:g} ms of latency per request, unpacked:\n")
        print_results(late, most)
        print(
            f"{CONCURRENCY} parallel requests of {BATCH} can carry {most:,.0f} records/s; "
            "the official SDK sends 2 at a time, the usual script 1.\n"
        )
    goals = [
        *speed_goals(fast, UNPACKED, "unpacked"),
        *speed_goals(packed, PACKED, "gzip"),
        *memory_goals(fast, packed, late),
        *(latency_goals(late, latency) if late is not None else ()),
    ]
    if any(contender in OURS for contender in arguments.contenders):
        goals += measure_one_record(arguments.rounds)
    return goals, print_failures([*fast, *packed, *(late or ())])


def grow(arguments: argparse.Namespace) -> tuple[list[Goal], bool]:
    """Measure our contenders with few records and with many."""
    contenders: Sequence[Contender] = [one for one in arguments.contenders if one in OURS]
    with sinks.nginx() as sink:
        pairs = [_few_and_many(sink, contender, arguments) for contender in contenders]
    rows = []
    for pair in pairs:
        if not all(result.loads for result in pair):
            rows.append([pair[0].contender.title, "failed"])
            continue
        row = [pair[0].contender.title]
        for shown, measure in (("{:.2f}", "microseconds"), ("{:.1f}", "peak")):
            values = [getattr(result, measure) for result in pair]
            row += [shown.format(value) for value in values] + [f"{values[1] / values[0]:.2f}"]
        rows.append(row)
    sizes = f"{FEW:,}", f"{arguments.records:,}", "ratio"
    print("Microseconds for a record, and peak memory in MB, by the number of records:\n")
    print_table(["contender", *(f"us: {size}" for size in sizes), *(f"MB: {size}" for size in sizes)], rows)
    return growth_goals(pairs), print_failures(result for pair in pairs for result in pair)


def _few_and_many(sink: str, contender: Contender, arguments: argparse.Namespace) -> tuple[Result, Result]:
    """Measure few records several times around each load of many, since a machine's speed varies."""
    runs = [(contender, count) for count in (FEW, FEW, arguments.records, FEW, FEW)]
    results = run_rounds(sink, runs, arguments.rounds, arguments.repeated, gzip=arguments.gzip)
    many = results.pop(runs.index((contender, arguments.records)))
    loads = [load for result in results for load in result.loads]
    errors = [result.error for result in results if result.error]
    return Result(contender, FEW, loads, errors[0] if errors else None), many


def main() -> int:
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, _end)
    sinks.nginx_program()
    if arguments.profile:
        with sinks.nginx() as sink:
            try:
                profile(CONTENDERS[arguments.profile], arguments.records, sink, gzip=arguments.gzip)
            except ContenderError as error:
                sys.exit(f"FAILED {arguments.profile}: {error}")
        return 0
    print_header(arguments)
    goals, failed = (grow if arguments.growth else compare)(arguments)
    held = print_goals(goals)
    return int(failed or (arguments.check and not held))


def _end(*_: object) -> NoReturn:
    """Let SIGTERM stop the sinks too."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
