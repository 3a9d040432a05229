from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from airflow_provider_cdf_records.client import CdfClient, ClientConfig, ClientCredentials, RetryPolicy
from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from tests.scripted_server import Answer, ScriptedServer

SECRET = "very-secret-indeed"
QUICK = RetryPolicy(max_attempts=4, max_wait=5, base=0.01, cap=0.05)

MakeClient = Callable[..., CdfClient]


def a_token(token: str = "token-1", expires_in: float = 3600) -> Answer:
    return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": expires_in})


def an_error(status: int, message: str = "no", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"code": status, "message": message}}, named)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.answer("/token", a_token())
        server.answer("/upsert", Answer(202))
        yield server


@pytest.fixture
def make_client(server: ScriptedServer) -> Iterator[MakeClient]:
    clients = []

    def make(*, clock: Clock = SYSTEM, **changes: object) -> CdfClient:
        settings: dict[str, object] = {
            "base_url": server.url,
            "project": "p",
            "auth": ClientCredentials("id", SECRET, f"{server.url}/token", scopes="a b"),
            "gzip": False,
            "environment": False,
            "retry": QUICK,
        }
        client = CdfClient(ClientConfig(**(settings | changes)), clock=clock)  # type: ignore[arg-type]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> CdfClient:
    return make_client()
