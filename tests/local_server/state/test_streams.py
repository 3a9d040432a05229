"""Streams: what their templates say, how many there can be, how long a deleted one's id stays reserved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from tests.local_server.conftest import Raw, a_record, refusal, set_up

HOUR, DAY = 3600, 86_400
RETAINED = {"BasicLiveData": 42 * DAY, "BasicArchive": 42 * DAY, "ImmutableTestStream": 24 * HOUR}


def create(raw: Raw, stream_id: str, template: str = "BasicLiveData") -> requests.Response:
    settings = {"template": {"name": template}}
    return raw.post("/streams", {"items": [{"externalId": stream_id, "settings": settings}]})


def delete(raw: Raw, stream_id: str) -> None:
    assert raw.post("/streams/delete", {"items": [{"externalId": stream_id}]}).ok


@pytest.mark.parametrize(
    ("template", "kind", "records", "gigabytes", "lifecycle", "interval"),
    [
        ("BasicLiveData", "Mutable", 5_000_000, 15, {"retainedAfterSoftDelete": "P42D"}, None),
        (
            "ImmutableTestStream",
            "Immutable",
            500_000_000,
            500,
            {"retainedAfterSoftDelete": "PT24H", "dataDeletedAfter": "PT168H"},
            "PT168H",
        ),
    ],
)
def test_a_stream_is_what_its_template_says(
    raw: Raw,
    template: str,
    kind: str,
    records: int,
    gigabytes: float,
    lifecycle: dict[str, str],
    interval: str | None,
) -> None:
    assert create(raw, "new", template).status_code == 201
    stream = raw.get("/streams/new").json()
    limits = stream["settings"]["limits"]
    assert (stream["type"], stream["settings"]["lifecycle"]) == (kind, lifecycle)
    assert limits["maxRecordsTotal"] == {"provisioned": records}
    assert limits["maxGigaBytesTotal"] == {"provisioned": gigabytes}
    assert limits.get("maxFilteringInterval") == interval


@pytest.mark.parametrize("template", RETAINED)
def test_the_id_of_a_deleted_stream_is_free_again_when_its_time_is_over(
    tmp_path: Path, template: str
) -> None:
    clock, database = Clock(stopped=True), tmp_path / "cdf.sqlite"
    with LocalServer(database, clock=clock) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        assert create(raw, "reused", template).ok
        path, bounds = "/streams/reused/records", {"lastUpdatedTime": {"gt": 0}}
        assert raw.post(path, {"items": [a_record()]}).ok
        delete(raw, "reused")
        clock.advance(RETAINED[template] - 1)
        raw.headers = {"Authorization": f"Bearer {raw.token()}"}
        assert "its id stays reserved" in refusal(create(raw, "reused"), 409)
    with LocalServer(database, clock=clock) as server:
        raw = Raw(server.url, server.settings)
        clock.advance(1)
        assert create(raw, "reused").ok
        assert raw.post(f"{path}/filter", bounds).json()["items"] == []
        assert raw.upsert(a_record(), stream="reused").ok
        assert "exists already" in refusal(create(raw, "reused"), 409)


def test_a_cursor_misses_nothing_when_another_stream_is_deleted_before_a_restart(tmp_path: Path) -> None:
    path, database = "/streams/mutable/records/sync", tmp_path / "cdf.sqlite"
    with LocalServer(database) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        assert create(raw, "other").ok
        assert raw.upsert(a_record("a")).ok
        assert all(raw.upsert(a_record(str(n)), stream="other").ok for n in range(3))
        cursor = raw.post(path, {"initializeCursor": "0s-ago"}).json()["nextCursor"]
        delete(raw, "other")
    with LocalServer(database) as server:
        raw = Raw(server.url, server.settings)
        assert raw.upsert(a_record("b")).ok
        assert [item["externalId"] for item in raw.post(path, {"cursor": cursor}).json()["items"]] == ["b"]


def test_an_exact_copy_is_one_in_whatever_order_its_properties_come(raw: Raw, server: LocalServer) -> None:
    record, copy = a_record("a", text="x"), a_record("a", text="x")
    properties = copy["sources"][0]["properties"]
    copy["sources"][0]["properties"] = dict(reversed(properties.items()))
    for one in (record, copy):
        assert raw.post("/streams/immutable/records", {"items": [one]}).ok
    assert len(server.records("immutable")) == 1


def test_there_can_be_so_many_streams(tmp_path: Path) -> None:
    clock = Clock(stopped=True)
    with LocalServer(tmp_path / "cdf.sqlite", max_streams=(3, 2), clock=clock) as server:
        raw = Raw(server.url, server.settings)
        assert [create(raw, f"s{number}").status_code for number in range(4)] == [201, 201, 201, 422]
        assert "has 3 active streams, and can have 3" in refusal(create(raw, "more"), 422)
        delete(raw, "s0")
        assert create(raw, "s3").ok
        delete(raw, "s1")
        assert "has 2 deleted streams, and can have 2" in refusal(create(raw, "more"), 422)
        clock.advance(42 * DAY)
        raw.headers = {"Authorization": f"Bearer {raw.token()}"}
        assert create(raw, "more").ok


def test_there_can_be_any_number_of_streams_by_default(raw: Raw) -> None:
    for number in range(40):
        assert create(raw, f"s{number}").ok
        delete(raw, f"s{number}")
    assert all(create(raw, f"t{number}").ok for number in range(10))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, ["kept", "gone"]),
        ({"equals": {"property": ["s", "C", "required"], "value": 1}}, ["kept"]),
        ({"exists": {"property": ["s", "C", "required"]}}, ["kept"]),
        ({"hasData": [{"type": "container", "space": "s", "externalId": "C"}]}, ["kept"]),
        ({"prefix": {"property": ["externalId"], "value": "go"}}, ["gone"]),
        ({"equals": {"property": ["space"], "value": "s"}}, ["kept", "gone"]),
    ],
)
def test_a_tombstone_passes_no_filter_on_properties(raw: Raw, expression: Any, expected: list[str]) -> None:
    assert raw.upsert(a_record("kept"), a_record("gone")).ok
    assert raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "gone"}]}).ok
    body = {"initializeCursor": "1d-ago"} | ({"filter": expression} if expression else {})
    page = raw.post("/streams/mutable/records/sync", body).json()
    assert [item["externalId"] for item in page["items"]] == expected
    assert page["hasNext"] is False
    assert page["nextCursor"]
