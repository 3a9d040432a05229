from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load import checkpoint as checkpoint_module
from airflow_provider_cdf_records.load.checkpoint import KEY, Checkpoint
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import STREAM, a_record


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.writes = 0

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def set(self, key: str, value: Any) -> None:
        self.writes += 1
        self.kept[key] = json.loads(json.dumps(value))

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


def test_a_mark_comes_back_to_the_same_load_only() -> None:
    store, mark = Memory(), Mark(7, offset=70, file=1, before=3, read=7, rejected=1)
    first = Checkpoint(store, {}, {"path": "a", "size": 1})
    first.settled(mark)
    first.save()
    assert Checkpoint(store, {}, {"path": "a", "size": 1}).load() == mark
    assert Checkpoint(store, {}, {"path": "a", "size": 2}).load() is None
    assert Checkpoint(None, {}, {}).load() is None


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


def test_a_store_that_fails_does_not_end_the_load(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Memory):
        def get(self, key: str) -> Any:
            msg = "no such endpoint"
            raise RuntimeError(msg)

    checkpoint = Checkpoint(Broken(), {}, {})
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load() is None
        checkpoint.settled(Mark(1))
        checkpoint.save()
        checkpoint.clear()
    assert caplog.text.count("will start over, since its state store fails: no such endpoint") == 1


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
    assert witness.writes > 5


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
