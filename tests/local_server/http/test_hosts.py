"""Requests for the names of others are refused: with DNS rebinding, they come from a web site."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, refusal, set_up
from tests.waiting import PATIENCE

OURS = [
    *("localhost", "LOCALHOST:1", "localhost.", "127.0.0.1", "127.0.0.1:8765", "127.0.0.2"),
    *("[::1]", "[::1]:8765", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]"),
]
FOREIGN = [
    "attacker.example.com",
    "attacker.example.com:8765",
    "cdf",
    "192.168.1.5:8765",
    "attacker.example.com.",
    "localhost.evil.com",
    "[::2]",
    "[",
    "",
]
ASKS = {
    "page": ("GET", "/", None),
    "state of the page": ("GET", "/ui/state", None),
    "token": ("POST", "/oauth2/token", {}),
    "inspect": ("GET", "/api/v1/token/inspect", None),
    "streams": ("GET", "/api/v1/projects/local/streams", None),
    "upsert": ("POST", "/api/v1/projects/local/streams/mutable/records/upsert", {"items": [a_record()]}),
    "nothing": ("GET", "/nothing", None),
}


def ask(url: str, what: str, host: str, headers: dict[str, str]) -> requests.Response:
    method, path, body = ASKS[what]
    content: dict[str, Any] = {"json": body} if body else {}
    if what == "token":
        content = {"data": {"grant_type": "client_credentials", "client_id": "local-client"}}
    return requests.request(method, url + path, headers=headers | {"Host": host}, timeout=PATIENCE, **content)


@pytest.mark.parametrize("what", ASKS)
def test_a_server_of_this_machine_answers_to_its_names_only(server: LocalServer, raw: Raw, what: str) -> None:
    for host in OURS:
        assert ask(server.url, what, host, raw.headers).status_code != 403
    for host in FOREIGN:
        message = refusal(ask(server.url, what, host, raw.headers), 403)
        assert repr(host) in message
        assert "--allow-host NAME" in message
    assert len(server.records("mutable")) == (what == "upsert")


def test_names_can_be_allowed() -> None:
    with LocalServer(allowed_hosts=["host.docker.internal", "Cdf"]) as server:
        raw = Raw(server.url, server.settings)
        for host in ("host.docker.internal:8765", "cdf"):
            assert ask(server.url, "streams", host, raw.headers).ok
        refusal(ask(server.url, "streams", "other.docker.internal", raw.headers), 403)


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("Cdf:8765", "cdf"),
        ("cdf.", "cdf"),
        ("cdf", "CDF.:80"),
        ("192.168.1.5:8765", "192.168.1.5"),
        ("fd00:0::5", "[fd00::5]:8765"),
        ("[fd00::5]", "[fd00::5]"),
    ],
)
def test_a_name_is_the_same_however_it_is_written(allowed: str, host: str) -> None:
    with LocalServer(allowed_hosts=[allowed]) as server:
        assert ask(server.url, "page", host, {}).ok


@pytest.mark.parametrize("allowed", ["", ":8765", "http://cdf:8765", "me@cdf", "a cdf", "["])
def test_what_is_no_name_cannot_be_allowed(allowed: str) -> None:
    with pytest.raises(ValueError, match="must be a name such as"):
        LocalServer(allowed_hosts=[allowed])


@pytest.mark.parametrize("name", ["LOCALHOST", "127.1"])
def test_it_is_the_address_that_tells_whether_only_this_machine_reaches_it(name: str) -> None:
    with LocalServer(host=name) as server:
        assert ask(server.url, "page", name, {}).ok
        for what in ASKS:
            refusal(ask(server.url, what, "cdf", {}), 403)


@pytest.fixture
def open_server() -> Iterator[LocalServer]:
    with LocalServer(host="0.0.0.0") as server:
        yield server


def test_a_server_for_other_machines_answers_to_any_name_but_its_page_to_none_of_a_public_kind(
    open_server: LocalServer,
) -> None:
    raw = Raw(open_server.url, open_server.settings)
    set_up(raw)
    for host in ("cdf", "cdf.team.svc.cluster.local:8765", "192.168.1.5:8765"):
        assert ask(open_server.url, "upsert", host, raw.headers).ok
    for host in ("cdf:8765", "192.168.1.5:8765", "[fd00::5]:8765"):
        assert ask(open_server.url, "state of the page", host, {}).ok
    refusal(ask(open_server.url, "state of the page", "attacker.example.com", {}), 403)
