"""What the page asks the server for: small answers, for this page only."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, set_up
from tests.waiting import PATIENCE

PATHS = ("/", "/ui/page.js", "/ui/page.css", "/ui/state", "/ui/records?stream=mutable", "/ui/containers")
DATA = ("/ui/state", "/ui/records?stream=mutable", "/ui/record", "/ui/containers", "/ui/container")


def ask(server: LocalServer, path: str, **parameters: str) -> Any:
    return requests.get(f"{server.url}/ui/{path}", params=parameters, timeout=PATIENCE).json()


@pytest.mark.parametrize("path", PATHS)
def test_a_web_site_can_not_have_a_browser_read_it(server: LocalServer, raw: Raw, path: str) -> None:
    rebound = requests.get(server.url + path, headers={"Host": "attacker.example.com:8765"}, timeout=PATIENCE)
    assert rebound.status_code == 403
    for host in ("localhost:8765", "127.0.0.1:8765", "[::1]:8765"):
        answer = requests.get(server.url + path, headers={"Host": host}, timeout=PATIENCE)
        assert answer.status_code == 200
        assert "access-control-allow-origin" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", DATA)
def test_a_web_site_can_not_even_ask_for_data(server: LocalServer, path: str) -> None:
    for site, is_refused in (("cross-site", True), ("same-site", True), ("same-origin", False)):
        answer = requests.get(server.url + path, headers={"Sec-Fetch-Site": site}, timeout=PATIENCE)
        assert (answer.status_code == 403) == is_refused
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_what_has_changed_is_sent_again(server: LocalServer, raw: Raw) -> None:
    first = ask(server, "state")
    assert first["isAll"]
    assert len(first["requests"]) >= 4
    again = ask(server, "state", seen=first["seen"])
    assert (again["isAll"], again["requests"]) == (False, [])
    server.clock.advance(10)
    raw.upsert(a_record("a"))
    after = ask(server, "state", seen=again["seen"])
    assert [one["path"] for one in after["requests"]] == ["local/streams/mutable/records/upsert"]
    assert [counts[1:] for counts in after["activity"][-1:]] == [[1, 1, 0]]
    assert len(after["activity"]) <= 2
    for unknown in ("another.3.4", "..", "x", first["seen"] + "0" * 100):
        assert ask(server, "state", seen=unknown)["isAll"]


def test_what_is_kept_of_requests_is_bounded(server: LocalServer, raw: Raw) -> None:
    for _ in range(150):
        raw.post("/streams/mutable/records/filter", {"filter": {"x" * 5000: 1}})
    shown = ask(server, "state")["requests"]
    assert len(shown) == 100
    assert max(len(one["refusal"]) for one in shown) == 2000


def test_a_record_of_many_properties_is_small_in_a_list(server: LocalServer, raw: Raw) -> None:
    properties = {f"p{number}": {"type": {"type": "text"}} for number in range(50)}
    container = {"space": "s", "externalId": "Wide", "usedFor": "record", "properties": properties}
    assert raw.post("/models/containers", {"items": [container]}).ok
    source = {"type": "container", "space": "s", "externalId": "Wide"}
    held = dict.fromkeys(properties, "x" * 1000)
    raw.upsert(a_record("a") | {"sources": [{"source": source, "properties": held}]})
    (record,) = ask(server, "records", stream="mutable")["records"]
    assert (len(record["properties"]), record["moreProperties"]) == (12, 38)
    assert max(len(one["value"]) for one in record["properties"]) == 201
    whole = ask(server, "record", stream="mutable", space="s", externalId="a")
    assert whole["json"].count("x" * 1000) == 50


@pytest.mark.parametrize(
    ("path", "parameters", "status", "words"),
    [
        ("records", {"stream": "none"}, 404, "Stream 'none' does not exist."),
        ("records", {"stream": "mutable", "after": "x"}, 400, "after: 'x' is not the end of a page."),
        ("records", {"stream": "mutable", "filter": "["}, 400, "filter: not JSON: "),
        ("record", {"stream": "mutable", "space": "s", "externalId": "b"}, 404, "Record s/b does not exist"),
        ("container", {"space": "s", "externalId": "None"}, 404, "Container s/None does not exist."),
    ],
)
def test_what_does_not_exist_or_makes_no_sense_is_refused(
    server: LocalServer, raw: Raw, path: str, parameters: dict[str, str], status: int, words: str
) -> None:
    answer = requests.get(f"{server.url}/ui/{path}", params=parameters, timeout=PATIENCE)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].startswith(words)


def test_every_part_of_the_page_is_served(server: LocalServer) -> None:
    page = requests.get(server.url, timeout=PATIENCE).text
    assert page.count("/ui/") == 4
    for name in ("dom", "format", "plot", "requests", "records", "record", "streams", "containers", "panel"):
        answer = requests.get(f"{server.url}/ui/{name}.js", timeout=PATIENCE)
        assert answer.headers["content-type"].startswith("text/javascript")


def test_a_new_project_needs_no_set_up_to_be_looked_at(server: LocalServer) -> None:
    assert ask(server, "state")["streams"] == []
    set_up(Raw(server.url, server.settings))
    assert ask(server, "records", stream="immutable") == {"records": [], "next": None, "examined": 0}
