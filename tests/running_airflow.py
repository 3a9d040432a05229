"""A real Airflow of separate processes, each of which a test can kill and start again."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from tests.airflow_version import AIRFLOW
from tests.waiting import SOON, wait_until

ROOT = Path(__file__).parent.parent
AIRFLOW_3 = AIRFLOW >= (3, 0)
SERVER = "api-server" if AIRFLOW_3 else "webserver"
COMPONENTS = ("scheduler", "triggerer", *(("dag-processor", SERVER) if AIRFLOW_3 else ()))
ENDED = ("success", "failed")

SOONER = {  # than Airflow's defaults, so that tests are short
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "300",  # seconds: a busy machine fails no task
    "AIRFLOW__CORE__PARALLELISM": "8",  # from Python 3.14 on, each worker imports Airflow anew
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "4",  # then another one takes over
}


@dataclass
class RunningAirflow:
    """The processes of an Airflow, its database and its logs.

    :ivar folder: for the files of its DAGs.
    """

    environment: dict[str, str]
    home: Path
    folder: Path
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, component: str, command: Sequence[str] = (), **settings: str) -> None:
        """Start a part such as ``triggerer``, or a whole Airflow by ``standalone``.

        :param command: the arguments of ``airflow`` that start it, where they are not its name.
        :param settings: more of its environment.
        """
        with (self.home / f"{component}.out").open("ab") as output:
            self.processes[component] = subprocess.Popen(
                [sys.executable, "-m", "airflow", *(command or [component])],
                env=self.environment | settings,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill(self, component: str, how: signal.Signals = signal.SIGKILL) -> None:
        """End a part with all its processes, and wait until it has ended."""
        process = self.processes.pop(component)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(timeout=SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with suppress(ProcessLookupError):  # a scheduler on Python 3.14 leaves processes behind
            os.killpg(process.pid, signal.SIGKILL)

    def command(self, *arguments: str) -> None:
        """Run ``airflow`` with arguments."""
        command = [sys.executable, "-m", "airflow", *arguments]
        subprocess.run(command, env=self.environment, check=True, capture_output=True)

    def trigger(self, run_id: str, dag_id: str, conf: Mapping[str, Any] | None = None) -> None:
        """Start a run of a DAG."""
        if not AIRFLOW_3 or SERVER not in self.processes:
            self.command("dags", "trigger", dag_id, "--run-id", run_id, "--conf", json.dumps(conf or {}))
            return
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}

        def has_started() -> bool:
            try:
                self.ask(f"/api/v2/dags/{dag_id}/dagRuns", body)
            except urllib.error.HTTPError as error:
                if error.code == HTTPStatus.CONFLICT:  # by the request before
                    return True
                if error.code != HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise
                return False  # its database was locked
            return True

        wait_until(has_started)

    def ask(self, path: str, body: Any = None) -> Any:
        """Return the JSON that the API server of Airflow 3 answers with."""
        address = f"http://127.0.0.1:{self.port}"
        with urllib.request.urlopen(f"{address}/auth/token", timeout=SOON) as answer:
            token = json.load(answer)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{address}{path}", data, headers)
        with urllib.request.urlopen(request, timeout=SOON) as answer:
            return json.load(answer)

    def query(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database."""
        with sqlite3.connect(self.home / "airflow.db", timeout=30) as database:
            return database.execute(question, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        """Change the database."""
        with sqlite3.connect(self.home / "airflow.db", timeout=30) as database:
            database.execute(statement, values)

    def state(self, run_id: str) -> str:
        """Return the state of a DAG run."""
        return str(self.query("SELECT state FROM dag_run WHERE run_id = ?", run_id)[0][0])

    def wait_for(self, run_id: str) -> str:
        """Return the state in which a DAG run has ended."""
        wait_until(lambda: self.state(run_id) in ENDED)
        return self.state(run_id)

    def task_states(self, run_id: str) -> dict[str, str | None]:
        """Return the states of the tasks of a DAG run; those of a mapped task by ``task_id[map_index]``."""
        question = "SELECT task_id, map_index, state FROM task_instance WHERE run_id = ?"
        return {
            task_id if index < 0 else f"{task_id}[{index}]": state
            for task_id, index, state in self.query(question, run_id)
        }

    def tries(self, run_id: str, task_id: str | None = None) -> int:
        """Return the number of a task's try."""
        question = "SELECT try_number FROM task_instance WHERE run_id = ? AND task_id = coalesce(?, task_id)"
        return int(self.query(question, run_id, task_id)[0][0])

    def xcom(self, run_id: str, task_id: str | None = None, key: str = "return_value") -> Any:
        """Return an output of a task; ``None`` where there is none."""
        question = "SELECT value FROM xcom WHERE run_id = ? AND task_id = coalesce(?, task_id) AND key = ?"
        found = self.query(question, run_id, task_id, key)
        value = found[0][0] if found else None
        if isinstance(value, bytes):  # Airflow 2
            return json.loads(value)
        while isinstance(value, str) and value[:1] in ('"', "{", "["):  # Airflow 3 has JSON in a text in JSON
            value = json.loads(value)
        return value

    def asset_events(self, name: str) -> list[dict[str, Any]]:
        """Return the ``extra`` of the events of an asset (Airflow 3), in their order."""
        question = (
            "SELECT asset_event.extra FROM asset_event JOIN asset ON asset.id = asset_event.asset_id "
            "WHERE asset.name = ? ORDER BY asset_event.id"
        )
        return [json.loads(extra) for (extra,) in self.query(question, name)]

    def log(self, run_id: str, task_id: str) -> str:
        """Return what a task and its triggers have logged, in all tries."""
        folders = (self.home / "logs").glob(f"dag_id=*/run_id={run_id}/task_id={task_id}")
        files = [path for folder in folders for path in sorted(folder.rglob("*.log"))]
        return "\n".join(path.read_text() for path in files)

    def output(self, component: str) -> str:
        """Return what a part has printed."""
        return (self.home / f"{component}.out").read_text()

    def has_dag(self, dag_id: str) -> bool:
        """Tell whether the scheduler knows a DAG."""
        try:
            return bool(self.query("SELECT 1 FROM serialized_dag WHERE dag_id = ?", dag_id))
        except sqlite3.OperationalError:  # the database is being made
            return False

    def answers(self) -> bool:
        """Tell whether the API server is there, where it was started; tasks of Airflow 3 fail without it."""
        if not self.processes.keys() & {SERVER, "standalone"}:
            return True
        with socket.socket() as asking:
            return asking.connect_ex(("127.0.0.1", self.port)) == 0


Kind = TypeVar("Kind", bound=RunningAirflow)


@contextmanager
def running_airflow(
    dags: Path,
    work: Path,
    settings: Mapping[str, str],
    *,
    components: tuple[str, ...] = COMPONENTS,
    kind: Callable[[dict[str, str], Path, Path, int], Kind] = RunningAirflow,  # type: ignore[assignment]
) -> Iterator[Kind]:
    """Start an Airflow on a folder of DAGs, and end it.

    :param work: an empty folder.
    :param settings: more of its environment, such as connections.
    :param components: the parts to start; ``("standalone",)`` makes the database, too.
    :param kind: what makes the object that is yielded, such as of a class that asks another database.
    """
    home, folder = work / "home", work / "files"
    home.mkdir()
    folder.mkdir()
    port = free_port()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # its parts call `airflow`
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",  # seconds
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__WEBSERVER__WEB_SERVER_PORT": port,  # of Airflow 2
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": free_port(),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": free_port(),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
        **SOONER,
        **settings,
    }
    running = kind(environment, home, folder, int(port))
    if "standalone" not in components:
        running.command("db", "migrate")
    try:
        for component in components:
            running.start(component)
        yield running
    finally:
        for process in running.processes.values():  # all at once, since each takes its time
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for component in list(running.processes):
            running.kill(component, signal.SIGTERM)


def free_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])
