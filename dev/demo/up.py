"""A local server and an Airflow to click through, with loads every minute, until Ctrl-C: ``make demo-up``.

Both keep what they hold in ``.demo-up/``, which the next start makes anew.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from dev.demo.folder import emptied
from dev.demo.in_airflow import settings_for
from dev.demo.server import ROOT, local_server
from dev.own_airflow import forget_the_users_airflow, need_airflow_3
from dev.progress import Progress

WORK = ROOT / ".demo-up"
CDF_PORT, AIRFLOW_PORT = 8765, 8080
READY_WITHIN, ENDS_WITHIN, ASK_WITHIN, LOOK_EVERY = 900.0, 10.0, 60.0, 0.5  # seconds
KILLED_WITHIN = 60.0  # seconds
INSIDE = "--inside"
# They load every minute or two; what they change starts the others.
LIVELY = ("cdf_host_telemetry", "cdf_pump_alarms", "cdf_pump_report", "cdf_raise_alarms", "cdf_watch_stream")
SERVER_OPTIONS = ("--visibility-delay", "3", "--faults", "1", "--fault-rate", "0.2")
READY = """
  Airflow            {airflow}     (no login)
  the local server   {cdf}

What to look at:
  {airflow}/dags/cdf_pump_alarms
    a load every minute: the log of its task `load` has the summary line, `XCom` the numbers, `rejected` is 2
  {airflow}/dags/cdf_pump_report
    a run for each load, started by the stream's asset; see also {airflow}/assets
  {airflow}/dags/cdf_watch_stream
    a run whenever alarms change in the stream, however they do
  {cdf}/
    streams, records and requests; a fifth of the writes gets a fault, and records are seen after 3 s

Files and logs are in {work}/. Ctrl-C ends both."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.demo.up", description=__doc__)
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    need_airflow_3("make demo-up")
    if not arguments.inside and sys.platform == "linux":
        from dev.keeper import run_kept

        code = run_kept([sys.executable, "-u", "-m", "dev.demo.up", INSIDE])
        sys.exit(0 if code == 128 + signal.SIGINT else code)  # Ctrl-C is how it is meant to end
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    forget_the_users_airflow()
    try:
        run(Progress(sys.stdout))
    except KeyboardInterrupt:
        return


def run(progress: Progress) -> None:
    log = WORK / "airflow.log"
    with ExitStack() as stack:
        stack.enter_context(emptied(WORK))
        cdf_port, airflow_port = (
            stack.enter_context(kept_port(wanted)) for wanted in (CDF_PORT, AIRFLOW_PORT)
        )
        cdf, airflow = f"http://127.0.0.1:{cdf_port}", f"http://127.0.0.1:{airflow_port}"
        stack.enter_context(ending_all(progress))
        with progress.doing("Starting the local server, which stands in for CDF"):
            server = local_server(
                WORK / "cdf.sqlite", WORK / "local_server.log", *SERVER_OPTIONS, port=cdf_port
            )
            connection = stack.enter_context(server)
        with progress.doing("Starting Airflow: a scheduler, a triggerer, its pages"):
            settings = airflow_settings(airflow_port) | {"AIRFLOW_CONN_CDF_DEFAULT": connection}
            standalone = start_airflow(settings, log)
            unpause(airflow, standalone, log)
        progress.say(READY.format(airflow=airflow, cdf=cdf, work=WORK.relative_to(ROOT)))
        standalone.wait()
        sys.exit(f"Airflow has ended by itself; {log} says why.")


def start_airflow(settings: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "airflow", "standalone"]
    with log.open("wb") as output:
        return subprocess.Popen(command, env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT)


def airflow_settings(port: int) -> dict[str, str]:
    """Return the environment of an Airflow of its own, whose pages need no login."""
    return settings_for(WORK) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # its parts call `airflow`
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{WORK}/airflow/airflow.db?timeout=60",  # seconds
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE": "True",  # sensors wait in the triggerer
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "300",  # seconds: a busy machine fails no task
        "OBJC_DISABLE_INITIALIZE_FORK_SAFETY": "YES",  # of macOS, which else ends forks of the scheduler
        "no_proxy": "*",  # which macOS else asks for in forks, and crashes
    }


@contextmanager
def kept_port(wanted: int) -> Iterator[int]:
    """Find a port that no other demo takes before its server listens: UDP's of that number is the sign."""
    with socket.socket(type=socket.SOCK_DGRAM) as sign:
        try:
            sign.bind(("127.0.0.1", wanted))
        except OSError:
            wanted = 0
        yield free_port(wanted)


def free_port(wanted: int = 0) -> int:
    """Return a port if it is free, else another one."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
        return int(listening.getsockname()[1])


def unpause(airflow: str, standalone: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for Airflow to answer and to know its DAGs, and have those run that show something."""
    left, deadline = list(LIVELY), time.monotonic() + READY_WITHIN
    while left:
        if standalone.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"Airflow did not start; {log} says why.")
        try:
            ask(airflow, "PATCH", f"/api/v2/dags/{left[0]}", {"is_paused": False})
        except requests.RequestException:  # it does not answer yet, does not know the DAG, or is busy
            time.sleep(LOOK_EVERY)
        else:
            del left[0]


def ask(airflow: str, method: str, path: str, body: Any = None) -> Any:
    """Return what Airflow's API answers to one who needs no password.

    :raises requests.RequestException: it does not answer, or refuses.
    """
    with requests.Session() as session:
        session.trust_env = False  # no proxy is asked for this machine
        token = session.get(f"{airflow}/auth/token", timeout=ASK_WITHIN).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = session.request(method, f"{airflow}{path}", json=body, headers=headers, timeout=ASK_WITHIN)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def ending_all(progress: Progress, within: float = ENDS_WITHIN) -> Iterator[None]:
    """End all processes below this one in the end; on Linux, a keeper ends what this does not find."""
    try:
        yield
    finally:
        with progress.doing("Ending Airflow and the local server"):
            below = psutil.Process().children(recursive=True)
            for each in below:
                with suppress(psutil.NoSuchProcess):
                    each.terminate()
            for each in psutil.wait_procs(below, timeout=within)[1]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(below, timeout=KILLED_WITHIN)


if __name__ == "__main__":
    main()
