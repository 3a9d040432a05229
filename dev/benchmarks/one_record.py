"""A load of one record: what it takes to load its modules, then the load itself, and its round trips.

Each round is a process that first imports what Airflow has in the process of a task before the task's code
runs: this is Airflow's, and not counted. Then come loads of one record by the operator, with client
credentials: one after the other against nginx, and one against a sink with latency.

What loading the modules takes is the time of the first load less the median of those after it: with all that
is imported, and all else that happens once a process, until the record is in the stream. Nothing is taken off
the time of a load: the answers of nginx are in it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import median

from dev.benchmarks import sinks
from dev.benchmarks.contenders import CONTENDERS
from dev.benchmarks.data import files
from dev.benchmarks.facts import PROJECT, ROOT, TOKEN_PATH, WORK
from dev.benchmarks.rounds import RUN, ContenderError, environment, reason
from dev.benchmarks.tables import Goal, print_table

MODULES = 150.0  # milliseconds
LOAD = 30.0  # milliseconds
ROUND_TRIPS = 3  # the token, the look at stream and capabilities, the upsert
LOADS = 5  # in one process, after the first
LATENCY = 0.2  # seconds
OF_AIRFLOW = (  # in the process of a task
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
)
CONNECTION = "AIRFLOW_CONN_CDF_DEFAULT"


def measure_one_record(rounds: int) -> list[Goal]:
    """Print what a load of one record takes, and return the goals."""
    with sinks.nginx() as sink, sinks.slow(LATENCY) as slow_sink:
        _run(sink, slow_sink)  # which leaves bytecode behind, as an installation does
        measured = [_run(sink, slow_sink) for _ in range(rounds)]
    modules, loads, trips = ([one[name] for one in measured] for name in ("modules", "load", "round trips"))
    rows = [
        [f"loading the modules, ms (median, worst of {rounds} processes)", f"{median(modules):.0f}"],
        ["the load, ms", f"{median(loads):.1f}"],
        ["round trips", f"{median(trips):.0f}"],
    ]
    for row, values in zip(rows, (modules, loads, trips), strict=True):
        row.append(f"{max(values):.0f}")
    print("A load of one record in a task's process, with client credentials:\n")
    print_table(["", "median", "worst"], rows)
    return [
        Goal(
            "one record: loading modules", median(modules), MODULES, " ms", at_most=True, worst=max(modules)
        ),
        Goal("one record: the load", median(loads), LOAD, " ms", at_most=True, worst=max(loads)),
        Goal("one record: round trips", median(trips), ROUND_TRIPS, at_most=True, worst=max(trips)),
    ]


def _run(sink: str, slow_sink: str) -> dict[str, float]:
    RUN.mkdir(parents=True, exist_ok=True)
    result, log = RUN / "one_record.json", RUN / "one_record.log"
    result.unlink(missing_ok=True)
    settings = environment(sink) | {"PYTHONPYCACHEPREFIX": str(WORK / "bytecode")}
    del settings["PYTHONDONTWRITEBYTECODE"]
    command = [sys.executable, "-m", "dev.benchmarks.one_record", sink, slow_sink, str(result)]
    with log.open("wb") as output:
        subprocess.run(command, cwd=ROOT, env=settings, stdout=output, stderr=subprocess.STDOUT, check=False)
    if not result.exists():
        msg = f"{reason(log)} (log: {log.relative_to(ROOT)})"
        raise ContenderError(msg)
    measured: dict[str, float] = json.loads(result.read_text())
    return measured


def _milliseconds_of_load(path: Path, sink: str) -> float:
    connection = {
        "conn_type": "cdf",
        "host": sink,
        "schema": PROJECT,
        "login": "id",
        "password": "not-a-secret",
        "extra": {"token_url": f"{sink}{TOKEN_PATH}"},
    }
    os.environ[CONNECTION] = json.dumps(connection)
    started = time.perf_counter()
    count = CONTENDERS["a"].load(path, sink)
    milliseconds = (time.perf_counter() - started) * 1000
    if count != 1:
        msg = f"It loaded {count:,} of 1 record."
        raise ContenderError(msg)
    return milliseconds


def main() -> None:
    for module in OF_AIRFLOW:
        import_module(module)
    import_module("airflow.sdk.listener").get_listener_manager()

    sink, slow_sink, result = sys.argv[1:]
    path = files(1).api
    first = _milliseconds_of_load(path, sink)
    load = median(_milliseconds_of_load(path, sink) for _ in range(LOADS))
    late = _milliseconds_of_load(path, slow_sink)
    measured = {"modules": first - load, "load": load, "round trips": round((late - load) / LATENCY / 1000)}
    Path(result).write_text(json.dumps(measured))


if __name__ == "__main__":
    main()
