"""Run both example DAGs in a real Airflow against the local server, and show what arrived.

It writes to ``.demo/`` only (and bytecode beside its source), and leaves nothing running.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".demo"
LOGS = WORK / "logs"
START_WITHIN = 120.0  # seconds
CONNECTION_LINE = re.compile(r"AIRFLOW_CONN_CDF_DEFAULT='(?P<connection>.*)'")
DAGS = {"cdf_host_telemetry": "host_telemetry", "cdf_file_to_stream": "host_processes"}
SHOWN_ROWS = 12


@contextmanager
def local_server(database: Path, log: Path, *options: str) -> Iterator[str]:
    """Start the local server on a free port; yields the connection that points at it."""
    command = [
        "-m",
        "airflow_provider_cdf_records.local_server",
        "--port",
        "0",
        "--database",
        str(database),
        "--load",
        str(ROOT / "example_dags" / "cdf.yaml"),
        *options,
    ]
    with log.open("wb") as output:
        server = subprocess.Popen([sys.executable, *command], stdout=output, stderr=subprocess.STDOUT)
        try:
            yield connection_of(server, log)
        finally:
            server.terminate()
            server.wait(timeout=10)


def connection_of(server: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the line with the connection, and return the connection."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and server.poll() is None:
        if found := CONNECTION_LINE.search(log.read_text()):
            return found["connection"]
        time.sleep(0.1)
    sys.exit(f"The local server did not start:\n{log.read_text()}")


def airflow(environment: dict[str, str], log: Path, *arguments: str) -> str:
    """Run an ``airflow`` command and return its output, which also goes to a file."""
    started = time.monotonic()
    print(f"$ airflow {' '.join(arguments)}", end="", flush=True)
    with log.open("wb") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text(errors="replace")
    if done.returncode:
        sys.exit(
            f"\n{text}\nairflow {' '.join(arguments)} failed with exit code {done.returncode}; see {log}"
        )
    seconds = time.monotonic() - started
    print(f"    # {seconds:.0f} s, log: {log.relative_to(ROOT)}")
    return text


def show_stream(stream_id: str) -> None:
    """Print what the stream holds, read through the provider's client."""
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook

    with CdfRecordsHook().get_conn() as cdf:
        count = cdf.count_records(stream_id)
        records = cdf.filter_records(stream_id, limit=SHOWN_ROWS)
    if not count:
        sys.exit(f"Stream {stream_id} is empty.")
    rows = [next(iter(next(iter(record["properties"].values())).values())) for record in records]
    columns = [name for name in rows[0] if name != "run"]
    cells = [columns, *([str(row.get(name, "")) for name in columns] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(columns))]
    print(
        f"\nStream {stream_id} holds {count} records"
        + (f", the first {len(rows)} of them:" if count > len(rows) else ":")
    )
    for row in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print()


def main() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    LOGS.mkdir(parents=True)
    (WORK / "tmp").mkdir()
    settings = {
        "AIRFLOW_HOME": str(WORK / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "example_dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "CDF_EXAMPLE_FOLDER": str(WORK / "tmp"),
        "TMPDIR": str(WORK / "tmp"),
    }
    os.environ.update(settings)
    print("Starting the local server, which stands in for CDF.", flush=True)
    with local_server(WORK / "cdf.sqlite", LOGS / "local_server.log") as connection:
        os.environ["AIRFLOW_CONN_CDF_DEFAULT"] = connection
        environment = dict(os.environ)
        airflow(environment, LOGS / "db_migrate.log", "db", "migrate")
        for dag_id, stream_id in DAGS.items():
            log = airflow(environment, LOGS / f"{dag_id}.log", "dags", "test", dag_id)
            summaries = re.findall(r"Upserted [\d,]+ of .*? records/s\.", log)
            if not summaries:
                sys.exit(f"{log}\n{dag_id} reported no upsert.")
            print(f"  {summaries[-1]}")
            show_stream(stream_id)
    print("The local server is stopped. All files of this run are in .demo/.")


if __name__ == "__main__":
    main()
