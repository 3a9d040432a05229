"""Airflow with ``CeleryExecutor`` on Redis and PostgreSQL, and two workers, one of which can be killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from dev.celery_demo.worker_name import VARIABLE
from tests.running_airflow import RunningAirflow, running_airflow
from tests.servers.databases import DATABASE, PASSWORD, POSTGRES_BINARIES, postgres_server
from tests.servers.processes import answers, free_port, program, running

REDIS = "redis-server"
WORKERS = ("worker-1", "worker-2")
SLOTS = 2  # tasks that a worker runs at a time
COMPONENTS = ("api-server", "scheduler", "dag-processor")
START_WITHIN = 300.0  # seconds
HEARTBEAT = 3  # seconds
LOST_AFTER = 30  # seconds without a heartbeat, after which the scheduler takes a task for lost

SETTINGS = {
    "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
    "AIRFLOW__CORE__HOSTNAME_CALLABLE": "dev.celery_demo.worker_name.worker_name",
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": str(SLOTS),
    # A worker takes no task that it has no slot for, and none is gone with it: each is either waiting in
    # Redis, where the other worker finds it, or running, where the scheduler misses its heartbeats.
    "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
    "AIRFLOW__CELERY__TASK_ACKS_LATE": "True",
    # Longer than any load: what a worker has taken is handed out again after this time, running or not.
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "21600",
    # A lost task is noticed after the second (300 by default), and tried again after its `retry_delay`.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": str(HEARTBEAT),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(LOST_AFTER),
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


@dataclass
class CeleryAirflow(RunningAirflow):
    """An Airflow of separate processes whose database is a PostgreSQL.

    :ivar database: opens connections to it.
    """

    database: Callable[[], Any] = field(kw_only=True)

    def query(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """Ask the database; values stand at question marks."""
        with closing(self.database()) as connection:
            return list(connection.execute(question.replace("?", "%s"), values).fetchall())

    def has_dag(self, dag_id: str) -> bool:
        """Tell whether the scheduler knows a DAG."""
        return bool(self.query("SELECT 1 FROM serialized_dag WHERE dag_id = ?", dag_id))

    def start_worker(self, name: str) -> None:
        """Start a Celery worker, whose tasks have its name for their host."""
        command = ("celery", "worker", "--celery-hostname", name, "--skip-serve-logs", "--without-gossip")
        self.start(name, command, **{VARIABLE: name})

    def processes_of(self, component: str) -> list[psutil.Process]:
        """Return the processes of a part, and those that they have started, in any group."""
        first = psutil.Process(self.processes[component].pid)
        return [first, *first.children(recursive=True)]

    @contextmanager
    def held(self, component: str) -> Iterator[None]:
        """Stop a part with all that it has started, so that nothing of it changes; then let it go on."""
        stopped: set[psutil.Process] = set()
        while new := set(self.processes_of(component)) - stopped:
            for process in new:
                with suppress(psutil.NoSuchProcess):
                    process.suspend()
            stopped |= new
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.resume()

    def kill_with_children(self, component: str) -> int:
        """Kill a part with all that it has started, and return how many processes that were."""
        processes = self.processes_of(component)
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.kill(component)
        psutil.wait_procs(processes, timeout=START_WITHIN)
        return len(processes)

    def wait_until(self, what: str, is_so: Callable[[], Any], patience: float = START_WITHIN) -> Any:
        """Return what a function returns as soon as that is true; fail when a part has ended by then."""
        deadline = time.monotonic() + patience
        while not (found := is_so()):
            for component, process in self.processes.items():
                if process.poll() is not None:
                    raise RuntimeError(f"{component} ended with {process.returncode} while waiting {what}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Waited {patience:.0f} s in vain {what}")
            time.sleep(0.1)
        return found

    def worker_is_ready(self, name: str) -> bool:
        return f"celery@{name} ready" in self.output(name)


def find_servers() -> None:
    """Fail where a server is not installed."""
    program(REDIS)
    program(POSTGRES_BINARIES.format("postgres"), "postgres")


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """A Redis that keeps nothing on disk; yields its port."""
    port = free_port()
    command = [program(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with running([*command, "--save", "", "--appendonly", "no"], lambda: answers(port), folder):
        yield port


@contextmanager
def celery_airflow(dags: Path, work: Path, settings: Mapping[str, str]) -> Iterator[CeleryAirflow]:
    """Start Redis, PostgreSQL and Airflow with two workers; end them.

    :param work: an empty folder.
    """
    (work / "redis").mkdir()
    with redis_server(work / "redis") as redis, postgres_server() as database:
        address = f"{database.user}:{PASSWORD}@127.0.0.1:{database.port}/{DATABASE}"
        all_settings = {
            **SETTINGS,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg://{address}",
            "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{redis}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg://{address}",
            **settings,
        }

        def kind(*arguments: Any) -> CeleryAirflow:
            return CeleryAirflow(*arguments, database=database.connect)

        with running_airflow(dags, work, all_settings, components=COMPONENTS, kind=kind) as airflow:
            for name in WORKERS:
                airflow.start_worker(name)
            yield airflow
