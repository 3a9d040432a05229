"""A load without Airflow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    LoadStoppedError,
)
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record

ROOT = Path(__file__).parents[2]


def test_rows_arrive(cdf: LocalCdf) -> None:
    rows = [a_record(str(number), number=number) for number in range(1500)]
    summary = Load(cdf.client, UPSERT, STREAM, RecordsSource(rows)).run()
    assert (summary.read, summary.accepted, summary.unsettled) == (1500, 1500, 0)
    assert cdf.held() == {str(number): {"number": number} for number in range(1500)}


@pytest.mark.parametrize("verb", [UPSERT, INGEST, DELETE], ids=lambda verb: verb.name)
def test_the_summary_has_the_word_of_the_verb(cdf: LocalCdf, verb: object) -> None:
    summary = Load(cdf.client, verb, STREAM, RecordsSource([a_record()])).run()  # type: ignore[arg-type]
    done, preposition = summary.verb.done, summary.verb.preposition
    assert summary.as_dict()[done] == getattr(summary, done) == 1
    assert str(summary).startswith(f"{done.capitalize()} 1 of 1 record {preposition} stream alarms")


def test_a_load_that_was_told_to_stop_before_it_began_sends_nothing(cdf: LocalCdf) -> None:
    load = Load(cdf.client, UPSERT, STREAM, RecordsSource([a_record()]))
    load.end_soon()
    with pytest.raises(LoadStoppedError):
        load.run()
    assert not cdf.server.records(STREAM)


@pytest.mark.parametrize("suffix", [".gz", ".GZ", ".bz2", ".zst"])
def test_rejected_records_do_not_get_a_name_that_says_compressed(
    cdf: LocalCdf, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"rejected.ndjson{suffix}"
    with pytest.raises(InvalidArgumentError, match=rf"not compressed.*; leave out {suffix.lower()}\."):
        Load(cdf.client, UPSERT, STREAM, RecordsSource([a_record()]), rejected_path=path)


def test_the_rejected_records_are_not_written_over_the_source(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(a_record()) + "\n")
    with pytest.raises(InvalidArgumentError, match="is one of the files to load"):
        Load(cdf.client, UPSERT, STREAM, FileSource(path), rejected_path=tmp_path / "." / "a.ndjson")


def test_a_load_needs_no_airflow() -> None:
    code = """
import sys
import airflow_provider_cdf_records.load
print(sorted({name.partition(".")[0] for name in sys.modules} & {"airflow", "sqlalchemy", "airflow_shared"}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
