"""``python -m dev.bad_rows``: whether bad rows make a load slow.

Loads API-shaped records into a sink that takes a while for each answer: good ones alone, then with one bad
record among every thousand. ``bad values`` do not fit the container, which is known before they are sent;
the others are refused by the sink alone, so that each has to be looked for.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import ThreadingTCPServer
from tempfile import TemporaryDirectory

from dev.benchmarks.data import files
from dev.benchmarks.facts import PROJECT, STREAM, TOKEN
from dev.benchmarks.slow_sink import READY, Sink, Talk
from dev.benchmarks.tables import print_table

REFUSED = b"refused by CDF"
REFUSAL = b'{"error":{"code":400,"message":"A record is refused."}}'
EVERY = 1000  # records, one of which is bad
GOAL = 1.3  # times as long as without bad values


class RefusingTalk(Talk):
    """A connection whose requests are refused where they hold a certain text."""

    def handle(self) -> None:
        while request := self.rfile.readline():
            head = {}
            while line := self.rfile.readline().strip():
                name, _, value = line.partition(b":")
                head[name.lower()] = value.strip()
            body = self.rfile.read(int(head.get(b"content-length", 0)))
            if head.get(b"content-encoding") == b"gzip":
                body = gzip.decompress(body)
            time.sleep(self.server.latency)
            answer = READY[request.split(b" ", 2)[1].partition(b"?")[0]]
            if REFUSED in body:
                answer = b"HTTP/1.1 400 -\r\nContent-Length: %d\r\n\r\n%s" % (len(REFUSAL), REFUSAL)
            self.wfile.write(answer)


def serve(latency: float) -> None:
    """Run the sink on a free port, which is printed."""
    Sink.request_queue_size = 64
    with Sink(0, latency) as sink:
        sink.RequestHandlerClass = RefusingTalk
        print(sink.server_address[1], flush=True)
        ThreadingTCPServer.serve_forever(sink)


@contextmanager
def running_sink(latency: float) -> Iterator[str]:
    command = [sys.executable, "-m", "dev.bad_rows", "--serve", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        if sink.stdout is None:
            raise RuntimeError
        try:
            yield f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        finally:
            sink.kill()


def bad_value(line: bytes) -> bytes:
    return line.replace(b'"acknowledged":', b'"acknowledged":"maybe","was":', 1)


def refused_alone(line: bytes) -> bytes:
    return line.replace(b'"tag":"', b'"tag":"' + REFUSED, 1)


def write(source: Path, target: Path, bad: int, spoil: Callable[[bytes], bytes]) -> None:
    """Copy records, with the given number of bad ones, each in a request of its own."""
    with source.open("rb") as lines, target.open("wb") as copy:
        for number, line in enumerate(lines):
            is_bad = number % EVERY == EVERY // 2 and number // EVERY < bad
            copy.write(spoil(line) if is_bad else line)


def load(path: Path, bad: int) -> float:
    """Return the seconds that a load takes."""
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook

    started = time.perf_counter()
    summary = CdfRecordsHook().upsert_file(STREAM, path, max_rejected=bad)
    if summary.rejected != bad:
        sys.exit(f"{summary.rejected} records were rejected instead of {bad}.")
    return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.bad_rows", description=__doc__)
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds that an answer takes")
    parser.add_argument("--few", type=int, default=3, help="how many are bad where only few are")
    parser.add_argument("--check", action="store_true", help="exit with 1 when the goal is missed")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.latency)
    logging.disable(logging.WARNING)
    many = arguments.records // EVERY
    source = files(arguments.records).api
    cases: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
        "no bad records": (0, bytes),
        f"{many} bad values": (many, bad_value),
        f"{arguments.few} refused by the sink alone": (arguments.few, refused_alone),
        f"{many} refused by the sink alone": (many, refused_alone),
    }
    seconds: dict[str, float] = {}
    with running_sink(arguments.latency) as url, TemporaryDirectory() as folder:
        connection = {"conn_type": "cdf", "host": url, "schema": PROJECT, "extra": {"token": TOKEN}}
        os.environ["AIRFLOW_CONN_CDF_DEFAULT"] = json.dumps(connection)
        path = Path(folder) / "records.ndjson"
        for name, (bad, spoil) in cases.items():
            write(source, path, bad, spoil)
            if not seconds:
                load(path, bad)  # so that all modules are loaded
            seconds[name] = load(path, bad)
    base = next(iter(seconds.values()))
    rows = [
        [name, f"{taken:.1f}", f"{arguments.records / taken:,.0f}", f"{taken / base:.2f}"]
        for name, taken in seconds.items()
    ]
    print_table(["records", "seconds", "records/s", "times as long"], rows)
    held = seconds[f"{many} bad values"] <= GOAL * base
    print(f"Bad values make a load at most {GOAL} times as long: {'yes' if held else 'NO'}.")
    return int(arguments.check and not held)


if __name__ == "__main__":
    sys.exit(main())
