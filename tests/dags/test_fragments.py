"""Fragments of code on the pages are Python, and name only modules and arguments that exist."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from airflow_provider_cdf_records import assets, hooks, local_server, retry_policies, sources
from airflow_provider_cdf_records.hooks import arguments as hook_arguments
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server.settings import Settings
from airflow_provider_cdf_records.operators import cdf_records, cdf_records_sql
from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.sensors import cdf_records as sensors
from airflow_provider_cdf_records.triggers import cdf_records as triggers
from airflow_provider_cdf_records.version_compat import AIRFLOW_3
from tests.dags.conftest import ROOT

BLOCKS = re.compile(r"^( *)```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
MODULES = (
    assets,
    hooks,
    local_server,
    retry_policies,
    sources,
    cdf_records,
    cdf_records_sql,
    sensors,
    triggers,
)
OURS = "airflow_provider_cdf_records"
PUBLIC = {
    name: value
    for module in MODULES
    for name, value in vars(module).items()
    if callable(value) and not name.startswith("_") and getattr(value, "__module__", "").startswith(OURS)
}
OF_TASKS = {"partial", "expand"}  # which take the arguments of the operator
DECORATORS = {"cdf_records_upsert", "cdf_records_ingest", "cdf_records_delete"}


def fragments() -> Iterator[Any]:
    for page in PAGES:
        text = page.read_text()
        for found in BLOCKS.finditer(text):
            indent, code = found.groups()
            if not code.lstrip().startswith("# dags/"):  # test_docs.py runs those
                line = text.count("\n", 0, found.start()) + 1
                code = re.sub(f"^{indent}", "", code, flags=re.MULTILINE)
                yield pytest.param(code, id=f"{page.relative_to(ROOT)}:{line}")


def arguments_of(target: Any) -> set[str] | None:
    """Return the keyword arguments that something takes; ``None``: any."""
    makers = (
        [vars(cls)["__init__"] for cls in target.__mro__ if "__init__" in vars(cls)]
        if isinstance(target, type)
        else [target]
    )
    found: set[str] = set()
    for maker in makers:
        more = None
        for name, parameter in inspect.signature(maker).parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD:
                more = parameter
            else:
                found.add(name)
        if more is None:
            return found
        if "Unpack" in str(more.annotation):
            return found | keys_of_unpacked(more)
    return None


def keys_of_unpacked(parameter: inspect.Parameter) -> set[str]:
    """Return the keys of the typed dict of ``**more: Unpack[...]``."""
    (name,) = re.findall(r"Unpack\[(\w+)\]", str(parameter.annotation))
    return set(getattr(hook_arguments, name).__annotations__)


def target_of(call: ast.Call) -> Any:
    """Return what of ours is called, if it is known."""
    match call.func:
        case ast.Name(id=name):
            return PUBLIC.get(name)
        case ast.Attribute(attr=name) if name in DECORATORS:
            return CdfRecordsLoadOperator
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in OF_TASKS:
            return PUBLIC.get(owner)
        case ast.Attribute(value=ast.Call() as inner, attr=name) if name in OF_TASKS:
            return target_of(inner)
        case ast.Attribute(attr="cdf_local_server"):  # the marker of tests
            return Settings
        case ast.Attribute(attr="faults"):
            return local_server.FaultPlan
        case ast.Attribute(attr=name):
            method = vars(CdfRecordsHook).get(name)
            return method if callable(method) else None
    return None


def problems(code: str) -> list[str]:
    """Return what a fragment names that does not exist."""
    found = []
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.ImportFrom(module=str(module)) if is_installed(module):
                there = importlib.import_module(module)
                found += [f"{module}.{name.name}" for name in node.names if not has(there, module, name.name)]
            case ast.Import() if names := [one.name for one in node.names]:
                found += [name for name in names if is_installed(name) and not find_spec(name)]
            case ast.Call() if (target := target_of(node)) and (known := arguments_of(target)) is not None:
                given = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
                found += [f"{ast.unparse(node.func)}({name}=)" for name in given if name not in known]
    return found


def is_installed(module: str) -> bool:
    """Whether a module must be importable here: ours are, and others where their package is."""
    package, _, _ = module.partition(".")
    if module.startswith("airflow.sdk"):
        return AIRFLOW_3
    return package == OURS or (package != "dags" and find_spec(package) is not None)


def has(there: Any, module: str, name: str) -> bool:
    return hasattr(there, name) or find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("code", fragments())
def test_a_fragment_names_only_what_exists(code: str) -> None:
    assert problems(code) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("CdfRecordsUpsertOperator(task_id='a', stream='b')", ["CdfRecordsUpsertOperator(stream=)"]),
        (
            "CdfRecordsFromSqlOperator.partial(task_id='a', retry=1).expand(paths=[])",
            ["CdfRecordsFromSqlOperator.partial(retry=)", "paths="],
        ),
        (
            "CdfRecordsHook().upsert_file('a', 'b', max_reject=1)",
            ["CdfRecordsHook().upsert_file(max_reject=)"],
        ),
        ("CdfRecordsHook().query_records('a', filters={})", ["CdfRecordsHook().query_records(filters=)"]),
        ("split_source('a', 8, how='identity')", ["split_source(how=)"]),
        ("CdfRecordsSensor(task_id='a', poke=1)", ["CdfRecordsSensor(poke=)"]),
        ("@task.cdf_records_upsert(stream='a')\ndef f(): ...", ["task.cdf_records_upsert(stream=)"]),
        ("@pytest.mark.cdf_local_server(visible=1)\ndef test_it(): ...", ["cdf_local_server(visible=)"]),
        ("cdf_local_server.faults(seed=1, share=0.2)", ["cdf_local_server.faults(share=)"]),
        (f"from {OURS}.sources import split", []),
        (f"from {OURS}.sources import cut", [f"{OURS}.sources.cut"]),
        ("CdfRecordsUpsertOperator(task_id='a', retries=3, pool='b', stream_id='c', path='d')", []),
    ],
)
def test_what_does_not_exist_is_found(code: str, expected: list[str]) -> None:
    found = problems(code)
    assert len(found) == len(expected)
    assert all(any(part in one for one in found) for part in expected)
