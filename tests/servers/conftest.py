"""The servers, each started once a test process, where a test asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hooks.sql.conftest import sink  # noqa: F401 (a fixture)
from tests.servers.databases import Database, connection_fields, mariadb_server, postgres_server
from tests.servers.storages import Azurite, SftpServer, azurite_server, sftp_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    with mariadb_server() as server:
        yield server


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    with azurite_server() as server:
        yield server


@pytest.fixture(scope="session")
def sftp() -> Iterator[SftpServer]:
    with sftp_server() as server:
        yield server


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make the Airflow connection ``db`` of a type (``postgres``, ``mysql``, ``odbc``) to a server."""

    def make(kind: str, server: Database, **extra: Any) -> str:
        monkeypatch.setenv("AIRFLOW__PROVIDERS_ODBC__ALLOW_DRIVER_IN_EXTRA", "True")
        monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps(connection_fields(kind, server, extra)))
        return "db"

    return make
