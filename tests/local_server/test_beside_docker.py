"""A container reaches the local server by the name that Docker gives to the machine."""

from __future__ import annotations

import json
import re
import socket
from typing import Any

import pytest
import yaml

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from tests.dags.conftest import ROOT

NAME = "host.docker.internal"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the connection of the documentation, and have its host's name mean this machine."""
    resolve = socket.getaddrinfo

    def as_in_a_container(host: Any, *others: Any, **more: Any) -> Any:
        return resolve("127.0.0.1" if host == NAME else host, *others, **more)

    monkeypatch.setattr(socket, "getaddrinfo", as_in_a_container)
    page = (ROOT / "docs/local-server.md").read_text()
    (service,) = re.findall(r"```yaml\n(x-airflow-common:.*?)```", page, re.DOTALL)
    environment = yaml.safe_load(service)["x-airflow-common"]["environment"]
    return str(environment["AIRFLOW_CONN_CDF_DEFAULT"])


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_connection_for_a_container_reaches_a_server_that_answers_to_the_name(
    connection: str, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with LocalServer(host=host, allowed_hosts=[NAME]) as server:
        port = server.url.rpartition(":")[2]
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", connection.replace("8765", port))
        works, message = CdfRecordsHook("cdf_default").test_connection()
    assert works, message
    assert f"http://{NAME}:{port}" in message


def test_a_server_that_was_not_told_the_name_refuses_it(
    connection: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalServer() as server:
        port = server.url.rpartition(":")[2]
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", connection.replace("8765", port))
        works, message = CdfRecordsHook("cdf_default").test_connection()
    assert not works
    assert "403" in message


def test_the_connection_in_the_documentation_is_json(connection: str) -> None:
    assert json.loads(connection)["conn_type"] == "cdf"
