"""The real hook against the real local server, over HTTP."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import progress
from airflow_provider_cdf_records.local_server import Clock
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf, local_cdf
from tests.sample_records import REFUSED_BY_CDF, STREAM, a_record
from tests.waiting import PATIENCE, wait_until


def connect(monkeypatch: pytest.MonkeyPatch, cdf: LocalCdf, **changes: Any) -> None:
    connection = json.loads(cdf.server.connection_json()) | changes
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(connection))


def failure_of(records: Any, stream_id: str = STREAM, **arguments: Any) -> str:
    with pytest.raises(AirflowFailException) as failure:
        CdfRecordsHook().upsert_records(stream_id, records, **arguments)
    return str(failure.value)


def test_records_arrive_with_their_values(cdf: LocalCdf) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
    summary = CdfRecordsHook().upsert_records(STREAM, [a_record("a", value=1.5, text="snö", time=moment)])
    assert cdf.held() == {"a": {"value": 1.5, "text": "snö", "time": "2026-01-02T03:04:05.678Z"}}
    assert (summary.stream_id, summary.read, summary.upserted, summary.requests) == (STREAM, 1, 1, 1)
    assert summary.bytes_sent > 0


def test_a_generator_of_many_is_batched(cdf: LocalCdf) -> None:
    summary = CdfRecordsHook().upsert_records(STREAM, (a_record(str(n), number=n) for n in range(5500)))
    assert len(cdf.held()) == 5500
    assert (summary.upserted, summary.requests) == (5500, 6)


def test_the_later_row_wins_in_the_stream(cdf: LocalCdf) -> None:
    rows = [(str(random.randrange(1500)), number) for number in range(12_000)]
    summary = CdfRecordsHook().upsert_records(STREAM, (a_record(who, number=n) for who, n in rows))
    assert {who: held["number"] for who, held in cdf.held().items()} == dict(rows)
    assert summary.upserted + summary.superseded == 12_000


def test_an_upsert_replaces_the_whole_record(cdf: LocalCdf) -> None:
    hook = CdfRecordsHook()
    hook.upsert_records(STREAM, [a_record("a", value=1.0, text="old")])
    hook.upsert_records(STREAM, [a_record("a", value=2.0)])
    assert cdf.held() == {"a": {"value": 2.0}}


def test_what_the_server_refuses_is_rejected_and_the_rest_stored(cdf: LocalCdf, tmp_path: Path) -> None:
    bad = {7, 1500, 1501}
    rows = [
        a_record(str(n), **({"time": REFUSED_BY_CDF} if n in bad else {"number": n})) for n in range(2000)
    ]
    path = tmp_path / "rejected.ndjson"
    summary = CdfRecordsHook().upsert_records(STREAM, rows, max_rejected=3, rejected_path=str(path))
    assert len(cdf.held()) == 1997
    assert (summary.upserted, summary.rejected, summary.rejected_path) == (1997, 3, str(path))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["position"] for line in lines) == sorted(bad)
    assert all("time: expected a timestamp" in line["message"] and line["requestId"] for line in lines)


def test_a_rejected_file_loads_again_once_the_reason_is_gone(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    rows = [a_record("a", later=1), a_record("b", value=1.0)]
    hook = CdfRecordsHook()
    hook.upsert_records(STREAM, rows, max_rejected=1, rejected_path=str(path))
    assert cdf.held().keys() == {"b"}
    path.write_text(path.read_text().replace('"later"', '"value"'))
    hook.upsert_file(STREAM, path)
    assert cdf.held()["a"] == {"value": 1}


def test_more_rejected_than_allowed_fail_with_position_and_identity(cdf: LocalCdf) -> None:
    message = failure_of([a_record("good"), a_record("bad", time=REFUSED_BY_CDF)])
    assert "records[1] (plant/bad): CDF answered 400" in message


def test_a_stream_that_is_missing_is_named(cdf: LocalCdf) -> None:
    assert "Stream 'nowhere' does not exist in project 'local'" in failure_of([a_record()], "nowhere")


def test_an_immutable_stream_is_named(cdf: LocalCdf) -> None:
    assert "Stream 'archive' is immutable" in failure_of([a_record()], IMMUTABLE_STREAM)


def test_a_bad_stream_id_is_refused_before_anything_is_sent() -> None:
    assert "stream_id must be 1-100" in failure_of([a_record()], "Not a stream")


def test_wrong_credentials_fail_for_good(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, cdf, password="wrong-secret")
    message = failure_of([a_record()])
    assert "invalid_client" in message
    assert "wrong-secret" not in message


def test_a_wrong_project_fails_for_good(cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, cdf, schema="elsewhere")
    assert "its projects: local" in failure_of([a_record()])


def test_a_wrong_connection_fails_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", '{"conn_type": "cdf", "host": "westeurope-1"}')
    assert "CDF project (schema) is empty" in failure_of([a_record()])


def test_a_server_that_is_away_fails_so_that_airflow_tries_again(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"token": "t", "max_attempts": 2}
    connect(monkeypatch, cdf, host="http://127.0.0.1:9", login=None, password=None, extra=extra)
    with pytest.raises(AirflowException, match="got no answer") as failure:
        CdfRecordsHook().upsert_records(STREAM, [a_record()])
    assert not isinstance(failure.value, AirflowFailException)


def test_tokens_that_expire_under_way_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch, clock=Clock(stopped=True)) as cdf:

        def slowly() -> Iterator[dict[str, Any]]:
            for n in range(20_000):
                if n in (8_000, 16_000):  # more rows apart than are on their way at a time
                    cdf.server.clock.advance(cdf.server.settings.token_lifetime + 1)
                yield a_record(str(n))

        summary = CdfRecordsHook(max_concurrency=2).upsert_records(STREAM, slowly())
        assert summary.upserted == 20_000
        assert summary.retries >= 2


def test_an_empty_list_is_a_success_that_says_so(cdf: LocalCdf, capfd: pytest.CaptureFixture[str]) -> None:
    summary = CdfRecordsHook().upsert_records(STREAM, [])
    assert (summary.read, summary.upserted, summary.requests) == (0, 0, 0)
    assert "Nothing to upsert into stream alarms" in capfd.readouterr().out


def test_the_summary_is_logged_as_one_line(cdf: LocalCdf, capfd: pytest.CaptureFixture[str]) -> None:
    CdfRecordsHook().upsert_records(STREAM, [a_record("a"), a_record("a")])
    line = "Upserted 1 of 2 records into stream alarms: 1 superseded by a later row, 0 rejected"
    assert line in capfd.readouterr().out


def test_long_work_reports_its_progress(
    cdf: LocalCdf, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    said = ""

    def reports() -> list[str]:
        nonlocal said
        said += capfd.readouterr().out
        return [line for line in said.splitlines() if "records read" in line]

    def more_reports_than(count: int) -> bool:
        return len(reports()) > count

    class SlowList(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            for number, item in enumerate(super().__iter__()):
                if number % 1000 == 0:
                    wait_until(partial(more_reports_than, len(reports())))
                yield item

    CdfRecordsHook().upsert_records(STREAM, SlowList(a_record(str(n)) for n in range(3000)))
    assert len(reports()) >= 3
    assert all("%)" in line and "records/s" in line for line in reports())


def test_work_that_is_done_before_the_first_interval_reports_none(
    cdf: LocalCdf, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "INTERVAL", PATIENCE)
    CdfRecordsHook().upsert_records(STREAM, (a_record(str(n)) for n in range(3000)))
    assert "records read" not in capfd.readouterr().out


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz", "a.json", "a.json.gz"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_file_is_loaded(cdf: LocalCdf, tmp_path: Path, name: str, scheme: str) -> None:
    rows = [a_record(str(n), number=n) for n in range(10)]
    text = json.dumps(rows) if ".json" in name else "\n".join(map(json.dumps, rows))
    content = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    summary = CdfRecordsHook().upsert_file(STREAM, f"{scheme}{tmp_path / name}")
    assert summary.upserted == 10
    assert len(cdf.held()) == 10


def test_a_file_of_any_fsspec_url_is_loaded_and_its_rejects_written(cdf: LocalCdf) -> None:
    source = UPath("memory://bucket/a.ndjson")
    source.write_text(json.dumps(a_record("a")) + "\n" + json.dumps(a_record("b", number="x")) + "\n")
    rejected = "memory://bucket/rejected.ndjson"
    CdfRecordsHook().upsert_file(STREAM, str(source), max_rejected=1, rejected_path=rejected)
    assert cdf.held().keys() == {"a"}
    assert json.loads(UPath(rejected).read_text())["externalId"] == "b"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "path must be a path or an fsspec URL, got ''"),
        ("nosuchscheme://bucket/a.ndjson", "path 'nosuchscheme://bucket/a.ndjson' cannot be opened"),
        ("/nowhere/at/all.ndjson", "/nowhere/at/all.ndjson does not exist"),
    ],
)
def test_a_path_that_cannot_be_opened_is_named(cdf: LocalCdf, path: str, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message):
        CdfRecordsHook().upsert_file(STREAM, path)


def test_a_line_that_is_not_json_is_named_by_its_number(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(a_record()) + "\n{nonsense\n")
    with pytest.raises(AirflowFailException, match=rf"line 2 of .*{path.name}: not JSON"):
        CdfRecordsHook().upsert_file(STREAM, path)


@pytest.mark.parametrize("max_rejected", [-1, 1.5, float("nan")])
def test_a_max_rejected_that_makes_no_sense_is_refused(cdf: LocalCdf, max_rejected: float) -> None:
    assert "max_rejected must be" in failure_of([], max_rejected=max_rejected)


def test_max_concurrency_must_be_positive() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        CdfRecordsHook(max_concurrency=0)


def test_a_rejected_path_that_is_to_be_loaded_is_refused_and_left_as_it_is(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(a_record()))
    (tmp_path / "link.ndjson.x").symlink_to(path)
    for spelling in (path, f"file://{path}", f"{tmp_path}/x/../a.ndjson", tmp_path / "link.ndjson.x"):
        with pytest.raises(
            AirflowFailException, match="is one of the files to load, and would be overwritten"
        ):
            CdfRecordsHook().upsert_file(STREAM, path, rejected_path=spelling)
    assert json.loads(path.read_text()) == a_record()


def test_a_rejected_path_that_is_the_mapping_or_a_folder_is_refused(cdf: LocalCdf, tmp_path: Path) -> None:
    path, mapping = tmp_path / "a.ndjson", tmp_path / "mapping.json"
    path.write_text("{}")
    source = {"space": "s", "container": "C", "properties": "*"}
    mapping.write_text(json.dumps({"space": "s", "external_id": "{id}", "sources": [source]}))
    with pytest.raises(AirflowFailException, match="is the mapping, and would be overwritten"):
        CdfRecordsHook().upsert_file(STREAM, path, mapping=mapping, rejected_path=mapping)
    assert mapping.exists()
    with pytest.raises(AirflowFailException, match="is a folder; name a file in it"):
        CdfRecordsHook().upsert_file(STREAM, path, rejected_path=tmp_path)
