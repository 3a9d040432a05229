"""Client secret and token appear nowhere, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import random
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowException
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

SECRET, TOKEN = "client-secret-7f3a9c", "access-token-5b1e8d"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.answer("/token", Answer(200, {"access_token": TOKEN, "expires_in": 3600}))
        fields: dict[str, Any] = {
            "conn_type": "cdf",
            "host": server.url,
            "schema": "p",
            "login": "id",
            "password": SECRET,
            "extra": {"token_url": f"{server.url}/token", "max_attempts": 3, "timeout": 0.3},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        yield server


def refusals() -> list[Answer]:
    draw = random.Random(1)
    bad = {"error": {"code": 400, "message": "bad"}}
    answers = [
        Answer(503, "later"),
        Answer(200, "<html>"),
        Answer(reset=True),
        Answer(400, bad),
        Answer(429, bad, {"Retry-After": "0"}),
        Answer(202),
    ]
    return [draw.choice(answers) for _ in range(20)] + [Answer(400, bad)]


@pytest.mark.parametrize(
    ("upserts", "tokens"),
    [
        (refusals(), None),
        ([Answer(401, {"error": {"message": "who?"}})], None),
        ([Answer(reset=True)], None),
        ([Answer(503, "busy")], None),
        ([Answer()], Answer(401, {"error": "invalid_client", "error_description": f"not {SECRET}"})),
        ([Answer()], Answer(400, f"<html>{SECRET}</html>")),
        ([Answer()], Answer(reset=True)),
        ([Answer()], Answer(200, "no json")),
    ],
)
def test_a_faulty_run_tells_no_secret(
    server: ScriptedServer,
    upserts: list[Answer],
    tokens: Answer | None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server.answer("/upsert", *upserts)
    server.answer("/streams/alarms", Answer(200, {"type": "Mutable"}))
    if tokens is not None:
        server.answer("/token", tokens)
    said = []
    hook = CdfRecordsHook()
    with caplog.at_level(logging.DEBUG):
        try:
            rows = [a_record(str(n)) for n in range(40)]
            hook.upsert_records(STREAM, rows, max_rejected=39, rejected_path=tmp_path / "rejected.ndjson")
        except AirflowException as error:
            said += traceback.format_exception(error)
            said += [repr(error), repr(error.__cause__)]
    output = capfd.readouterr()
    said += [caplog.text, output.out, output.err, repr(hook), repr(vars(hook))]
    said += [path.read_text() for path in tmp_path.iterdir()]
    everything = "".join(said)
    assert len(everything) > 500
    assert SECRET not in everything
    assert TOKEN not in everything
