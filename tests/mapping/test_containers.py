"""A mapping compared with the definitions of its containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping.row_mapping import RowMapping
from airflow_provider_cdf_records.mapping.schema import ContainerId, Schema
from airflow_provider_cdf_records.mapping.spec import read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import RecordsSource
from tests.mapping.loading import (
    ALARM,
    NOT_KNOWN,
    PLACE,
    Loaded,
    Rows,
    Shape,
    container,
    every_kind,
    every_nested_kind,
    mapping,
)


@every_kind
def test_a_record_may_have_several_containers(tmp_path: Path, kind: Shape) -> None:
    spec = mapping({"value": "reading"})
    spec["sources"].append({"space": "plant", "container": "Place", "properties": {"site": "where"}})
    loaded = Loaded(kind(tmp_path, [{"id": "a", "reading": 1, "where": "north"}]), spec)
    assert [data["source"]["externalId"] for data in loaded.records[0]["sources"]] == ["Alarm", "Place"]
    assert (loaded.properties(0), loaded.properties(1)) == ([{"value": 1}], [{"site": "north"}])


@every_kind
def test_a_missing_value_is_refused_where_one_is_required(tmp_path: Path, kind: Shape) -> None:
    spec = mapping({})
    spec["sources"] = [{"space": "plant", "container": "Place", "properties": {"site": "site"}}]
    loaded = Loaded(kind(tmp_path, [{"id": "a", "site": "x"}, {"id": "b", "site": None}]), spec)
    assert loaded.identities == ["plant/a"]
    assert list(loaded.messages().values()) == [
        "column 'site' -> plant/Place.site: expected text, got nothing, and it is not nullable"
    ]


@every_nested_kind
def test_a_column_that_comes_later_and_is_no_property_refuses_its_rows(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": str(n), "text": "x"} for n in range(1100)]
    rows += [{"id": "b", "new": 1}, {"id": "c", "new": None}, {"id": "d", "text": "y"}]
    loaded = Loaded(kind(tmp_path, rows), mapping("*"))
    assert loaded.identities[-2:] == ["plant/c", "plant/d"]
    assert list(loaded.messages().values()) == ["column 'new' -> plant/Alarm.new: there is no such property"]


@every_kind
def test_a_star_takes_no_column_that_cannot_be_a_property(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "text": "x", 'the "best"': None}, {"id": "b", "text": "y", 'the "best"': "z"}]
    loaded = Loaded(kind(tmp_path, rows), mapping("*"), NOT_KNOWN)
    assert loaded.properties() == [{"text": "x"}]
    [message] = loaded.messages().values()
    assert message.endswith("there is no such property")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (mapping({"txt": "a"}), "container plant/Alarm has no property 'txt'; it has value, number, text"),
        (mapping({"number": {"value": "x"}}), "plant/Alarm.number: expected int32, got 'x'"),
        (mapping({"tags": {"value": [None]}}), "null is not allowed in a list"),
        (mapping({"text": {"column": "a", "direct": "assets"}}), "'direct' is for direct relations"),
        (mapping({"text": {"column": "a", "delimiter": ";"}}), "'delimiter' is for lists"),
        (
            mapping({}, sources=[{"space": "plant", "container": "Place", "properties": {"area": "x"}}]),
            "plant/Place.site needs a value in every record (it is not nullable), and nothing is mapped",
        ),
        (
            mapping(
                {},
                sources=[{"space": "plant", "container": "Place", "properties": {"site": {"value": None}}}],
            ),
            "plant/Place.site needs a value in every record",
        ),
        (
            mapping({}, sources=[{"space": "plant", "container": "Gone", "properties": {}}]),
            "container plant/Gone does not exist, or this connection may not see it",
        ),
        (
            mapping({}, sources=[{"space": "plant", "container": "Node", "properties": {}}]),
            "container plant/Node must have usedFor 'record' to take records, got 'node'",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_the_containers_is_refused_before_any_row(
    spec: dict[str, Any], message: str
) -> None:
    node = container("Node", {"x": "text"}, usedFor="node")
    with pytest.raises(InvalidArgumentError) as refused:
        RowMapping(read_mapping(spec), Schema([ALARM, PLACE, node], complete=True))
    assert str(refused.value).startswith("mapping: ")
    assert message in str(refused.value)


@pytest.mark.parametrize("used_for", ["node", "edge", "all"])
def test_a_container_for_nodes_or_edges_takes_no_records(used_for: str) -> None:
    schema = Schema([container("Alarm", {}, usedFor=used_for)], complete=True)
    assert schema.problem_with(ContainerId("plant", "Alarm")) == (
        f"container plant/Alarm must have usedFor 'record' to take records, got {used_for!r}; "
        "use another container, or create one for records"
    )


@pytest.mark.parametrize("used_for", ["record", "one of the future", None])
def test_a_container_that_may_be_for_records_passes(used_for: str | None) -> None:
    definition = container("Alarm", {}, usedFor=used_for)
    if used_for is None:
        del definition["usedFor"]
    assert Schema([definition], complete=True).problem_with(ContainerId("plant", "Alarm")) is None


def test_a_default_value_is_value_enough() -> None:
    definition = container("Alarm", {"text": ("text", {"nullable": False, "defaultValue": "x"})})
    loaded = Loaded(RecordsSource([{"id": "a"}]), mapping({}), Schema([definition], complete=True))
    assert loaded.properties() == [{}]


@every_kind
def test_a_star_with_a_column_that_is_no_property_is_refused(tmp_path: Path, kind: Shape) -> None:
    with pytest.raises(InvalidArgumentError, match="column 'new' is not a property of container plant/Alarm"):
        Loaded(kind(tmp_path, [{"id": "a", "new": "x"}]), mapping("*"))


@every_kind
def test_a_star_without_a_required_property_is_refused(tmp_path: Path, kind: Shape) -> None:
    spec = mapping({}, sources=[{"space": "plant", "container": "Place", "properties": "*"}])
    with pytest.raises(
        InvalidArgumentError, match="site needs a value in every record, and the rows have none"
    ):
        Loaded(kind(tmp_path, [{"id": "a", "area": "x"}]), spec)
