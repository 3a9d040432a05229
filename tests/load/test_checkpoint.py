from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load import checkpoint as checkpoint_module
from airflow_provider_cdf_records.load.checkpoint import KEY, VERSION, Checkpoint
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import REFUSED_BY_CDF, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.state_store import Memory


def test_a_mark_comes_back_to_the_same_load_only() -> None:
    store, mark = Memory(), Mark(7, offset=70, file=1, before=3, read=7, rejected=1)
    first = Checkpoint(store, {}, {"path": "a", "size": 1})
    first.settled(mark)
    first.save()
    assert Checkpoint(store, {}, {"path": "a", "size": 1}).load() == mark
    assert Checkpoint(store, {}, {"path": "a", "size": 2}).load() is None
    assert Checkpoint(None, {}, {}).load() is None


def kept_by(change: Callable[[dict[str, Any]], object]) -> Memory:
    """Return a store in which a load has noted its beginning and a mark, changed by someone else since."""
    store = Memory()
    first = Checkpoint(store, {"stream": "s"}, {})
    first.begin()
    first.settled(Mark(7, read=7, rejected=1))
    first.save()
    change(store.kept[KEY])
    return store


OTHER_SHAPES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no version": lambda kept: kept.pop("version"),
    "another version": lambda kept: kept.update(version=VERSION + 1),
    "no mark": lambda kept: kept.pop("mark"),
    "a mark of another kind": lambda kept: kept.update(mark=[7, 0, 0, 0, 7, 1]),
    "a field more": lambda kept: kept["mark"].update(more=1),
    **{f"no {name}": partial(lambda name, kept: kept["mark"].pop(name), name) for name in Mark._fields},
    **{
        f"{name}: {value!r}": partial(
            lambda name, value, kept: kept["mark"].update({name: value}), name, value
        )
        for name in Mark._fields
        for value in ("x", "1", None, True, 1.0, -2, [1])
    },
    "more rejected than read": lambda kept: kept["mark"].update(rejected=8),
}


@pytest.mark.parametrize("change", OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_a_mark_of_another_shape_is_no_mark(
    change: Callable[[dict[str, Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    store = kept_by(change)
    checkpoint = Checkpoint(store, {"stream": "s"}, {})
    assert checkpoint.load() is None
    assert "is of another version; loading all of it again" in caplog.text
    assert KEY not in store.kept
    assert checkpoint.begin(), "records of the earlier try may be stored all the same"


@pytest.mark.parametrize("kept", ["text", 7, [], {}, True])
def test_what_is_no_mark_at_all_is_none_either(kept: object) -> None:
    store = kept_by(lambda _: None)
    store.set(KEY, kept)
    assert Checkpoint(store, {"stream": "s"}, {}).load() is None


def test_a_load_that_starts_over_knows_that_an_earlier_try_has_begun() -> None:
    store = kept_by(lambda _: None)
    checkpoint = Checkpoint(store, {"stream": "s"}, {"size": 2})
    assert checkpoint.load() is None
    assert checkpoint.begin()
    assert not Checkpoint(store, {"stream": "other"}, {"size": 2}).begin()


def test_what_json_changes_is_no_change_of_the_source() -> None:
    store = Memory()
    first = Checkpoint(store, {}, {"options": {"header": ("a", "b")}})
    first.settled(Mark(1))
    first.save()
    assert Checkpoint(store, {}, {"options": {"header": ("a", "b")}}).load() == Mark(1)


def test_a_mark_of_another_source_is_gone_once_it_was_seen() -> None:
    store = Memory()
    first = Checkpoint(store, {}, {"mapping": "old"})
    first.settled(Mark(1))
    first.save()
    assert Checkpoint(store, {}, {"mapping": "new"}).load() is None
    assert Checkpoint(store, {}, {"mapping": "old"}).load() is None


def test_a_changed_source_is_said(caplog: pytest.LogCaptureFixture) -> None:
    store = Memory()
    first = Checkpoint(store, {}, {"size": 1})
    first.settled(Mark(1))
    first.save()
    with caplog.at_level(logging.WARNING):
        assert Checkpoint(store, {}, {"size": 2}).load() is None
    assert "has changed since the earlier try" in caplog.text


def test_marks_are_written_at_intervals_and_not_each(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Memory()
    checkpoint = Checkpoint(store, {}, {})
    for position in range(1000):
        checkpoint.settled(Mark(position))
    assert store.writes == 0
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    checkpoint.settled(Mark(1000))
    assert store.kept[KEY]["mark"]["position"] == 1000


class Failing(Memory):
    """A store of which some calls fail, as long as they are named."""

    def __init__(self, *failing: str) -> None:
        super().__init__()
        self.failing = set(failing)

    def _call(self, name: str) -> None:
        if name in self.failing:
            msg = f"no {name} today"
            raise RuntimeError(msg)

    def get(self, key: str) -> Any:
        self._call("get")
        return super().get(key)

    def set(self, key: str, value: Any) -> None:
        self._call("set")
        super().set(key, value)

    def delete(self, key: str) -> None:
        self._call("delete")
        super().delete(key)


def test_a_store_that_fails_does_not_end_the_load(caplog: pytest.LogCaptureFixture) -> None:
    store = Failing("get", "set", "delete")
    checkpoint = Checkpoint(store, {}, {})
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
        assert checkpoint.begin() is None
        checkpoint.settled(Mark(1))
        checkpoint.save()
        checkpoint.save()
        checkpoint.clear()
    messages = [record.getMessage() for record in caplog.records]
    assert [message.rpartition(": ")[2] for message in messages] == [
        "no get today",
        "no set today",
        "no delete today",
    ]
    assert "a retry goes on from an older note, or starts over where there is none" in messages[1]


def test_what_a_store_did_not_take_is_noted_later(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Failing("set")
    checkpoint = Checkpoint(store, {"stream": "s"}, {})
    assert checkpoint.begin() is False
    checkpoint.settled(Mark(1))
    checkpoint.save()
    assert not store.kept
    store.failing.clear()
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    checkpoint.settled(Mark(2))
    assert Checkpoint(store, {"stream": "s"}, {}).load() == Mark(2)
    assert Checkpoint(store, {"stream": "s"}, {}).begin()


def test_a_load_that_once_could_not_take_a_note_is_cleared_all_the_same() -> None:
    store = Memory()
    before = Checkpoint(store, {}, {})
    before.settled(Mark(1))
    before.save()
    failing = Failing("set")
    failing.kept = store.kept
    checkpoint = Checkpoint(failing, {}, {})
    checkpoint.settled(Mark(2))
    checkpoint.save()
    checkpoint.clear()
    assert Checkpoint(store, {}, {}).load() is None


def test_a_store_that_fails_is_asked_less_and_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Failing("set")
    asked: list[int] = []
    now = 0
    monkeypatch.setattr(store, "_call", lambda name: asked.append(now) or Failing._call(store, name))
    monkeypatch.setattr(checkpoint_module.time, "monotonic", lambda: now)
    checkpoint = Checkpoint(store, {}, {})
    for now in range(200):
        checkpoint.settled(Mark(now))
    assert asked == [5, 15, 35, 75, 155]


def test_a_cleared_checkpoint_is_gone() -> None:
    store = Memory()
    checkpoint = Checkpoint(store, {}, {})
    checkpoint.settled(Mark(1))
    checkpoint.save()
    checkpoint.clear()
    assert Checkpoint(store, {}, {}).load() is None


LINES = [b'{"n":%d}' % n for n in range(10)]


def rows_after(path: Path, mark: Mark) -> list[int]:
    source = FileSource(path)
    source.resume_after(mark)
    rows = [json.loads(row) if isinstance(row, bytes) else row for chunk in source for row in chunk.rows]
    return [row["n"] for row in rows]


def test_plain_ndjson_is_gone_on_with_by_seeking(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    content = b"\n".join(LINES)
    offset = content.index(LINES[4])
    path.write_bytes(b"x" * offset + content[offset:])  # what comes before is not even looked at
    assert rows_after(path, Mark(position=4, offset=offset)) == [4, 5, 6, 7, 8, 9]


def test_line_numbers_go_on_after_a_seek(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\n".join(LINES))
    source = FileSource(path)
    source.resume_after(Mark(position=4, offset=path.read_bytes().index(LINES[4])))
    chunk = next(iter(source))
    assert chunk.positions[0] == 5
    assert chunk.end == Mark(10, len(path.read_bytes()))


def test_offsets_are_those_of_the_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 3)
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\n".join(LINES))
    content = path.read_bytes()
    for chunk in FileSource(path):
        position, offset = chunk.end[:2]
        assert content[:offset].count(b"\n") == min(position, content.count(b"\n"))
        assert offset == len(content) or content[:offset].endswith(b"\n")


@pytest.mark.parametrize("name", ["a.ndjson.gz", "a.json", "a.json.gz"])
def test_other_files_are_gone_on_with_by_passing_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    content = b"\n".join(LINES) if "ndjson" in name else b"[" + b",".join(LINES) + b"]"
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    first = 1 if "ndjson" in name else 0
    assert rows_after(path, Mark(position=3 + first, offset=17)) == [4, 5, 6, 7, 8, 9]


def test_nothing_left_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\n".join(LINES))
    assert rows_after(path, Mark(position=10, offset=len(path.read_bytes()))) == []


class Witness(Memory):
    """Looks, at every write, whether what the mark relies on is where it belongs."""

    def __init__(self, rejected: UPath) -> None:
        super().__init__()
        self._rejected = rejected

    def set(self, key: str, value: Any) -> None:
        super().set(key, value)
        lines = self._rejected.read_text().splitlines() if self._rejected.exists() else []
        mark = value["mark"]
        kept = [line for line in lines if json.loads(line)["position"] <= mark["position"]]
        assert len(kept) == mark["rejected"]


@pytest.mark.parametrize("store", ["local", "objects"])
def test_no_mark_is_written_before_the_rejected_records_up_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    path = tmp_path / "a.ndjson"
    rows = [a_record(str(n), number="bad" if n % 7 == 0 else n) for n in range(100)]
    path.write_text("\n".join(map(json.dumps, rows)))
    rejected = UPath(tmp_path / "r.ndjson" if store == "local" else f"memory://{tmp_path.name}/r.ndjson")
    witness = Witness(rejected)
    with local_cdf(monkeypatch):
        summary = CdfRecordsHook().upsert_file(
            STREAM, path, max_rejected=100, rejected_path=str(rejected), state_store=witness
        )
    assert summary.rejected == 15
    assert witness.writes, "how many marks are written depends on how fast they are"


def test_a_load_that_failed_for_good_starts_over_when_it_is_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    path, store = tmp_path / "a.ndjson", Memory()
    rows = [a_record(str(n), number="bad" if n == 42 else n) for n in range(50)]
    path.write_text("\n".join(map(json.dumps, rows)))
    with local_cdf(monkeypatch) as cdf:
        with pytest.raises(AirflowFailException):
            CdfRecordsHook().upsert_file(STREAM, path, state_store=store)
        assert store.writes > 0
        assert not store.kept
        check_second_run(cdf, path, store, rows)


def check_second_run(cdf: LocalCdf, path: Path, store: Memory, rows: list[dict[str, Any]]) -> None:
    rows[42] = a_record("42", number=42)
    path.write_text("\n".join(map(json.dumps, rows)))
    summary = CdfRecordsHook().upsert_file(STREAM, path, state_store=store)
    assert (summary.read, summary.upserted, summary.resumed_from) == (50, 50, None)
    assert len(cdf.held()) == 50


def test_an_ingest_that_stopped_for_its_rejected_records_knows_its_own_when_it_is_run_again(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path, store = tmp_path / "a.ndjson", Memory()
    rows = [a_record(str(n), **({"time": REFUSED_BY_CDF} if n == 4 else {"number": n})) for n in range(8)]
    path.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(AirflowFailException, match="1 of 8 records read was rejected"):
        CdfRecordsHook().ingest_file(STREAM, path, state_store=store)
    assert 0 < len(cdf.held()) < 8
    rows[4] = a_record("4", number=4)
    path.write_text("\n".join(map(json.dumps, rows)))
    summary = CdfRecordsHook().ingest_file(STREAM, path, state_store=store)
    assert (summary.ingested, summary.rejected) == (8, 0)
    assert len(cdf.held()) == 8
    assert not store.kept


HARMS: dict[str, Callable[[Path], object]] = {
    "another worker's disk": lambda rejected: rejected.unlink(),
    "a line less": lambda rejected: rejected.write_bytes(rejected.read_bytes().partition(b"\n")[2]),
    "emptied": lambda rejected: rejected.write_bytes(b""),
    "rejected by another load": lambda rejected: rejected.write_bytes(
        rejected.read_bytes().replace(b'"position":', b'"position":9')
    ),
}


@pytest.fixture
def stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """A load of 30 rows that stopped after 20, two of them rejected; returns how to make the next try."""
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    path, store = tmp_path / "a.ndjson", Memory()
    rows = [{} if n in (3, 12) else a_record(str(n)) for n in range(1, 31)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with ScriptedServer() as server:
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p"}
        fields["extra"] = {"token": "ready", "max_attempts": 1}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))

        def load(**arguments: Any) -> Any:
            return CdfRecordsHook(max_concurrency=1).upsert_file(
                STREAM, path, **{"state_store": store, "check_schema": False, "max_rejected": 2} | arguments
            )

        def first_and_next(
            change: Callable[[], object], first: Any, then: Any, between: Callable[[Any], object] = bool
        ) -> Any:
            server.answer("/upsert", *[Answer()] * 4, Answer(503))
            with pytest.raises(AirflowException, match="503"):
                load(rejected_path=first)
            server.answer("/upsert", Answer())
            change()
            between(partial(load, rejected_path=first, check_schema=True))
            return load(rejected_path=then)

        yield first_and_next


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_a_try_that_does_not_find_what_the_one_before_rejected_starts_over(
    tmp_path: Path,
    stopped: Callable[..., Any],
    harm: Callable[[Path], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    rejected = tmp_path / "rejected.ndjson"
    with caplog.at_level(logging.WARNING):
        summary = stopped(lambda: harm(rejected), rejected, rejected)
    assert (summary.resumed_from, summary.read, summary.rejected) == (None, 30, 2)
    assert [json.loads(line)["position"] for line in rejected.read_text().splitlines()] == [3, 12]
    assert "2 records that an earlier try rejected are not in" in caplog.text


def test_a_try_with_another_path_for_rejected_records_starts_over(
    tmp_path: Path, stopped: Callable[..., Any]
) -> None:
    first, then = tmp_path / "try-1", tmp_path / "try-2"
    summary = stopped(lambda: None, first, then)
    assert (summary.resumed_from, summary.read, summary.rejected) == (None, 30, 2)
    assert [json.loads(line)["position"] for line in then.read_text().splitlines()] == [3, 12]


@pytest.mark.parametrize("path", ["rejected.ndjson", None])
def test_a_try_that_finds_all_goes_on(tmp_path: Path, stopped: Callable[..., Any], path: str | None) -> None:
    rejected = None if path is None else tmp_path / path
    assert stopped(lambda: None, rejected, rejected).resumed_from == 20
    if rejected is not None:
        assert [json.loads(line)["position"] for line in rejected.read_text().splitlines()] == [3, 12]


def test_a_try_after_one_that_found_no_stream_starts_over(stopped: Callable[..., Any]) -> None:
    def find_no_stream(load: Callable[[], object]) -> None:
        with pytest.raises(AirflowFailException, match="does not exist"):
            load()

    summary = stopped(lambda: None, None, None, between=find_no_stream)
    assert (summary.resumed_from, summary.read) == (None, 30), "a stream that is created since is empty"
