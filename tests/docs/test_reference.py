"""The hand-written tables of the reference say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_cdf_records.client.config import ClientConfig, RetryPolicy
from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.hooks.connection import EXTRAS
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
(TYPE,) = get_provider_info()["connection-types"]


def tables_of(page: str) -> list[list[list[str]]]:
    """Return the tables of a page: rows of cells, without the heads."""
    tables = re.findall(r"(?:^\|.*\n)+", (REFERENCE / page).read_text(), re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
        for table in tables
    ]


def test_every_field_of_a_connection_is_explained_under_its_label() -> None:
    fields, _ = tables_of("connection.md")
    labels = {
        field: label.removesuffix(" *") for field, label in TYPE["ui-field-behaviour"]["relabeling"].items()
    }
    labels["port"] = "Port"
    assert {row[1].strip("`"): row[0] for row in fields} == labels


def test_every_extra_of_a_connection_is_explained() -> None:
    _, extras = tables_of("connection.md")
    named = [row[0].strip("`") for row in extras]
    assert named == list(TYPE["conn-fields"])
    assert set(named) == set(EXTRAS)


@pytest.mark.parametrize("name", ["timeout", "max_attempts", "max_wait"])
def test_the_defaults_of_extras_are_those_of_the_client(name: str) -> None:
    _, extras = tables_of("connection.md")
    (default,) = [row[1].strip("`") for row in extras if row[0] == f"`{name}`"]
    fields = ClientConfig.__dataclass_fields__ | RetryPolicy.__dataclass_fields__
    assert float(default) == fields[name].default


def test_every_key_of_a_summary_is_explained() -> None:
    (keys,) = tables_of("summary.md")
    named = [row[0].strip("`") for row in keys]
    given = Summary(UPSERT, "alarms", valid=0).as_dict()
    assert sorted(named) == sorted(given)
    text = (REFERENCE / "summary.md").read_text()
    for verb in (INGEST, DELETE):
        assert f"`{verb.done}`" in text


def test_the_example_of_a_summary_has_its_keys_and_adds_up() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (REFERENCE / "summary.md").read_text(), re.DOTALL)
    shown = eval(example)
    assert list(shown) == list(Summary(UPSERT, "alarms").as_dict())
    assert shown["read"] == shown["upserted"] + shown["superseded"] + shown["rejected"]
