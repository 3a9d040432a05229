"""Measure how many records a second the local server stores: ``python -m dev.bench_local_server``.

Starts the server as its command line does, and upserts requests of 1000 records over keep-alive connections,
with bodies that are made beforehand, so that only the server is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil

PROPERTIES = {
    "severity": {"type": {"type": "text"}, "nullable": False},
    "value": {"type": {"type": "float64"}},
    "count": {"type": {"type": "int64"}},
    "time": {"type": {"type": "timestamp"}},
    "acknowledged": {"type": {"type": "boolean"}},
}
DEFINITIONS = {
    "spaces": ["plant"],
    "containers": [{"space": "plant", "externalId": "Alarm", "properties": PROPERTIES}],
    "streams": ["alarms"],
}
PROJECT = "/api/v1/projects/local"


def a_body(first: int, count: int) -> bytes:
    source = {"type": "container", "space": "plant", "externalId": "Alarm"}
    items = [
        {
            "space": "plant",
            "externalId": f"pump-{number % 50}/{number}",
            "sources": [
                {
                    "source": source,
                    "properties": {
                        "severity": ("low", "high", "critical")[number % 3],
                        "value": number / 7,
                        "count": number,
                        "time": f"2026-01-02T03:{number % 60:02}:{number // 60 % 60:02}.678Z",
                        "acknowledged": number % 2 == 0,
                    },
                }
            ],
        }
        for number in range(first, first + count)
    ]
    return json.dumps({"items": items}).encode()


def ask(connection: http.client.HTTPConnection, path: str, body: bytes | str, headers: dict[str, str]) -> Any:
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in (200, 202):
        sys.exit(f"{answer.status}: {content[:500]!r}")
    return json.loads(content)


def authorization(connection: dict[str, Any]) -> dict[str, str]:
    """Return the Authorization header for an Airflow connection to the local server."""
    form = {
        "grant_type": "client_credentials",
        "client_id": connection["login"],
        "client_secret": connection["password"],
    }
    netloc = urlsplit(connection["host"]).netloc
    grant = ask(http.client.HTTPConnection(netloc), "/oauth2/token", urlencode(form), {})
    return {"Authorization": f"Bearer {grant['access_token']}"}


def measure(requests: int, parallel: int) -> dict[str, float]:
    """Return records and megabytes a second, the server's CPU seconds, and its memory before and after."""
    with tempfile.TemporaryDirectory() as folder:
        definitions = Path(folder) / "definitions.json"
        definitions.write_text(json.dumps(DEFINITIONS))
        arguments = ["--port", "0", "--database", f"{folder}/cdf.sqlite", "--load", str(definitions)]
        module = [sys.executable, "-m", "airflow_provider_cdf_records.local_server"]
        with subprocess.Popen([*module, *arguments], stdout=subprocess.PIPE, text=True) as server:
            try:
                return _measure(server, requests, parallel)
            finally:
                server.terminate()


def _measure(server: subprocess.Popen[str], requests: int, parallel: int) -> dict[str, float]:
    lines = iter(server.stdout or ())
    next(lines)
    connection = json.loads(next(lines).partition("=")[2].strip("'\n"))
    netloc = urlsplit(connection["host"]).netloc
    headers = authorization(connection)
    bodies = [a_body(number * 1000, 1000) for number in range(requests)]
    process = psutil.Process(server.pid)

    def send(part: list[bytes]) -> None:
        kept_alive = http.client.HTTPConnection(netloc)
        for body in part:
            ask(kept_alive, f"{PROJECT}/streams/alarms/records/upsert", body, headers)
        kept_alive.close()

    send(bodies[: requests // 10])
    early, cpu_before, started = process.memory_info().rss, _cpu_seconds(process), time.perf_counter()
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(send, (bodies[number::parallel] for number in range(parallel))))
    seconds = time.perf_counter() - started
    return {
        "records_per_second": requests * 1000 / seconds,
        "megabytes_per_second": sum(map(len, bodies)) / 1e6 / seconds,
        "cpu_seconds_per_million": (_cpu_seconds(process) - cpu_before) / (requests * 1000) * 1e6,
        "memory_early_mb": early / 1e6,
        "memory_late_mb": process.memory_info().rss / 1e6,
    }


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100, help="of 1000 records each")
    parser.add_argument("--parallel", type=int, default=2, help="connections")
    arguments = parser.parse_args()
    for name, value in measure(arguments.requests, arguments.parallel).items():
        print(f"{name}: {value:,.1f}")


if __name__ == "__main__":
    main()
