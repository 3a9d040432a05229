"""A mapping beside the DAG's file, which is found also where another file calls the DAG's function."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT, Airflow, airflow_on
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE

IMPORTS = f"""
from {"airflow.sdk" if AIRFLOW_3 else "airflow.decorators"} import dag, task
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
"""
FACTORY = """

def load(name, mapping):
    CdfRecordsUpsertOperator(task_id=name, stream_id="alarms", mapping=mapping, records=[{"id": name}])
"""
DAG = """
from factory import load


@dag(schedule=None)
def alarms():
    CdfRecordsUpsertOperator(
        task_id="operator", stream_id="alarms", mapping="mapping.json", records=[{"id": "operator"}]
    )
    CdfRecordsUpsertOperator.partial(task_id="mapped", stream_id="alarms", mapping="mapping.json").expand(
        records=[[{"id": "mapped"}]]
    )

    @task.cdf_records_upsert(stream_id="alarms", mapping="mapping.json")
    def function():
        return [{"id": "function"}]

    @task.cdf_records_upsert(stream_id="alarms", mapping="mapping.json")
    def mapped_function(number):
        return [{"id": f"function {number}"}]

    @task
    def hook():
        CdfRecordsHook().upsert_records("alarms", [{"id": "hook"}], mapping="mapping.json")

    function()
    mapped_function.expand(number=[1])
    hook()
    load("factory", "of_factory.json")
    load("factory_for_a_dag", "mapping.json")


alarms()
"""
TEST = """
from dags.alarms import alarms


def test_the_dag():
    assert alarms().test().state == "success"
"""
LOADED = {
    *("operator", "mapped", "function", "function 1", "hook"),
    *("of factory: factory", "factory_for_a_dag"),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A DAG and its mapping in one folder, a function that makes tasks, a test, each in another."""
    mapping = {
        "space": SPACE,
        "external_id": "{id}",
        "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"text": "id"}}],
    }
    files = {
        "dags/alarms.py": IMPORTS + DAG,
        "dags/mapping.json": json.dumps(mapping),
        "plugins/factory.py": IMPORTS + FACTORY,
        "plugins/of_factory.json": json.dumps(mapping | {"external_id": "of factory: {id}"}),
        "tests/test_alarms.py": TEST,
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return tmp_path


@pytest.fixture
def airflow(project: Path, airflow_home: Path) -> Airflow:
    airflow = airflow_on(project / "dags", airflow_home, project)
    airflow.settings["PYTHONPATH"] = os.pathsep.join(map(str, (ROOT, project, project / "plugins")))
    return airflow


def test_a_mapping_beside_the_dag_is_found_in_airflow(airflow: Airflow, cdf: LocalCdf) -> None:
    airflow.test_dag("alarms")
    assert cdf.held().keys() == LOADED


def test_a_mapping_beside_the_dag_is_found_where_a_test_calls_its_function(
    airflow: Airflow, cdf: LocalCdf, project: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "tests"],
        env=os.environ | airflow.settings,
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert cdf.held().keys() == LOADED
