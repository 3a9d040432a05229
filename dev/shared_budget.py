"""Measure how loads in separate processes share a project's write budget: ``python -m dev.shared_budget``.

Starts the local server with ``--parallel-writes`` and ``--latency``, as its command line does, and a process
a load. All begin at once and send requests of a few records, so that the budget is the limit and not this
machine. In the first row, they want as much as the budget carries, so that none is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BUDGET = 20  # writes at a time, about what CDF allows a project
LATENCY = 0.2  # seconds of a request
REQUESTS = 60  # of each place that a load may take
NOTED_EVERY = 0.2  # seconds
RECORDS = 5  # of a request
STREAM = "alarms"
DEFINITIONS = {
    "spaces": ["plant"],
    "containers": [
        {"space": "plant", "externalId": "Alarm", "properties": {"value": {"type": {"type": "float64"}}}}
    ],
    "streams": [STREAM],
}


@dataclass
class Loaded:
    """What one load did, with its start and end in seconds by the machine's clock.

    :param progress: moments, and how many requests were accepted by then.
    :param limit: requests that it would have sent at a time at its end.
    """

    number: int
    records: int
    requests: int
    retries: int
    paused: float
    limit: int
    started: float
    ended: float
    progress: list[tuple[float, int]]
    error: str | None = None


@dataclass
class Outcome:
    """Loads that ran together."""

    loads: list[Loaded]

    @property
    def seconds(self) -> float:
        return max(load.ended for load in self.loads) - min(load.started for load in self.loads)

    @property
    def first_end(self) -> float:
        """When the first load ended: from then on the others may take its share."""
        return min(load.ended for load in self.loads)

    @property
    def pace(self) -> float:
        """Accepted requests a second, until the first load ended."""
        seconds = self.first_end - min(load.started for load in self.loads)
        return sum(self._done_then()) / seconds

    @property
    def least_share(self) -> float:
        """What the slowest load had done when the first one ended, as a share of an equal share."""
        done = self._done_then()
        return min(done) * len(done) / sum(done)

    def _done_then(self) -> list[int]:
        """Return the requests of each load that were accepted when the first load ended."""
        return [
            max(
                (accepted for at, accepted in load.progress if at <= self.first_end),
                default=0,
            )
            for load in self.loads
        ]

    @property
    def refused(self) -> float:
        """The share of requests that were answered 429."""
        return sum(load.retries for load in self.loads) / sum(load.requests for load in self.loads)

    @property
    def spread(self) -> float:
        """How many times as long as the first load the last one took."""
        times = [load.ended - load.started for load in self.loads]
        return max(times) / min(times)


@contextmanager
def server(budget: int, latency: float) -> Iterator[dict[str, str]]:
    """Start a local server with a write budget, and yield the environment that leads to it."""
    with tempfile.TemporaryDirectory() as folder:
        definitions = Path(folder) / "definitions.json"
        definitions.write_text(json.dumps(DEFINITIONS))
        command = [sys.executable, "-m", "airflow_provider_cdf_records.local_server", "--port", "0"]
        command += ["--database", f"{folder}/cdf.sqlite", "--load", str(definitions)]
        command += ["--parallel-writes", str(budget), "--latency", str(latency)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                lines = iter(process.stdout or ())
                next(lines)
                connection = next(lines).partition("=")[2].strip("'\n")
                home = {"AIRFLOW_HOME": folder, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
                yield os.environ | home | {"AIRFLOW_CONN_CDF_DEFAULT": connection}
            finally:
                process.terminate()


def run_loads(
    environment: dict[str, str], loads: int, concurrency: int, requests: int, first: int = 0
) -> Outcome:
    """Run loads together, each in a process of its own, and return what they did.

    :param concurrency: each one's ``max_concurrency``.
    :param requests: of each load, at least.
    :param first: the number of the first, which its records' identities begin with.
    """
    command = [sys.executable, "-m", "dev.shared_budget", "--as-load", str(concurrency), str(requests)]
    processes = [
        subprocess.Popen(
            [*command, str(first + number)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(loads)
    ]
    try:
        for process in processes:
            _read_line(process, "ready")
        for process in processes:
            print("go", file=process.stdin, flush=True)
        done = [Loaded(**json.loads(_read_line(process, "{"))) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    return Outcome(done)


def _read_line(process: subprocess.Popen[str], beginning: str) -> str:
    """Return the next line that begins so; the log may print others."""
    for line in process.stdout or ():
        if line.startswith(beginning):
            return line
    msg = f"a load ended with {process.wait()} before it was done"
    raise RuntimeError(msg)


def _run_load(concurrency: int, requests: int, number: int) -> None:
    """Run one load when told to, and print what it did as JSON."""
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
    from airflow_provider_cdf_records.load import Load, batches
    from airflow_provider_cdf_records.load.verbs import UPSERT
    from airflow_provider_cdf_records.sources import RecordsSource

    batches.MAX_RECORDS = RECORDS
    source = {"type": "container", "space": "plant", "externalId": "Alarm"}
    rows = (
        {
            "space": "plant",
            "externalId": f"{number}/{row}",
            "sources": [{"source": source, "properties": {"value": row / 7}}],
        }
        for row in range(requests * RECORDS)
    )
    client: CdfClient = CdfRecordsHook(max_concurrency=concurrency).get_conn()
    client.retrieve_stream(STREAM)  # with the token, so that the load measures nothing else
    print("ready", flush=True)
    sys.stdin.readline()
    started = time.time()
    progress = [(started, 0)]
    has_ended = threading.Event()

    def note_progress() -> None:
        while not has_ended.wait(NOTED_EVERY):
            traffic = client.traffic
            progress.append((time.time(), max(0, traffic.requests - traffic.retries - concurrency)))

    threading.Thread(target=note_progress, daemon=True).start()
    load = Load(client, UPSERT, STREAM, RecordsSource(rows))
    error = None
    try:
        summary = load.run()
        accepted = summary.accepted
    except Exception as failure:
        error, accepted = str(failure), 0
    has_ended.set()
    traffic = client.traffic
    progress.append((time.time(), traffic.requests - traffic.retries))
    done = Loaded(
        number=number,
        records=accepted,
        requests=traffic.requests,
        retries=traffic.retries,
        paused=traffic.throttled_seconds,
        limit=client.limit,
        started=started,
        ended=time.time(),
        progress=progress,
        error=error,
    )
    print(json.dumps(asdict(done)), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.shared_budget", description=__doc__)
    parser.add_argument("--budget", type=int, default=BUDGET, help="writes at a time")
    parser.add_argument("--latency", type=float, default=LATENCY, help="seconds of a request")
    parser.add_argument(
        "--requests", type=int, default=REQUESTS, help="of each place of each load's concurrency"
    )
    parser.add_argument(
        "--loads",
        nargs="+",
        default=["5x4", "8x4", "16x4", "4x16"],
        metavar="NxM",
        help="loads x max_concurrency",
    )
    parser.add_argument("--as-load", type=int, nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.as_load:
        _run_load(*given.as_load)
        return 0
    print(
        f"A budget of {given.budget} writes at a time, each of {given.latency:g} s: at most "
        f"{given.budget / given.latency:.0f} requests/s.\n"
    )
    columns = [
        "loads",
        "wanted",
        "requests/s",
        "of the budget",
        "answered 429",
        "least share",
        "last / first",
        "limits",
        "failed",
    ]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for pair in given.loads:
        loads, concurrency = map(int, pair.split("x"))
        with server(given.budget, given.latency) as environment:
            outcome = run_loads(environment, loads, concurrency, given.requests * concurrency)
        print(_row(pair, loads * concurrency, outcome, given.budget / given.latency), flush=True)
    return 0


def _row(pair: str, wanted: int, outcome: Outcome, most: float) -> str:
    pace = outcome.pace
    limits = sorted(load.limit for load in outcome.loads)
    cells: list[Any] = [
        pair,
        wanted,
        f"{pace:.0f}",
        f"{pace / most:.0%}",
        f"{outcome.refused:.1%}",
        f"{outcome.least_share:.2f}",
        f"{outcome.spread:.2f}",
        f"{limits[0]}-{limits[-1]}",
        sum(load.error is not None for load in outcome.loads),
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
