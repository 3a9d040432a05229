"""The local server in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 120.0  # seconds
CONNECTION_LINE = re.compile(r"AIRFLOW_CONN_CDF_DEFAULT='(?P<connection>.*)'")


@contextmanager
def local_server(database: Path, log: Path, *options: str, port: int = 0) -> Iterator[str]:
    """Start the local server, on any free port by default; yields the connection that points at it."""
    command = [
        "-m",
        "airflow_provider_cdf_records.local_server",
        "--port",
        str(port),
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
