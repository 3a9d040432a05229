"""What `.airflow-registry.yaml` tells Airflow's registry of providers is what the package has."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, BaseOperator

ROOT = Path(__file__).parent.parent
REGISTRY: dict[str, Any] = yaml.safe_load((ROOT / ".airflow-registry.yaml").read_text())
BASES = {"ArgumentsOperator", "CdfRecordsLoadOperator", "CdfRecordsOrPathOperator", "CdfSensor"}
PACKAGE = "airflow_provider_cdf_records"
OF_AIRFLOW_3 = {"airflow_provider_cdf_records.triggers.cdf_records.CdfRecordsChangedTrigger"}


def listed(kind: str) -> set[str]:
    return {one["module"] for one in REGISTRY[kind]}


def operator_classes(kind: str) -> set[str]:
    """Return the operators, sensors among them, that users import from the modules of a kind."""
    found = set()
    for name in (name for group in get_provider_info()[kind] for name in group["python-modules"]):
        for attribute, value in vars(import_module(name)).items():
            ours = inspect.isclass(value) and value.__module__.startswith(PACKAGE)
            if ours and issubclass(value, BaseOperator) and attribute not in BASES:
                found.add(f"{name}.{attribute}")
    return found


@pytest.mark.parametrize("kind", ["operators", "hooks", "sensors", "triggers", "decorators"])
def test_what_is_listed_can_be_imported(kind: str) -> None:
    names = listed(kind) - (set() if AIRFLOW_3 else OF_AIRFLOW_3)
    assert names
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert inspect.getdoc(getattr(import_module(module), attribute))


@pytest.mark.parametrize("kind", ["operators", "sensors"])
def test_all_of_a_kind_are_listed(kind: str) -> None:
    assert listed(kind) == operator_classes(kind)


def test_all_task_decorators_are_listed() -> None:
    assert listed("decorators") == {one["class-name"] for one in get_provider_info()["task-decorators"]}


def test_names_and_addresses_are_those_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    assert REGISTRY["package-name"] == get_provider_info()["package-name"]
    assert REGISTRY["description"] == get_provider_info()["description"]
    assert re.findall(r'^Documentation = "(.*)"$', project, re.MULTILINE) == [REGISTRY["docs-url"]]
    assert re.findall(r'^Repository = "(.*)"$', project, re.MULTILINE) == [REGISTRY["source-url"]]
