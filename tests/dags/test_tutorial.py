"""The tutorial, as it stands in the documentation: its files are written and its commands run, in order."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.airflow_version import AIRFLOW
from tests.dags.conftest import ROOT
from tests.running_airflow import free_port
from tests.waiting import SOON, wait_until

pytestmark = pytest.mark.skipif(AIRFLOW < (3, 3), reason="its pictures and texts are of Airflow 3.3")

TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
NOT_RUN = re.compile(r"<!-- not run: .*? -->\n *```.*?```", re.DOTALL)
FILE_NAME = re.compile(r"# (\S+)\n")
GOES_ON_RUNNING = ("python -m airflow_provider_cdf_records.local_server", "airflow standalone")
KEPT = "env -0 > .environment"


@dataclass
class Reader:
    """Does what the tutorial says.

    :ivar servers: what goes on running, by the first words of its command.
    """

    folder: Path
    ports: dict[str, str]
    environment: dict[str, str]
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def follow(self, tutorial: str) -> None:
        output = ""
        for written, used in self.ports.items():
            tutorial = tutorial.replace(written, used)
        for _, language, text in BLOCK.findall(NOT_RUN.sub("", tutorial)):
            if language == "python":
                name = FILE_NAME.match(text)
                assert name, f"A file without a name: {text}"
                (self.folder / name[1]).write_text(text)
            elif language == "text":
                for line in text.splitlines():
                    assert same_line(line) in same_line(output), f"{line!r} is not in {output[-6000:]}"
            else:
                assert language == "console"
                output = self.enter(text)

    def enter(self, commands: str) -> str:
        """Enter commands into a shell, and return what they print."""
        if commands.startswith(GOES_ON_RUNNING):
            return self.start(commands)
        done = subprocess.run(
            ["bash", "-e", "-c", f"{commands}\n{KEPT}"],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout[-6000:]}"
        kept = (self.folder / ".environment").read_text().split("\0")
        self.environment = dict(line.split("=", 1) for line in kept if line)
        return done.stdout

    def start(self, command: str) -> str:
        """Start what goes on running, and return what it prints until it is ready."""
        (name,) = [name for name in GOES_ON_RUNNING if command.startswith(name)]
        output = self.folder / f".{len(self.servers)}.out"
        # Of the page's two ports, only that of the local server is in its commands.
        port = f" --port {self.ports['8765']}" if "local_server" in name else ""
        with output.open("wb") as file:
            self.servers[name] = subprocess.Popen(
                ["bash", "-c", f"exec {command.rstrip()}{port}"],
                env=self.environment,
                cwd=self.folder,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        address = ("127.0.0.1", int(self.ports["8765" if port else "8080"]))
        ready = "For Airflow:" if port else "Password for user 'admin'"
        wait_until(lambda: ready in output.read_text() and answers(address))
        return output.read_text()

    def end(self) -> None:
        for process in self.servers.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(timeout=SOON)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def answers(address: tuple[str, int]) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(address) == 0


def same_line(text: str) -> str:
    """Leave out what is another in each run, such as how wide a terminal is."""
    return re.sub(r"\s+", " ", text)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment = clean | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "300",  # seconds: a busy machine fails no task
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
    }
    reader = Reader(tmp_path, {"8765": free_port(), "8080": port}, environment)
    yield reader
    reader.end()


def states(home: Path) -> list[str]:
    """Return the states of the DAG's scheduled runs."""
    question = "SELECT state FROM dag_run WHERE dag_id = 'alarms_to_cdf' AND run_type = 'scheduled'"
    with sqlite3.connect(home / "airflow.db", timeout=30) as database:
        return [state for (state,) in database.execute(question)]


def records(database: Path) -> dict[str, float | None]:
    """Return what the tutorial's local server holds: the value of each alarm."""
    from airflow_provider_cdf_records.local_server import LocalServer

    with LocalServer(database) as server:
        found = server.records("alarms")
    return {one["externalId"]: one["properties"]["plant"]["Alarm"].get("value") for one in found}


@pytest.mark.timeout(1500)
def test_the_tutorial_ends_with_a_dag_on_its_schedule_and_the_records_in_the_stream(
    reader: Reader, tmp_path: Path
) -> None:
    reader.follow(TUTORIAL)
    wait_until(lambda: "success" in states(tmp_path / "airflow"))
    passwords = tmp_path / "airflow/simple_auth_manager_passwords.json.generated"
    assert json.loads(passwords.read_text())["admin"]
    reader.end()
    assert records(tmp_path / "cdf.sqlite") == {
        "pump-7/02.01.2026 03:04:05": 12.5,
        "pump-8/02.01.2026 03:04:05": None,
        "pump-7/02.01.2026 03:05:00": 13.25,
        "pump-7/03.01.2026 06:00:00": 11.75,
        "pump-9/03.01.2026 06:10:00": 11.5,
    }
