"""Decorated functions in a real Airflow, against the real local server; the DAGs are in ``functions.py``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.airflow_version import AIRFLOW
from tests.dags.conftest import Airflow, airflow_on
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf


@pytest.fixture
def airflow(airflow_home: Path, tmp_path: Path) -> Airflow:
    return airflow_on(Path(__file__).parent, airflow_home, tmp_path)


def test_what_functions_return_or_yield_goes_to_the_stream(
    airflow: Airflow, cdf: LocalCdf, tmp_path: Path
) -> None:
    airflow.test_dag("functions")
    assert airflow.states("functions").pop("nothing") == "skipped"
    assert cdf.held().keys() == {
        *("from-xcom-0", "from-xcom-1", "from-xcom-2"),
        *("rendered-0", "m-0", "n-0", "plain", "awaited", "good", "g", "h"),
        *("async-0", "async-1", "async-2"),
    }
    summary, read = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["read"], summary["upserted"], read) == (3, 3, 3)


def test_the_other_verbs(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("verbs")
    assert cdf.held().keys() == {"stays"}
    assert [external_id for external_id, _ in cdf.items(IMMUTABLE_STREAM)] == ["old"]


@pytest.mark.skipif(AIRFLOW == (3, 0), reason="In Airflow 3.0, `dags test` tries no task again")
def test_a_generator_that_fails_in_the_middle_fails_the_task_which_is_retried(
    airflow: Airflow, cdf: LocalCdf
) -> None:
    log = " ".join(airflow.run("dags", "test", "breaks").stdout.split())
    assert "the plant is down" in log
    assert airflow.states("breaks") == {"prefixes": "success", "extract": "success", "misses": "failed"}
    assert len(cdf.held()) == 1500
    assert "key of misses() is a reference that fails: XComNotFound" in log
