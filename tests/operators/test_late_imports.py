"""What a task imports, and when."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_cdf_records.records.late_imports import collecting_later
from tests.airflow_version import AIRFLOW
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record

LOAD = """
import sys, traceback
from airflow.sdk.execution_time import task_runner
class Noticed:
    def find_spec(self, name, *_):
        if name in sys.argv[3:]:
            print("HEAVY", name, *traceback.format_stack(), sep="\\n")
sys.meta_path.insert(0, Noticed())
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
load = CdfRecordsUpsertOperator(task_id="load", stream_id=sys.argv[1], path=sys.argv[2])
print("UPSERTED", load.execute({})["upserted"])
"""
HEAVY = {
    "boto3",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "s3fs",
    "adlfs",
    "gcsfs",
    "sqlalchemy",
    "sqlparse",
    "zstandard",
}


def test_a_load_of_a_local_file_imports_no_library_that_it_does_not_use(
    cdf: LocalCdf,
    tmp_path: Path,
) -> None:
    if AIRFLOW < (3, 2):
        pytest.skip("Making its collector of lineage, this Airflow imports the libraries of all providers.")
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps(a_record("a")))
    done = subprocess.run(
        [sys.executable, "-c", LOAD, STREAM, str(path), *HEAVY], capture_output=True, text=True, check=True
    )
    assert "UPSERTED 1" in done.stdout
    assert "HEAVY" not in done.stdout, done.stdout


@pytest.mark.parametrize("enabled", [True, False])
def test_no_search_for_cycles_interrupts_imports(*, enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with collecting_later():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if before else gc.disable)()
