"""What all methods of the hook have in common: arguments, stopping, copies."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsUpsertOperator,
    CdfStreamCreateOperator,
)
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.waiting import PATIENCE, SOON, wait_until


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": {"token": "ready"}}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        yield server


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda hook: hook.upsert_records(STREAM, [], colour="red"),
            "'colour' is not an argument of this method; it takes mapping",
        ),
        (lambda hook: hook.upsert_records(STREAM, [], file_format="csv"), "'file_format' is not an argument"),
        (lambda hook: hook.ingest_records(STREAM, [], stop=None), "'stop' is not an argument"),
        (lambda hook: hook.upsert_query(STREAM, "SELECT 1"), "conn_id must name an Airflow connection"),
        (lambda hook: hook.upsert_records(STREAM, [], rejected_path=""), "rejected_path must be a path"),
        (lambda hook: hook.delete_filter(STREAM, None), "filter must be a filter"),
        (lambda hook: hook.delete_filter(STREAM, {}), "filter must be a filter"),
        (lambda hook: hook.delete_filter(STREAM, "{}"), "filter must be a filter"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(cdf: LocalCdf, call: Any, words: str) -> None:
    cdf.upsert(STREAM, [a_record()])
    with pytest.raises(AirflowFailException, match=words):
        call(CdfRecordsHook())
    assert cdf.held().keys() == {"a"}


def test_a_filter_that_is_rendered_to_nothing_deletes_nothing(cdf: LocalCdf) -> None:
    from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsDeleteOperator

    cdf.upsert(STREAM, [a_record()])
    task = CdfRecordsDeleteOperator(task_id="delete", stream_id=STREAM, filter={"prefix": {}})
    task.filter = None  # as Jinja may leave it
    with pytest.raises(AirflowFailException, match="filter must be a filter"):
        task.execute({})
    assert cdf.held()


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        (
            "cdf://id:the-password@https://127.0.0.1:9/p?token_url=https://127.0.0.1:9/token",
            "cdf_default",
        ),
        ("cdf://id:the/password@127.0.0.1:9/p", ""),
        ("{not json", ""),
        ('{"conn_type": "cdf", "no_such_field": 1}', ""),
        (
            '{"conn_type": "cdf", "host": "https://a b", "schema": "p", "extra": {"token": "t"}}',
            "Cluster (host)",
        ),
        ('{"conn_type": "cdf", "host": "http://127.0.0.1:9", "schema": "p", "extra": "{no"}', ""),
        (
            '{"host": "https://127.0.0.1:9", "schema": "p", "extra": {"token": "t", "verify": "x"}}',
            "'verify'",
        ),
    ],
    ids=lambda _: "",
)
def test_a_connection_that_cannot_be_read_fails_its_test_and_the_load_without_being_quoted(
    monkeypatch: pytest.MonkeyPatch, connection: str, words: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", connection)
    good, said = CdfRecordsHook().test_connection()
    assert not good
    assert words in said
    assert "password@" not in said
    with pytest.raises((AirflowException, ValueError, TypeError)) as failure:
        CdfRecordsHook().upsert_records(STREAM, [])
    assert "password@" not in str(failure.value)


def test_a_connection_that_does_not_exist_fails_its_test() -> None:
    good, said = CdfRecordsHook("nowhere").test_connection()
    assert not good
    assert "nowhere" in said


def test_on_kill_ends_all_loads_of_a_hook(server: ScriptedServer) -> None:
    server.answer("/records/upsert", Answer(202))
    hook, blocks, released = CdfRecordsHook(), threading.Event(), threading.Event()
    ended: list[BaseException] = []

    def rows() -> Iterator[dict[str, Any]]:
        yield a_record()
        blocks.set()
        released.wait(PATIENCE)

    def load() -> None:
        try:
            hook.upsert_records(STREAM, rows(), check_schema=False)
        except AirflowException as error:
            ended.append(error)

    blocked = threading.Thread(target=load, daemon=True)
    blocked.start()
    blocks.wait(PATIENCE)
    hook.upsert_records(STREAM, [a_record()], check_schema=False)
    hook.on_kill()
    blocked.join(SOON)
    released.set()
    assert "told to stop" in str(ended)


def test_on_kill_ends_the_wait_for_a_stream(server: ScriptedServer) -> None:
    server.answer(f"/streams/{STREAM}", Answer(503, headers={"Retry-After": str(PATIENCE)}))
    task = CdfStreamCreateOperator(task_id="create", stream_id=STREAM, template="BasicLiveData")

    def kill_when_asked() -> None:
        wait_until(lambda: bool(server.asked))
        task.on_kill()

    threading.Thread(target=kill_when_asked, daemon=True).start()
    with pytest.raises(AirflowException, match="told to stop") as failure:
        task.execute({})
    assert not isinstance(failure.value, AirflowFailException)


def test_a_stop_while_a_container_is_looked_up_is_worth_a_retry(server: ScriptedServer) -> None:
    released = threading.Event()
    server.answer("/token/inspect", Answer(403))
    server.answer(f"/streams/{STREAM}", Answer(body={"type": "Mutable"}))
    server.answer("/containers/byids", Answer(before=lambda: released.wait(PATIENCE)))
    hook = CdfRecordsHook()

    def kill_when_asked() -> None:
        wait_until(lambda: bool(server.asked_for("/containers/byids")))
        hook.on_kill()

    threading.Thread(target=kill_when_asked, daemon=True).start()
    try:
        with pytest.raises(AirflowException, match="told to stop") as failure:
            hook.upsert_records(STREAM, [a_record()])
    finally:
        released.set()
    assert not isinstance(failure.value, AirflowFailException)


def test_a_hook_and_an_operator_can_be_copied_after_use(cdf: LocalCdf) -> None:
    task = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, records=[a_record()], max_concurrency=3)
    task.execute({})
    for copied in (copy.deepcopy(task).hook, pickle.loads(pickle.dumps(task.hook))):
        assert (copied.cdf_conn_id, copied.max_concurrency) == ("cdf_default", 3)
        copied.upsert_records(STREAM, [a_record("b")])
    assert cdf.held().keys() == {"a", "b"}


def test_a_rejected_file_that_cannot_be_written_does_not_hide_why_the_load_ended(
    server: ScriptedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_cdf_records.rejected.file import RejectedFile

    def fail(_: RejectedFile) -> None:
        msg = "the store is away"
        raise OSError(msg)

    monkeypatch.setattr(RejectedFile, "persist", fail)
    server.answer("/records/upsert", Answer(403, {"error": {"message": "no right to write"}}))
    with pytest.raises(AirflowFailException, match="no right to write"):
        CdfRecordsHook().upsert_records(
            STREAM, [{}, a_record()], check_schema=False, max_rejected=1, rejected_path=tmp_path / "r.ndjson"
        )
