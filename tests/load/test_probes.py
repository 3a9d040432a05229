"""Probes of the requests of a load: which identities, how many, and when they were written."""

from __future__ import annotations

import json
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.load import Load, batches, checkpoint
from airflow_provider_cdf_records.load.checkpoint import KEY
from airflow_provider_cdf_records.load.probes import (
    CANDIDATES,
    LAST_REQUESTS,
    MAX_REQUESTS,
    OWN_CLOCK_MARGIN_MS,
    PER_REQUEST,
    RESOLUTION_MS,
    SKEW_MS,
    Probes,
    WriteTime,
    write_time,
)
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.records.errors import LoadFailedError
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from airflow_provider_cdf_records.sources.formats import ndjson
from tests.local_cdf import LocalCdf
from tests.sample_records import SPACE, STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer, client_of
from tests.state_store import Memory


def of_requests(*requests: list[str]) -> Probes:
    """Return the probes of requests that were carried out at the times 1, 2, ..."""
    probes = Probes()
    for at, names in enumerate(requests, start=1):
        probes.add([f"plant/{name}" for name in names], [], WriteTime(at, at))
    return probes


def names(probes: Probes) -> list[tuple[str, int]]:
    return [(probe["externalId"], probe["since"]) for probe in probes.as_list("since")]


def test_the_last_request_that_wrote_an_identity_counts() -> None:
    assert names(of_requests(["a", "b"], ["b", "c"], ["c"])) == [("a", 1), ("b", 2), ("c", 3)]
    assert names(of_requests(["a", "b"], ["c"], ["b", "a"])) == [("c", 2), ("b", 3), ("a", 3)]


def test_identities_that_the_load_did_not_write_before_come_first() -> None:
    probes = Probes()
    several = [f"plant/{number}" for number in range(1000)]
    probes.add(several, several[-3:], WriteTime(1, 1))
    assert [name for name, _ in names(probes)][:3] == ["997", "998", "999"]


@pytest.mark.parametrize("requests", [1, 9, 50, 100, 101, 1000])
def test_there_are_at_most_a_hundred_and_each_of_the_last_requests_has_one(requests: int) -> None:
    probes = of_requests(*[[f"{number}-{one}" for one in range(200)] for number in range(1, requests + 1)])
    times = [at for _, at in names(probes)]
    assert len(times) <= MAX_REQUESTS
    assert len(set(times)) == min(requests, MAX_REQUESTS)
    assert set(times) >= set(range(max(1, requests - LAST_REQUESTS + 1), requests + 1))
    if requests <= MAX_REQUESTS:
        assert set(times) == set(range(1, requests + 1))
    older = sorted({at for at in times if at <= requests - LAST_REQUESTS})
    gaps = [after - before for before, after in pairwise(older)]
    assert not gaps or max(gaps) <= 3 * (requests - LAST_REQUESTS) / len(older)
    assert max(times.count(at) for at in times) <= PER_REQUEST


def test_little_is_kept_of_large_requests() -> None:
    probes = of_requests(*[[f"{number}-{one}" for one in range(1000)] for number in range(300)])
    kept = probes.as_kept()
    assert sum(len(identities) for *_, identities in kept) <= MAX_REQUESTS
    restored = Probes()
    assert restored.restore(json.loads(json.dumps(kept)))
    assert restored.as_list("until") == probes.as_list("until")
    assert CANDIDATES < 1000


@pytest.mark.parametrize(
    "kept", [None, {}, [1], [[1, 2, 3]], [[1, 2, "3", []]], [[1, 2, 3, ["no slash"]]], [[1, 2, 3, [4]]]]
)
def test_what_another_version_kept_is_not_gone_on_from(kept: object) -> None:
    assert not Probes().restore(kept)


def test_requests_of_several_threads_all_count() -> None:
    probes = Probes()

    def add(thread: int) -> None:
        for number in range(200):
            probes.add([f"plant/{thread}-{number}", f"plant/all-{number}"], [], WriteTime(1, 1))

    threads = [threading.Thread(target=add, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = probes.as_kept()
    assert len(kept) == MAX_REQUESTS
    assert len({identity for *_, identities in kept for identity in identities}) == sum(
        len(identities) for *_, identities in kept
    )


def test_the_time_of_a_request_is_by_the_clock_of_the_server() -> None:
    assert write_time(50_000, 60_000, 2.0) == (58_000 - SKEW_MS, 60_000 + RESOLUTION_MS + SKEW_MS)
    assert write_time(59_000, 60_000, 2.0).since == 59_000 - SKEW_MS
    assert write_time(None, 60_000, 2.0).since == 58_000 - SKEW_MS


def test_without_a_time_of_the_server_ours_is_taken_with_a_margin() -> None:
    now = time.time() * 1000
    since, until = write_time(None, None, 1.0)
    assert since <= now - OWN_CLOCK_MARGIN_MS
    assert until >= now + OWN_CLOCK_MARGIN_MS - 1


def test_the_records_of_each_request_are_within_its_times(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    rows = [a_record(str(number), number=number) for number in range(60)]
    summary = Load(cdf.client, UPSERT, STREAM, RecordsSource(rows)).run()
    written = {one["externalId"]: one["lastUpdatedTime"] for one in cdf.server.records(STREAM)}
    probes = summary.as_dict()["probes"]
    assert len(probes) == 60
    for probe in probes:
        assert 0 <= written[probe["externalId"]] - probe["since"] < 300_000, probe
    deleted = Load(cdf.client, DELETE, STREAM, RecordsSource(rows)).run().as_dict()["probes"]
    assert all(probe.keys() == {"space", "externalId", "until"} for probe in deleted)


@pytest.mark.parametrize("verb", [UPSERT, INGEST, DELETE], ids=lambda verb: verb.name)
def test_nothing_that_was_only_validated_has_probes(cdf: LocalCdf, verb: Any) -> None:
    load = Load(cdf.client, verb, STREAM, RecordsSource([a_record()]), validate_only=True)
    assert load.run().as_dict()["probes"] == []


def test_probes_are_not_said_in_the_log_line(cdf: LocalCdf) -> None:
    assert "probe" not in str(Load(cdf.client, UPSERT, STREAM, RecordsSource([a_record()])).run())


@pytest.mark.parametrize("failed_request", range(2, 9))
def test_the_probes_are_of_all_tries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failed_request: int
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 5)
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    rows = [a_record(str(number), number=number) for number in range(60)]
    path, store = tmp_path / "rows.ndjson", Memory()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def load(server: ScriptedServer) -> Load:
        client = client_of(server, max_attempts=1)
        source = FileSource(path)
        return Load(client, UPSERT, STREAM, source, check_schema=False, max_concurrency=1, state_store=store)

    with ScriptedServer() as server:
        server.answer("/upsert", *[Answer(202)] * failed_request, Answer(503), Answer(202))
        with pytest.raises(LoadFailedError):
            load(server).run()
        assert store.kept[KEY]["probes"]
        summary = load(server).run().as_dict()
    assert summary["resumed_from"] is not None
    assert {probe["space"] for probe in summary["probes"]} == {SPACE}
    asked_about = {int(probe["externalId"]) // 5 for probe in summary["probes"]}
    assert asked_about == set(range(12)), "each request of five rows has a probe"
