"""Where writes are no transactions, a refused request stores its good records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, refusal, set_up


@pytest.fixture
def partly(tmp_path: Path) -> Iterator[Raw]:
    with LocalServer(tmp_path / "cdf.sqlite", partial_writes=True) as server:
        raw = Raw(server.url, server.settings)
        set_up(raw)
        yield raw


def bad(external_id: str) -> dict[str, Any]:
    return a_record(external_id, required="no number")


@pytest.mark.parametrize("operation", ["", "/upsert"])
def test_the_good_records_are_stored_and_the_first_bad_one_is_named(partly: Raw, operation: str) -> None:
    items = [a_record("a"), bad("b"), a_record("c"), bad("d")]
    answer = partly.post(f"/streams/mutable/records{operation}", {"items": items})
    assert "items[1] (s/b)" in refusal(answer, 400)
    assert partly.held().keys() == {"a", "c"}


def test_an_ingest_stores_what_is_new_and_lists_what_exists(partly: Raw) -> None:
    assert partly.upsert(a_record("b", text="before")).ok
    items = [a_record(name, text="new") for name in "abc"]
    answer = partly.post("/streams/mutable/records", {"items": items})
    assert "1 of the records exist already" in refusal(answer, 409)
    assert answer.json()["error"]["duplicated"] == [{"space": "s", "externalId": "b"}]
    assert {name: held["text"] for name, held in partly.held().items()} == {
        "a": "new",
        "b": "before",
        "c": "new",
    }


def test_records_that_are_twice_in_a_request_are_not_stored_and_others_are(partly: Raw) -> None:
    answer = partly.upsert(a_record("a"), a_record("b"), a_record("a"))
    refusal(answer, 422)
    assert partly.held().keys() == {"b"}


def test_a_delete_deletes_what_it_names_rightly(partly: Raw) -> None:
    assert partly.upsert(a_record("a"), a_record("b")).ok
    items = [{"space": "s", "externalId": "a"}, {"space": "s", "externalId": ""}]
    refusal(partly.post("/streams/mutable/records/delete", {"items": items}), 400)
    assert partly.held().keys() == {"b"}


def test_an_immutable_stream_takes_the_good_ones(partly: Raw) -> None:
    refusal(partly.post("/streams/immutable/records", {"items": [a_record("a"), bad("b")]}), 400)
    assert partly.held("immutable").keys() == {"a"}


def test_without_it_nothing_of_a_refused_request_is_stored(raw: Raw) -> None:
    assert raw.upsert(a_record("b")).ok
    refusal(raw.upsert(a_record("a"), bad("c")), 400)
    refusal(raw.post("/streams/mutable/records", {"items": [a_record("a"), a_record("b")]}), 409)
    items = [{"space": "s", "externalId": "b"}, {"space": "s", "externalId": ""}]
    refusal(raw.post("/streams/mutable/records/delete", {"items": items}), 400)
    assert raw.held().keys() == {"b"}
