"""Measure whole loads into the local server: ``python -m dev.bench_local_server_loads``.

The server runs as its command line starts it, and a loader process runs the operator on a file of flat rows
with a mapping, over a connection as the server prints it, so with gzip. A small load comes first, so that
what is imported once does not count. The CPU seconds of server and loader are told apart.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
WARM_UP = 2000  # rows
IN_MEMORY = Path("/dev/shm")  # noqa: S108 (Linux's file system in memory)
FIVE = ("text", "float64", "int64", "timestamp", "boolean")
TWENTY = (*FIVE * 3, "enum", "date", "direct", "float32", "int32")
LEVELS = ("low", "high", "critical")


@dataclass
class Server:
    """A server that runs, and the Airflow connection to it."""

    process: psutil.Process
    connection: str

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def served(folder: Path, columns: int, checkout: Path) -> Iterator[Server]:
    """Start a server whose database is in a folder.

    :param checkout: the working copy of the project that the server is of.
    """
    definitions = folder / "definitions.json"
    definitions.write_text(json.dumps(_definitions(columns)))
    module = [sys.executable, "-m", "airflow_provider_cdf_records.local_server", "--port", "0"]
    options = ["--database", str(folder / "cdf.sqlite"), "--load", str(definitions)]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    with subprocess.Popen(
        [*module, *options], stdout=subprocess.PIPE, text=True, env=environment, cwd=checkout
    ) as server:
        try:
            lines = iter(server.stdout or ())
            next(lines)
            yield Server(psutil.Process(server.pid), next(lines).partition("=")[2].strip("'\n"))
        finally:
            server.terminate()


def write_rows(path: Path, columns: int, rows: int) -> None:
    """Write flat rows, as CSV or NDJSON by the file's suffix."""
    kinds = _kinds(columns)
    with path.open("w", newline="") as file:
        if path.suffix == ".csv":
            table = csv.writer(file)
            table.writerow(["id", *kinds])
            table.writerows(list(_row(kinds, number).values()) for number in range(rows))
        else:
            file.writelines(json.dumps(_row(kinds, number)) + "\n" for number in range(rows))


def load(server: Server, path: Path, columns: int) -> dict[str, float]:
    """Load a file in a process of its own, and return what it cost."""
    environment = os.environ | {
        "AIRFLOW_CONN_CDF_DEFAULT": server.connection,
        "PYTHONPATH": str(ROOT),
        "AIRFLOW_HOME": str(path.parent / "airflow"),
    }
    command = [sys.executable, "-m", "dev.bench_local_server_loads", "--loader", str(path), str(columns)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT
    ) as loader:
        assert loader.stdin is not None  # noqa: S101 (a pipe is asked for above)
        assert loader.stdout is not None  # noqa: S101
        while loader.stdout.readline().strip() != "ready":  # Airflow may print before
            if loader.poll() is not None:
                sys.exit("The loader failed.")
        before = server.cpu_seconds()
        loader.stdin.write("go\n")
        loader.stdin.flush()
        result = json.loads(loader.stdout.read().splitlines()[-1])
    rows = result["rows"]
    return {
        "records/s": rows / result["seconds"],
        "server CPU s/M": (server.cpu_seconds() - before) / rows * 1e6,
        "loader CPU s/M": result["cpu"] / rows * 1e6,
        "server MB": server.process.memory_info().rss / 1e6,
    }


def run_loader(path: Path, columns: int) -> None:
    """Be the loader process: load a few rows, wait for a line on stdin, load the file, print the cost."""
    few = path.with_name(f"few-{path.name}")
    write_rows(few, columns, WARM_UP)
    _execute(few, columns)
    print("ready", flush=True)
    sys.stdin.readline()
    cpu, started = time.process_time(), time.perf_counter()
    rows = _execute(path, columns)
    seconds = time.perf_counter() - started
    print(json.dumps({"rows": rows, "seconds": seconds, "cpu": time.process_time() - cpu}))


def _execute(path: Path, columns: int) -> int:
    from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

    properties = {
        name: {"column": name, "direct": "plant"} if kind == "direct" else name
        for name, kind in _kinds(columns).items()
    }
    source = {"space": "plant", "container": "Reading", "properties": properties}
    operator = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id="readings",
        path=str(path),
        mapping={"space": "plant", "external_id": "{id}", "sources": [source]},
        rejected_path=str(path.with_suffix(".rejected.ndjson")),
    )
    return int(operator.execute({})["upserted"])


def _kinds(columns: int) -> dict[str, str]:
    return {f"{kind}_{number}": kind for number, kind in enumerate({5: FIVE, 20: TWENTY}[columns])}


def _definitions(columns: int) -> dict[str, Any]:
    types: dict[str, Any] = {kind: {"type": kind} for kind in TWENTY}
    types["enum"]["values"] = {level: {} for level in LEVELS}
    properties = {name: {"type": types[kind]} for name, kind in _kinds(columns).items()}
    container = {"space": "plant", "externalId": "Reading", "properties": properties}
    return {"spaces": ["plant"], "containers": [container], "streams": ["readings"]}


def _row(kinds: dict[str, str], number: int) -> dict[str, Any]:
    moment = (START + timedelta(seconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    values = {
        "text": f"pump {number % 50} of line {number % 7}",
        "float64": number / 7,
        "float32": number % 1000 / 8,
        "int64": number,
        "int32": number % 100_000,
        "timestamp": moment,
        "date": moment[:10],
        "boolean": number % 2 == 0,
        "enum": LEVELS[number % 3],
        "direct": f"pump-{number % 50}",
    }
    return {"id": f"pump-{number % 50}/{number}"} | {name: values[kind] for name, kind in kinds.items()}


def measure(arguments: argparse.Namespace, columns: int, parent: Path | None, checkout: Path) -> None:
    """Load the file into a new database, and then once more, over the records that are there."""
    with tempfile.TemporaryDirectory(dir=parent) as in_parent, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows.{arguments.format}"
        write_rows(path, columns, arguments.rows)
        where = "memory" if parent else "disk"
        with served(Path(in_parent), columns, checkout) as server:
            for what in ("new", "replaced")[: 2 if arguments.again else 1]:
                figures = load(server, path, columns)
                shown = "  ".join(f"{name} {value:9,.1f}" for name, value in figures.items())
                print(f"{columns:2} columns, {where:6}, {what:8}  {shown}  {checkout.name}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loader", nargs=2, metavar=("PATH", "COLUMNS"), help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, nargs="*", choices=(5, 20), default=(5, 20))
    parser.add_argument("--format", choices=("ndjson", "csv"), default="ndjson")
    parser.add_argument("--where", nargs="*", choices=("memory", "disk"), default=("memory", "disk"))
    parser.add_argument("--again", action="store_true", help="load the file a second time, over its records")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument(
        "--checkouts", type=Path, nargs="*", default=[ROOT], help="working copies to compare the servers of"
    )
    arguments = parser.parse_args()
    if arguments.loader:
        run_loader(Path(arguments.loader[0]), int(arguments.loader[1]))
        return
    for _ in range(arguments.rounds):
        for columns in arguments.columns:
            for where in arguments.where:
                for checkout in arguments.checkouts:
                    parent = IN_MEMORY if where == "memory" else None
                    measure(arguments, columns, parent, checkout.resolve())


if __name__ == "__main__":
    main()
