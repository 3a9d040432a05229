"""How often a small load waits for an answer of CDF: for the token, the looks at once, and the upsert."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load.preflight import containers_to_look_at
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.mapping import ContainerId
from airflow_provider_cdf_records.sources import FileSource, RecordsSource, SlicedFile, Source
from airflow_provider_cdf_records.sources.slices import Slice
from airflow_provider_cdf_records.sources.source import ROWS_TO_PEEK
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer

PATIENCE = 20.0  # seconds; only a load that does not look at all at once waits for so long
TOKEN, INSPECT, STREAMS, BYIDS = "/token", "/token/inspect", f"/streams/{STREAM}", "/containers/byids"
SENT = f"/streams/{STREAM}/records/upsert"
DEFINITION = {
    "space": SPACE,
    "externalId": CONTAINER,
    "usedFor": "record",
    "properties": {"value": {"type": {"type": "float64"}}},
}
HERE = ContainerId(SPACE, CONTAINER)


def naming(container: str, external_id: str = "a") -> dict[str, Any]:
    """Return a record of another container."""
    record = a_record(external_id)
    record["sources"][0]["source"]["externalId"] = container
    return record


def lines(records: Iterable[Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """A CDF that answers none of the looks before all of them are asked."""
    barrier = threading.Barrier(3, timeout=PATIENCE)

    def together() -> None:
        barrier.wait()

    with ScriptedServer() as server:
        connection = {
            "conn_type": "cdf",
            "host": server.url,
            "schema": "project",
            "login": "id",
            "password": "secret",
            "extra": {"token_url": f"{server.url}/oauth{TOKEN}", "max_attempts": 1},
        }
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))
        server.answer(INSPECT, Answer(body={}, before=together))
        server.answer(f"/oauth{TOKEN}", Answer(body={"access_token": "token", "expires_in": 3600}))
        server.answer(STREAMS, Answer(body={"externalId": STREAM, "type": "Mutable"}, before=together))
        server.answer(BYIDS, Answer(body={"items": [DEFINITION]}, before=together))
        server.answer("/records/upsert", Answer())
        yield server


def rounds(server: ScriptedServer) -> list[set[str]]:
    """Return what was asked; all looks are one round, since none is answered before all are asked."""
    ends = [
        next(
            end
            for end in (INSPECT, TOKEN, STREAMS, BYIDS, SENT)
            if asked.path.partition("?")[0].endswith(end)
        )
        for asked in server.asked
    ]
    return [{ends[0]}, set(ends[1:4]), *({end} for end in ends[4:])]


THREE_ROUNDS = [{TOKEN}, {INSPECT, STREAMS, BYIDS}, {SENT}]


def test_a_list_of_records_takes_three_round_trips(server: ScriptedServer) -> None:
    assert CdfRecordsHook().upsert_records(STREAM, [a_record()]).upserted == 1
    assert rounds(server) == THREE_ROUNDS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", lines([a_record()])),
        ("a.ndjson.gz", gzip.compress(lines([a_record()]))),
        ("a.json", json.dumps([a_record()]).encode()),
    ],
)
def test_a_file_of_records_takes_three_round_trips(
    server: ScriptedServer, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    assert CdfRecordsHook().upsert_file(STREAM, tmp_path / name).upserted == 1
    assert rounds(server) == THREE_ROUNDS


def test_a_file_with_a_mapping_takes_three_round_trips(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b'{"id":"a","reading":1}\n')
    source = {"space": SPACE, "container": CONTAINER, "properties": {"value": "reading"}}
    mapping = {"space": SPACE, "external_id": "{id}", "sources": [source]}
    assert CdfRecordsHook().upsert_file(STREAM, tmp_path / "a.ndjson", mapping=mapping).upserted == 1
    assert rounds(server) == THREE_ROUNDS


# What is looked at


def looked_at(source: Source) -> list[ContainerId]:
    return containers_to_look_at(UPSERT, None, source)


class Untouched:
    """Rows that may be read once, or not at once."""

    def __iter__(self) -> Iterator[Any]:
        pytest.fail("the source was read")


def test_rows_that_may_be_read_only_once_are_not_peeked_at() -> None:
    assert looked_at(RecordsSource(Untouched())) == []
    assert looked_at(RecordsSource(iter([a_record()]))) == []


def test_the_containers_of_the_first_good_records_are_looked_at_once_each() -> None:
    rows = [
        {"space": SPACE},
        a_record(),
        naming("no container"),
        b"[",
        json.dumps(naming("B")).encode(),
        a_record("b"),
    ]
    assert looked_at(RecordsSource(rows)) == [HERE, ContainerId(SPACE, "B")]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_files_that_hold_no_records_are_not_peeked_at(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(lines([a_record()]))
    assert looked_at(FileSource(tmp_path / name)) == []


def test_a_slice_is_peeked_at_from_where_it_begins(tmp_path: Path) -> None:
    first, second = lines([a_record()]), lines([naming("B", "b")])
    path = tmp_path / "a.ndjson"
    path.write_bytes(first + second)
    part = Slice("bytes", len(first), len(first + second) - 1)
    assert looked_at(FileSource(SlicedFile(path, part))) == [ContainerId(SPACE, "B")]


@pytest.mark.parametrize("name", ["a.ndjson", "a.json"])
def test_a_file_is_read_as_if_it_had_not_been_peeked_at(tmp_path: Path, name: str) -> None:
    path, records = tmp_path / name, [a_record(f"a{number}") for number in range(3000)]
    path.write_bytes(lines(records) if name == "a.ndjson" else json.dumps(records).encode())
    source = FileSource(path)
    assert len(source.peek()) == ROWS_TO_PEEK
    assert list(source) == list(FileSource(path))


# What becomes of rows and errors


@pytest.mark.parametrize("as_file", [False, True], ids=["list", "file"])
def test_a_first_record_of_a_container_that_is_missing_is_a_rejected_row(
    cdf: LocalCdf, tmp_path: Path, as_file: bool
) -> None:
    rows = [naming("Gone"), a_record("b")]
    path, rejected = tmp_path / "a.ndjson", tmp_path / "rejected"
    path.write_bytes(lines(rows))
    hook, more = CdfRecordsHook(), dict[str, Any](max_rejected=1, rejected_path=rejected)
    done = hook.upsert_file(STREAM, path, **more) if as_file else hook.upsert_records(STREAM, rows, **more)
    assert (done.upserted, done.rejected) == (1, 1)
    assert f"container {SPACE}/Gone does not exist" in json.loads(rejected.read_bytes())["message"]
    assert set(cdf.held()) == {"b"}


def test_a_container_that_no_peeked_row_names_is_looked_at_when_a_record_names_it(cdf: LocalCdf) -> None:
    rows = [*(a_record(f"a{number}") for number in range(100)), naming("Gone", "b")]
    done = CdfRecordsHook().upsert_records(STREAM, rows, max_rejected=1)
    assert (done.upserted, done.rejected) == (100, 1)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", b"\xff\xfe\x00"),
        ("a.ndjson", b"<html>\n"),
        ("a.ndjson", b""),
        ("a.ndjson.gz", gzip.compress(lines([a_record()]))[:-4]),
        ("a.json", b'[{"space": "s"'),
        ("a.json", b"{}"),
    ],
)
def test_a_file_that_cannot_be_read_ends_the_same_whether_it_was_peeked_at_or_not(
    cdf: LocalCdf, tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    def end(**arguments: Any) -> tuple[str, dict[str, Any]]:
        summaries: list[Any] = []
        message = ""
        try:
            CdfRecordsHook().upsert_file(STREAM, path, on_end=summaries.append, **arguments)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
        [summary] = summaries
        counts = ("read", "upserted", "superseded", "rejected")
        return message.partition("\n")[0], {count: getattr(summary, count) for count in counts}

    assert end() == end(check_schema=False)
