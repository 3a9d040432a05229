"""Direct relations and references."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airflow_provider_cdf_records.mapping.types import (
    Relation,
    property_type,
)
from tests.mapping.types.converting import convert, refused


@pytest.mark.parametrize("kind", ["timeseries", "file", "sequence"])
def test_references_are_external_ids(kind: str) -> None:
    assert convert(17, kind) == "17"
    assert "expected the external id of a" in refused("", kind)


def test_an_external_id_becomes_a_direct_relation() -> None:
    relation = convert(17, "direct", direct_space="assets")
    assert msgspec.to_builtins(relation) == {"space": "assets", "externalId": "17"}
    whole = {"space": "other", "externalId": "a"}
    assert msgspec.to_builtins(convert(whole, "direct", direct_space="assets")) == whole
    assert "set it with 'direct' in the mapping" in refused("a", "direct")


@pytest.mark.parametrize(
    "value",
    [
        {"space": "s"},
        {"space": "s", "externalId": ""},
        {"space": "s", "externalId": 1},
        {"space": "s", "externalId": "\ud800"},
        {"space": "s", "externalId": "a", "more": 1},
        "",
    ],
)
def test_half_a_direct_relation_is_refused(value: Any) -> None:
    assert refused(value, "direct", direct_space="s").startswith("expected a direct relation")


def test_a_relation_may_come_as_a_text_of_json() -> None:
    text = '{"space": "assets", "externalId": "pump"}'
    assert property_type({"type": "direct"}).convert(text) == Relation("assets", "pump")
