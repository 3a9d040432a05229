"""Client secret and token appear nowhere, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import random
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.models.connection import Connection

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.sensors.cdf_records import CdfStreamSensor
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, AirflowException
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

SECRET, TOKEN = "client-secret-7f3a9c", "access-token-5b1e8d"


def all_of_error(error: BaseException) -> str:
    """Return all that a log may show of an error, and of those behind it."""
    said = traceback.format_exception(error)
    seen: BaseException | None = error
    while seen is not None:
        said += [str(seen), repr(seen), repr(vars(seen))]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(said)


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
            said.append(all_of_error(error))
    output = capfd.readouterr()
    said += [caplog.text, output.out, output.err, repr(hook), repr(vars(hook))]
    said += [path.read_text() for path in tmp_path.iterdir()]
    everything = "".join(said)
    assert len(everything) > 500
    assert SECRET not in everything
    assert TOKEN not in everything


HEAD, TAIL = "5ecretHEAD", "5ecretTAIL"  # of a secret: neither may appear, even where a line end parts them
CLUMSY = [
    HEAD + TAIL,
    f" {HEAD}{TAIL}",
    f"{HEAD}{TAIL} ",
    f"\t{HEAD}{TAIL}",
    f"{HEAD}{TAIL}\n",
    f"{HEAD}{TAIL}\r\n",
    f"{HEAD}\n{TAIL}",
    f"{HEAD} {TAIL}",
    f"'{HEAD}{TAIL}'",
    f'"{HEAD}{TAIL}"',
    f"Bearer {HEAD}{TAIL}",
    f"bearer {HEAD}{TAIL}\n",
    f"\ufeff{HEAD}{TAIL}",
    f"\u00a0{HEAD}{TAIL}",
    f"{HEAD}\u20ac{TAIL}",
    f"{HEAD}%2F{TAIL}",
    f"{HEAD}/{TAIL}",
    f"{HEAD}@{TAIL}",
    f"{HEAD}<&>{TAIL}",
]

Fields = dict[str, Any]


def in_password(url: str, typed: str) -> Fields:
    return {"login": "id", "password": typed, "extra": {"token_url": f"{url}/token"}}


def in_token(url: str, typed: str) -> Fields:
    return {"extra": {"token": typed}}


def in_proxy(url: str, typed: str) -> Fields:
    proxy = url.replace("://", f"://user:{typed}@")
    return {"extra": {"token": "a-token", "proxies": {"http": proxy}}}


def in_proxy_that_is_away(url: str, typed: str) -> Fields:
    return {"extra": {"token": "a-token", "proxies": f"http://user:{typed}@127.0.0.1:9"}}


def in_token_url(url: str, typed: str) -> Fields:
    token_url = url.replace("://", f"://user:{typed}@") + "/token"
    return {"login": "id", "password": "a-secret", "extra": {"token_url": token_url}}


def in_host(url: str, typed: str) -> Fields:
    return {"host": url.replace("://", f"://user:{typed}@"), "extra": {"token": "a-token"}}


def as_object(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(conn_id="cdf_default", **fields | {"extra": json.dumps(fields["extra"])})
    monkeypatch.setattr(CdfRecordsHook, "get_connection", classmethod(lambda *_: connection))


def as_json(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))


def as_uri(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = Connection(conn_id="cdf_default", **fields | {"extra": json.dumps(fields["extra"])})
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", connection.get_uri())


def as_uri_typed_by_hand(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a URI without the encoding that it needs, as people do."""
    user = f"{fields.get('login', '')}:{fields.get('password', '')}"
    extra = "&".join(
        f"{name}={json.dumps(value) if isinstance(value, dict) else value}"
        for name, value in fields["extra"].items()
    )
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", f"cdf://{user}@{fields['host']}/p?{extra}")


@pytest.mark.parametrize(
    ("connect", "forms"),
    [
        (as_json, CLUMSY),
        (as_uri_typed_by_hand, CLUMSY),
        (as_object, CLUMSY[::3]),
        (as_uri, CLUMSY[1::3]),
    ],
    ids=["json", "uri typed by hand", "object", "uri"],
)
@pytest.mark.parametrize(
    ("place", "accepts"),
    [
        *((place, accepts) for place in (in_password, in_token, in_proxy) for accepts in (True, False)),
        *((place, True) for place in (in_proxy_that_is_away, in_token_url, in_host)),
    ],
)
def test_a_secret_appears_nowhere_however_it_is_typed(
    place: Callable[[str, str], Fields],
    accepts: bool,
    connect: Callable[[Fields, pytest.MonkeyPatch], None],
    forms: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    if not AIRFLOW_3:  # which itself logs the URI of a variable that it cannot parse
        caplog.set_level(logging.CRITICAL, logger="airflow.models.connection")
    with ScriptedServer() as server:
        for typed in forms:
            server.answer("/token", Answer(body={"access_token": TOKEN, "expires_in": 3600}))
            server.answer(f"/streams/{STREAM}", Answer(body={"type": "Mutable"}))
            server.answer("/upsert", Answer(202))
            if not accepts:
                quoted = f"no: {typed.strip()} {typed!r} {json.dumps(typed)}"
                server.answer("/token", Answer(400, {"error": "no", "error_description": quoted}))
                server.answer(f"/streams/{STREAM}", Answer(407, f"<html>{quoted}</html>"))
                server.answer("/upsert", Answer(400, {"error": {"code": 400, "message": quoted}}))
            fields = {"conn_type": "cdf", "host": server.url, "schema": "p"} | place(server.url, typed)
            fields["extra"] |= {"max_attempts": 1, "timeout": 10}
            try:
                connect(fields, monkeypatch)
            except Exception:
                continue
            task = CdfRecordsUpsertOperator(
                task_id="load",
                stream_id=STREAM,
                records=[a_record()],
                check_schema=False,
                max_rejected=1,
                rejected_path=str(tmp_path / "rejected.ndjson"),
            )
            said = [repr(CdfRecordsHook().test_connection())]
            for run in (task.execute, CdfStreamSensor(task_id="wait", stream_id=STREAM).poke):
                try:
                    said.append(repr(run({})))
                except AirflowException as error:
                    said.append(all_of_error(error))
            output = capfd.readouterr()
            said += [caplog.text, output.out, output.err, repr(task.hook), repr(vars(task.hook))]
            said += [path.read_text() for path in tmp_path.iterdir()]
            everything = "".join(said)
            caplog.clear()
            assert HEAD not in everything, typed
            assert TAIL not in everything, typed
            assert TOKEN not in everything, typed
