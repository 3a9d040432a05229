"""Whether ``make demo-up`` does what it says: both links answer, loads run and start others, Ctrl-C ends all.

``make demo-up CHECK=1``. Needs a minute or two, and Linux or macOS.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

import psutil
import requests

from dev.demo.up import ASK_WITHIN, ask
from dev.progress import Progress

PATIENCE = 900.0  # seconds: no machine takes so long, only what hangs does
ENDED_WITHIN = 120.0  # seconds
LINKS = re.compile(r"^  Airflow +(?P<airflow>http\S+).*\n  the local server +(?P<cdf>http\S+)$", re.MULTILINE)
LOAD, FOLLOWER = "cdf_pump_alarms", "cdf_pump_report"
CHANGES, WATCHER = "cdf_raise_alarms", "cdf_watch_stream"


def main() -> None:
    progress = Progress(sys.stdout)
    started = subprocess.Popen(
        [sys.executable, "-u", "-m", "dev.demo.up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # or Ctrl-C would reach it twice
    )
    seen: list[psutil.Process] = []
    try:
        with progress.doing("Starting what `make demo-up` starts"):
            airflow, cdf = links_of(started)
        for link in (airflow, cdf):
            page = requests.get(f"{link}/", timeout=ASK_WITHIN, proxies={"http": ""})
            page.raise_for_status()
            progress.say(f"{link} answers with {page.status_code}")
        with progress.doing(f"Waiting for a load by {LOAD}, and for {FOLLOWER}, which it starts"):
            wait_until(lambda: has_succeeded(airflow, LOAD) and has_succeeded(airflow, FOLLOWER))
        with progress.doing(f"Changing records by {CHANGES}, and waiting for {WATCHER}, which they start"):
            with suppress(requests.RequestException):  # its schedule does the same, later
                ask(airflow, "POST", f"/api/v2/dags/{CHANGES}/dagRuns", {"logical_date": None})
            wait_until(lambda: has_succeeded(airflow, WATCHER))
        seen = psutil.Process(started.pid).children(recursive=True)
        progress.say(f"{len(seen)} processes are there; now comes Ctrl-C.")
        started.send_signal(signal.SIGINT)
        with progress.doing("Waiting for the end of all of them"):
            wait_until(lambda: started.poll() is not None and not any(map(is_alive, seen)))
        if started.returncode:
            sys.exit(f"It ended with exit code {started.returncode}.")
    finally:
        if started.poll() is None:
            started.send_signal(signal.SIGINT)  # it ends what it has started, which a kill would leave behind
            with suppress(subprocess.TimeoutExpired):
                started.wait(timeout=ENDED_WITHIN)
        started.kill()
        for each in filter(is_alive, seen):
            each.kill()
    progress.say("All of it is as it should be, and no process is left.")


def links_of(started: subprocess.Popen[str]) -> tuple[str, str]:
    """Return the links to Airflow and the local server, as soon as they are printed."""
    printed, output = "", started.stdout
    while output is not None and (line := output.readline()):
        printed += line
        if found := LINKS.search(printed):
            drain(output)
            return found["airflow"], found["cdf"]
    sys.exit(f"It did not start:\n{printed}")


def drain(output: IO[str]) -> None:
    """Read what else is printed, so that nobody waits for it to be read."""
    import threading

    threading.Thread(target=output.read, daemon=True).start()


def has_succeeded(airflow: str, dag_id: str) -> bool:
    with suppress(requests.RequestException):  # Airflow's database may be locked
        runs: dict[str, Any] = ask(airflow, "GET", f"/api/v2/dags/{dag_id}/dagRuns?state=success")
        return bool(runs["total_entries"])
    return False


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"That did not come in {PATIENCE:.0f} s.")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
