"""What the task log says of a load."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load.checkpoint import KEY, VERSION
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.version_compat import AirflowException
from tests.local_cdf import LocalCdf
from tests.sample_records import REFUSED_BY_CDF, STREAM, a_record
from tests.state_store import Memory

FILTER = {"exists": {"property": ["space"]}}
WITH_SECRETS = "http://user:a-password@127.0.0.1:9/a.csv?sig=a-signature"

Load = Callable[[CdfRecordsHook], Any]


class Lines(list[str]):
    """What a hook logs, in place of Airflow's logger."""

    def info(self, line: str, *values: Any) -> None:
        self.append(line % values)

    warning = info


def first_line(load: Load) -> str:
    """Return the first line that a load logs."""
    lines = Lines()

    class Hook(CdfRecordsHook):
        log = lines

    with suppress(AirflowException):
        load(Hook())
    return lines[0]


def test_it_begins_with_the_part_of_the_rows(cdf: LocalCdf) -> None:
    line = first_line(lambda hook: hook.upsert_records(STREAM, [a_record()], partition=" 2/ 8"))
    assert line.startswith("Going to upsert part 2/8 of 1 record into stream alarms of project ")


@pytest.mark.parametrize(
    ("load", "what"),
    [
        (lambda hook: hook.upsert_records(STREAM, [a_record()]), "upsert 1 record into"),
        (lambda hook: hook.upsert_records(STREAM, 7), "upsert records into"),
        (lambda hook: hook.ingest_records(STREAM, iter([])), "ingest records into"),
        (lambda hook: hook.delete_filter(STREAM, FILTER), "delete the records that match a filter from"),
        (lambda hook: hook.upsert_file(STREAM, "/no/such/*.csv"), "upsert /no/such/*.csv into"),
        (
            lambda hook: hook.upsert_file(STREAM, WITH_SECRETS),
            "upsert http://***@127.0.0.1:9/a.csv?sig=*** into",
        ),
        (lambda hook: hook.upsert_file(STREAM, "s3://conn@b/*.csv"), "upsert s3://conn@b/*.csv into"),
        (
            lambda hook: hook.upsert_query(STREAM, "SELECT 1", conn_id="db"),
            "upsert the rows of a query on connection 'db' into",
        ),
        (
            lambda hook: hook.delete_source(STREAM, RecordsSource([])),
            "delete the rows of a RecordsSource from",
        ),
    ],
)
def test_the_first_line_says_what_goes_where(cdf: LocalCdf, load: Load, what: str) -> None:
    where = f"stream {STREAM} of project {cdf.client.project} at {cdf.client.base_url}"
    assert first_line(load) == f"Going to {what} {where}."


def test_the_first_line_is_there_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    away = {
        "conn_type": "cdf",
        "host": "http://127.0.0.1:9",
        "schema": "p",
        "extra": {"token": "t", "max_attempts": 1},
    }
    monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(away))
    line = first_line(lambda hook: hook.upsert_file(STREAM, "http://127.0.0.1:9/a.csv"))
    where = f"stream {STREAM} of project p at http://127.0.0.1:9"
    assert line == f"Going to upsert http://127.0.0.1:9/a.csv into {where}."


MARK = Mark(11_999, read=12_000)._asdict()


@pytest.mark.parametrize(
    ("kept", "more", "end"),
    [
        ({"version": VERSION, "mark": MARK}, {}, "; an earlier try came as far as row 12,000."),
        ({"version": VERSION, "mark": MARK}, {"validate_only": True}, "."),
        ({"version": VERSION + 1, "mark": MARK}, {}, "."),
        ("what another operator kept", {}, "."),
        (None, {}, "."),
    ],
)
def test_the_first_line_says_how_far_an_earlier_try_came(
    cdf: LocalCdf, tmp_path: Path, kept: Any, more: Any, end: str
) -> None:
    path, store = tmp_path / "a.ndjson", Memory()
    path.touch()
    store.set(KEY, kept)
    line = first_line(lambda hook: hook.upsert_file(STREAM, path, state_store=store, **more))
    assert line.endswith(f" at {cdf.client.base_url}{end}")


def lines_of_load(load: Load) -> list[str]:
    """Return all lines that a load logs, however it ends."""
    lines = Lines()
    hook = CdfRecordsHook()
    hook._log = lines
    with suppress(AirflowException):
        load(hook)
    return lines


def test_what_is_rejected_and_tolerated_is_folded_away_in_the_log(cdf: LocalCdf) -> None:
    records = [a_record(f"bad-{number}", time=REFUSED_BY_CDF) for number in range(7)]
    lines = lines_of_load(lambda hook: hook.upsert_records(STREAM, records, max_rejected=7))
    begin = lines.index("::group::7 records rejected (refused_400 7)")
    assert all("expected a timestamp" in line for line in lines[begin + 1 : begin + 6])
    assert lines[begin + 6 :] == ["and 2 more", "::endgroup::"]


def test_a_load_that_fails_for_rejected_records_shows_them_in_its_error_alone(cdf: LocalCdf) -> None:
    lines = lines_of_load(lambda hook: hook.upsert_records(STREAM, [a_record(time=REFUSED_BY_CDF)]))
    assert len(lines) > 1
    assert not any("::group::" in line or "expected a timestamp" in line for line in lines)
