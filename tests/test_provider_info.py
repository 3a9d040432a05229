from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from importlib.metadata import distribution, version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.hooks.connection import EXTRAS

BEHAVIOUR_SCHEMA = "customized_form_field_behaviours.schema.json"


def airflow_schema(name: str) -> Any:
    return json.loads(files("airflow").joinpath(name).read_text())


def connection_type() -> dict[str, Any]:
    (connection,) = get_provider_info()["connection-types"]
    return connection


def test_airflow_finds_it_by_its_entry_point() -> None:
    entry = distribution("airflow-provider-cdf-records").entry_points["provider_info"]
    assert entry.group == "apache_airflow_provider"
    assert entry.load()() == get_provider_info()


def test_it_validates_against_airflows_schemas() -> None:
    jsonschema.validate(get_provider_info(), airflow_schema("provider_info.schema.json"))
    connection_schema = airflow_schema("provider.yaml.schema.json")["properties"]["connection-types"]
    jsonschema.validate(get_provider_info()["connection-types"], connection_schema)


def test_the_form_has_a_labelled_and_explained_field_for_every_extra() -> None:
    fields = connection_type()["conn-fields"]
    assert set(fields) == set(EXTRAS)
    assert all(field["label"] and field["description"] for field in fields.values())


@pytest.mark.parametrize("key", ["asset-uris", "dataset-uris"])
def test_the_functions_of_assets_are_there(key: str) -> None:
    (named,) = get_provider_info()[key]
    assert named.pop("schemes") == ["cdf"]
    for path in named.values():
        module, _, name = path.rpartition(".")
        assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("secret", ["token", "proxies"])
def test_secrets_are_password_fields(secret: str) -> None:
    assert connection_type()["conn-fields"][secret]["schema"]["format"] == "password"


def test_the_extras_are_hidden_as_json() -> None:
    assert set(connection_type()["ui-field-behaviour"]["hidden-fields"]) == {"extra"}


FORM = """
import json
try:
    from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
except ImportError:  # Airflow 2
    pass
else:
    HookMetaService.hook_meta_data()  # as the UI gets it, without the packages of forms
from airflow.providers_manager import ProvidersManager
manager = ProvidersManager()
print(json.dumps([manager.field_behaviours.get("cdf"), list(manager.connection_form_widgets)]))
"""


@pytest.mark.skipif(
    version("apache-airflow").startswith("3.0.") and not find_spec("flask_appbuilder"),
    reason="Airflow 3.0 has forms of connections only with the provider fab",
)
def test_airflow_shows_the_form() -> None:
    done = subprocess.run([sys.executable, "-c", FORM], capture_output=True, text=True, check=True)
    behaviour, widgets = json.loads(done.stdout.splitlines()[-1])
    assert behaviour["relabeling"]["schema"] == "CDF project *"
    assert set(behaviour["hidden_fields"]) == {"extra"}
    assert {name for name in widgets if "__cdf__" in name} == {f"extra__cdf__{name}" for name in EXTRAS}


def test_reading_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "from airflow_provider_cdf_records.get_provider_info import get_provider_info; get_provider_info()\n"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    heavy = {"airflow", "requests", "msgspec", "tenacity", "urllib3", "json"}
    assert not heavy & set(done.stdout.split())
