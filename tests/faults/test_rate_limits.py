"""A load gets through a server that allows little, and waits as it is told to."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.local_server.settings import Quota
from tests.local_cdf import local_cdf
from tests.sample_records import STREAM, a_record
from tests.waiting import wait_until

REQUESTS = 40


@pytest.mark.parametrize(
    "limit",
    [
        {"requests_per_second": Quota(project=15)},
        {"requests_per_second": Quota(identity=15)},
        {"parallel_requests": Quota(project=2), "latency": 0.02},
        {"bytes_per_second": Quota(project=8_000)},
    ],
    ids=str,
)
@pytest.mark.parametrize("verb", ["upsert", "ingest", "delete"])
def test_a_load_gets_through_a_rate_limit(
    monkeypatch: pytest.MonkeyPatch, limit: dict[str, Any], verb: str
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    with local_cdf(monkeypatch, **limit) as cdf:
        clock = cdf.server.clock
        clock.advance(1)  # what the set-up has used is allowed again
        clock.stop()  # so that the limit is reached, however slow this machine is

        def go_on_once_it_is_reached() -> None:
            wait_until(lambda: any(request.status == 429 for request in cdf.server.last_requests()))
            clock.resume()

        watch = threading.Thread(target=go_on_once_it_is_reached, daemon=True)
        watch.start()
        rows = [a_record(str(number), number=number) for number in range(REQUESTS * 10)]
        load = getattr(CdfRecordsHook(max_concurrency=8), f"{verb}_records")
        summary = load(STREAM, rows, check_schema=False)
        watch.join()
        assert summary.accepted == len(rows)
        assert len(cdf.server.records(STREAM)) == (0 if verb == "delete" else len(rows))
        assert summary.retries > 0
