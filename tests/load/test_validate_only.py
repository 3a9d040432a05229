"""``validate_only``: everything but the sending."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.state_store import Memory

BAD = {"space": SPACE, "externalId": "bad", "sources": "none"}


@pytest.mark.parametrize("verb", ["upsert", "ingest", "delete"])
def test_nothing_is_sent_and_the_numbers_say_what_would_be(cdf: LocalCdf, verb: str) -> None:
    cdf.upsert(STREAM, [a_record("here")])
    before = len(cdf.server.last_requests())
    rows = [a_record("a"), a_record("a"), a_record("b"), {"space": SPACE}]
    summary = getattr(CdfRecordsHook(), f"{verb}_records")(STREAM, rows, validate_only=True, max_rejected=1)
    paths = [one.path for one in cdf.server.last_requests()[before:]]
    assert not [path for path in paths if path.endswith((f"/records/{verb}", "/records"))]
    assert cdf.held().keys() == {"here"}
    numbers = summary.as_dict()
    done = {"upsert": "upserted", "ingest": "ingested", "delete": "deleted"}[verb]
    superseded = 0 if verb == "ingest" else 1
    assert (numbers["read"], numbers[done], numbers["rejected"]) == (4, 0, 1)
    assert (numbers["valid"], numbers["superseded"]) == (3 - superseded, superseded)
    assert numbers["read"] == numbers["valid"] + numbers["superseded"] + numbers["rejected"]
    assert (numbers["identities"], numbers["requests"], numbers["bytes_sent"]) == (2, 0, 0)
    assert f"sent nothing (validate_only): {numbers['valid']} would be {done}" in str(summary)


def test_the_log_says_that_nothing_is_sent(cdf: LocalCdf, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Load(cdf.client, UPSERT, STREAM, RecordsSource([a_record()]), validate_only=True).run()
    assert "Validating only: nothing is sent to stream alarms." in caplog.text
    assert "Validated 1 record for stream alarms, and sent nothing (validate_only)" in caplog.text


def test_a_load_that_sends_has_no_number_of_valid_records(cdf: LocalCdf) -> None:
    assert "valid" not in CdfRecordsHook().upsert_records(STREAM, [a_record()]).as_dict()


def test_rejected_records_are_written_and_too_many_fail(cdf: LocalCdf, tmp_path: Path) -> None:
    path, ended = tmp_path / "rejected.ndjson", []
    with pytest.raises(AirflowFailException) as failure:
        CdfRecordsHook().upsert_records(
            STREAM,
            [a_record(), BAD],
            validate_only=True,
            max_rejected=0.1,
            rejected_path=path,
            on_end=ended.append,
        )
    assert "1 of 2 records read was rejected, and max_rejected allows 0.1 of all, which was judged" in str(
        failure.value
    )
    assert "1 was valid, and nothing was sent to stream alarms." in str(failure.value)
    assert [json.loads(line)["externalId"] for line in path.read_text().splitlines()] == ["bad"]
    assert [(one.accepted, one.valid, one.rejected) for one in ended] == [(0, 1, 1)]
    assert not cdf.held()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stream_id": "missing"}, "does not exist in project"),
        (
            {
                "mapping": {
                    "space": SPACE,
                    "external_id": "{id}",
                    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"colour": "id"}}],
                }
            },
            "colour",
        ),
    ],
)
def test_stream_and_containers_are_looked_at(cdf: LocalCdf, arguments: dict[str, Any], words: str) -> None:
    given = {"stream_id": STREAM, "records": [{"id": "a"}], "validate_only": True} | arguments
    with pytest.raises(AirflowFailException, match=words):
        CdfRecordsHook().upsert_records(**given)


def test_the_summary_of_a_validation_that_fails_early_says_so(cdf: LocalCdf) -> None:
    ended: list[Any] = []
    with pytest.raises(AirflowFailException):
        CdfRecordsHook().upsert_file(STREAM, "missing.unknown", validate_only=True, on_end=ended.append)
    assert [one.as_dict()["valid"] for one in ended] == [0]


def test_what_a_task_remembers_is_left_alone(cdf: LocalCdf, tmp_path: Path) -> None:
    path, store = tmp_path / "a.ndjson", Memory()
    path.write_text(json.dumps(a_record()) + "\n")
    store.kept = {"cdf_records": {"version": 1}, "cdf_records_begun": {"stream": "s"}}
    before = json.dumps(store.kept)
    CdfRecordsHook().ingest_file(STREAM, path, validate_only=True, state_store=store)
    assert (json.dumps(store.kept), store.writes) == (before, 0)


@pytest.mark.parametrize("value", [1, "true", "False", None])
def test_it_is_true_or_false(cdf: LocalCdf, value: Any) -> None:
    with pytest.raises(AirflowFailException, match="validate_only must be True or False, got"):
        CdfRecordsHook().upsert_records(STREAM, [a_record()], validate_only=value)
    assert not cdf.held()
