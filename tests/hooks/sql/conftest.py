"""Real databases."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_memory import SINK
from tests.local_cdf import PROPERTIES, LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE
from tests.waiting import SOON

WIDE = "Wide"
WIDE_PROPERTIES = {
    "flag": {"type": {"type": "boolean"}},
    "day": {"type": {"type": "date"}},
    "amount": {"type": {"type": "float64"}},
    "code": {"type": {"type": "text"}},
    "data": {"type": {"type": "json"}},
    "tags": {"type": {"type": "text", "list": True}},
    "time": {"type": {"type": "timestamp"}},
    "number": {"type": {"type": "int64"}},
}


def mapping(*, container: str = CONTAINER, external_id: str = "{id}", **properties: Any) -> dict[str, Any]:
    source = {"space": SPACE, "container": container, "properties": properties}
    return {"space": SPACE, "external_id": external_id, "sources": [source]}


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    with local_cdf(monkeypatch) as cdf:
        container = {
            "space": SPACE,
            "externalId": WIDE,
            "usedFor": "record",
            "properties": PROPERTIES | WIDE_PROPERTIES,
        }
        cdf.client.post("/models/containers", {"items": [container]})
        yield cdf


@pytest.fixture
def sqlite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A SQLite file, with the Airflow connection ``lite`` to it."""
    path = tmp_path / "data.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


class Postgres:
    """A server, and a client of the test's own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def connect(self) -> Any:
        import psycopg

        return psycopg.connect(host=self.folder, user="postgres", dbname="postgres", autocommit=True)

    def execute(self, *statements: str) -> list[Any]:
        """Execute statements, and return the rows of the last where it has any."""
        with self.connect() as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def left_over(self) -> list[Any]:
        """Return what still goes on a moment later, when the server has noticed what was closed."""
        deadline = time.monotonic() + SOON
        while (left := self.going_on()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def is_asleep(self) -> bool:
        """Whether a query is in ``pg_sleep``."""
        return bool(self.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))

    def going_on(self) -> list[Any]:
        """Return what goes on for somebody else: the state and text of each query."""
        return self.execute(
            "SELECT state, query FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    pgserver = pytest.importorskip("pgserver", reason="pgserver has no PostgreSQL for Python 3.13")
    logging.getLogger("pgserver").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:  # short: the socket's path is in it
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield Postgres(folder)
        server.cleanup()


@pytest.fixture
def sink() -> Iterator[str]:
    """A server that takes everything and keeps nothing, as a connection."""
    server = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    host = f"http://127.0.0.1:{int(server.stdout.readline())}"
    yield json.dumps({"conn_type": "cdf", "host": host, "schema": "p", "extra": {"token": "t"}})
    server.kill()
    server.wait()
    server.stdout.close()


DRIVERS = ["psycopg", "psycopg2"]


@pytest.fixture
def postgres(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Postgres]]:
    """PostgreSQL with the Airflow connection ``pg``, by the driver that the test asks for."""

    def use(driver: str | None = None, password: str = "pg-secret-word", **extra: Any) -> Postgres:
        from airflow.providers.postgres.hooks import postgres as hooks

        if getattr(hooks, "USE_PSYCOPG3", False):
            monkeypatch.setattr(hooks, "USE_PSYCOPG3", driver != "psycopg2")
        elif driver == "psycopg":
            pytest.skip("Airflow's hook takes psycopg2: its provider is old, or SQLAlchemy older than 2")
        fields = {"conn_type": "postgres", "host": postgres_server.folder, "login": "postgres"}
        fields |= {"password": password, "schema": "postgres", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_PG", json.dumps(fields))
        return postgres_server

    yield use
    postgres_server.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")


def measured_load(code: str, sink: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """Run code in a process of its own, and return the JSON that it prints last: its summary and its memory.

    :param sink: the connection to CDF.
    """
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(root), "AIRFLOW_CONN_CDF_DEFAULT": sink} | environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(measured)
    return measured
