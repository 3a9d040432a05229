"""Load a file by two Celery workers, kill one of them in the middle, and prove that nothing is lost.

It starts Redis, PostgreSQL, Airflow with ``CeleryExecutor`` and the local server with faults, and leaves
nothing behind: no process and no folder. It ends with exit code 0 only where everything held.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from array import array
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest

from dev.celery_demo.cluster import (
    LOST_AFTER,
    SLOTS,
    WORKERS,
    CeleryAirflow,
    celery_airflow,
    find_servers,
)
from dev.celery_demo.proof import differences
from dev.celery_demo.rows import NONE, write_rows
from dev.celery_demo.tries import problems_of, rows_settled, timeline, tries_of
from dev.demo.server import ROOT, local_server
from dev.keeper import run_kept

EXAMPLE = ROOT / "example_dags" / "cdf_parts_by_identity.py"
DAG, RUN = "cdf_parts_by_identity", "demo"
STREAM, SPACE, CONTAINER = "plant_meters", "plant_meters", "Reading"
PARTS, CONCURRENCY, BATCH = 8, 4, 1000  # as in the example, and the most records that a request has
SHORTEST = 10.0  # seconds that a part takes at least: a load notes how far it came every five
ENDS_WITHIN = 3600.0  # seconds
CLIENT = "AIRFLOW_CONN_CDF_DEFAULT"
SHOWN = 5  # problems
INSIDE = "--inside"
STARTED = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.celery_demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the file (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the local server's faults (%(default)s)")
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        sys.exit(run_kept([sys.executable, "-m", "dev.celery_demo", *sys.argv[1:], INSIDE]))
    try:
        problems = run(arguments.rows, arguments.seed)
    except (RuntimeError, pytest.fail.Exception) as error:
        sys.exit(f"The demo did not get through: {error}")
    for problem in problems[:SHOWN]:
        print(f"NOT AS IT SHOULD BE: {problem}")
    if problems:
        sys.exit(f"{len(problems):,} things are not as they should be.")
    say("All of it holds.")


def say(text: str) -> None:
    print(f"[{time.monotonic() - STARTED:5.0f} s] {text}", flush=True)


def run(rows: int, seed: int) -> list[str]:
    """Run the demo, and return what is not as it should be."""
    find_servers()
    memory = psutil.virtual_memory().total / 2**30
    say(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, {memory:.0f} GiB of memory, "
        f"Python {platform.python_version()}"
    )
    work = Path(tempfile.mkdtemp())
    path = work / "meters.csv"
    last = write_rows(path, rows)
    identities = sum(row != NONE for row in last)
    say(f"A file of {rows:,} rows of {identities:,} identities: {path.stat().st_size / 1e6:.0f} MB of CSV")
    dags, database = work / "dags", work / "cdf.sqlite"
    dags.mkdir()
    (dags / EXAMPLE.name).write_text(EXAMPLE.read_text())
    (work / "airflow").mkdir()
    latency = SHORTEST * CONCURRENCY * BATCH * PARTS / rows
    with ExitStack() as stack:
        options = ("--faults", str(seed), "--latency", f"{latency:.3f}", "--parallel-writes", "20")
        connection = stack.enter_context(local_server(database, work / "server.log", *options))
        say(
            "The local server stands in for CDF: a tenth of the writes get a fault (429, 503, a connection "
            f"that breaks, ...), at most 20 writes at a time, {latency:.2f} s of latency"
        )
        settings = {CLIENT: connection, "CDF_EXAMPLE_FOLDER": str(work)}
        airflow = stack.enter_context(celery_airflow(dags, work / "airflow", settings))
        try:
            summary, problems = load_and_kill(airflow, path)
        except BaseException:
            show_outputs(airflow)
            raise
        finally:
            for component in list(airflow.processes):
                airflow.kill_with_children(component)
    problems += problems_of_summary(summary, rows)
    say("Airflow has ended. Asking a local server without faults and latency what the stream holds.")
    with local_server(database, work / "server-2.log") as connection:
        problems += prove(connection, last)
    return problems


def load_and_kill(airflow: CeleryAirflow, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Run the DAG and kill a worker in the middle; returns the summary of all parts, and what went wrong."""
    airflow.wait_until("for the DAG", lambda: airflow.has_dag(DAG))
    airflow.wait_until("for the API server", airflow.answers)
    for name in WORKERS:
        airflow.wait_until(f"for {name}", lambda: airflow.worker_is_ready(name))  # noqa: B023 (called at once)
    say(f"Airflow runs: Redis, PostgreSQL, API server, scheduler, DAG processor, {' and '.join(WORKERS)}")
    airflow.trigger(RUN, DAG, {"path": str(path)})
    begin = datetime.now(timezone.utc)
    say(f"{DAG} runs: {PARTS} parts, {SLOTS} at a time on each worker")
    victim, settled = airflow.wait_until("for loads in their middle", lambda: kill_one_in_its_middle(airflow))
    killed_at = datetime.now(timezone.utc)
    say(
        f"{victim} is killed while it loads parts {' and '.join(map(str, settled))}. The scheduler will miss "
        f"them {LOST_AFTER} s after their last heartbeat"
    )
    airflow.wait_until(
        "for the end of the run", lambda: airflow.state(RUN) in {"success", "failed"}, ENDS_WITHIN
    )
    took = (datetime.now(timezone.utc) - begin).total_seconds()
    state, tries = airflow.state(RUN), tries_of(airflow, RUN)
    say(f"The run has ended after {took:.0f} s: {state}. What happened:")
    print("\n".join(timeline(tries, begin, killed_at, victim, settled)))
    problems = problems_of(tries, victim, settled, WORKERS)
    if state != "success":
        problems.append(f"the run ended as {state}")
    summary = airflow.xcom(RUN, "add_up") or {}
    say(f"The summary of all parts:\n{json.dumps(without_probes(summary), indent=2)}")
    resumed = [
        each["position"] if isinstance(each, dict) else each for each in summary.get("resumed_from") or []
    ]
    if len(resumed) < len(settled):
        problems.append(f"of the parts {list(settled)} not each was resumed where it had stopped: {resumed}")
    return summary, problems


def kill_one_in_its_middle(airflow: CeleryAirflow) -> tuple[str, dict[int, int]] | None:
    """Kill a worker all of whose tasks have sent records and noted so, and none of which has ended.

    The worker is stopped while that is looked at, so that it holds when the worker is killed.

    :returns: its name, and how many rows each of the parts had settled; ``None`` where no worker is so far.
    """
    for name in WORKERS:
        if is_in_its_middle(airflow, name):
            with airflow.held(name):
                if parts := is_in_its_middle(airflow, name):
                    airflow.kill_with_children(name)
                    return name, parts
    return None


def is_in_its_middle(airflow: CeleryAirflow, worker: str) -> dict[int, int]:
    """Return the parts that a worker loads, and how many rows are settled, where all are in their middle."""
    settled = rows_settled(airflow, RUN)
    loading = [
        each.part for each in tries_of(airflow, RUN) if each.worker == worker and each.state == "running"
    ]
    are_all = len(loading) == SLOTS and all(part in settled for part in loading)
    return {part: settled[part] for part in loading} if are_all else {}


def without_probes(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what people read of a summary: its probes are for sensors."""
    return {key: value for key, value in summary.items() if key != "probes"}


def problems_of_summary(summary: dict[str, Any], rows: int) -> list[str]:
    """Return where the numbers do not add up to those of the file."""
    expected = {"read": rows, "rejected": 0}
    problems = [
        f"the summary has {key} {summary.get(key)}, and must have {value}"
        for key, value in expected.items()
        if summary.get(key) != value
    ]
    if summary.get("upserted", 0) + summary.get("superseded", 0) != rows:
        problems.append(f"upserted and superseded are not {rows} together")
    if not summary.get("retries"):
        problems.append("no request was tried again: there were no faults")
    return problems


def prove(connection: str, last: array[int]) -> list[str]:
    """Ask for all that the stream holds, and compare."""
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook

    os.environ[CLIENT] = connection
    with CdfRecordsHook().get_conn() as client:
        problems = differences(client, STREAM, last, space=SPACE, container=CONTAINER)
    if not problems:
        say(f"Each of {sum(row != NONE for row in last):,} identities holds the values of its last row.")
    return problems


def show_outputs(airflow: CeleryAirflow) -> None:
    for path in sorted(airflow.home.glob("*.out")):
        print(f"--- the end of {path.name}\n{path.read_text(errors='replace')[-3000:]}")


if __name__ == "__main__":
    main()
