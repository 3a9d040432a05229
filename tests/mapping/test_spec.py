"""Mappings that are refused before there are rows or containers."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cdf_records.mapping.spec import read_mapping
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from tests.mapping.loading import mapping


def containers(count: int) -> list[dict[str, Any]]:
    return [{"space": "plant", "container": f"C{number}", "properties": {}} for number in range(count)]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ([], "mapping: expected `object`, got `array`"),
        ({}, "mapping: space: is missing"),
        (
            mapping({}, spaces="x"),
            "mapping: object contains unknown field `spaces`; the known fields are space, external_id,",
        ),
        (mapping({}, sources=[{"space": "plant"}]), "mapping: sources[0].container: is missing"),
        (
            mapping({}, sources=[{"space": "plant", "name": "x"}]),
            "mapping: sources[0]: object contains unknown field `name`; the known fields are space,",
        ),
        (mapping({}, sources=[]), "mapping: sources: must have 1 to 100 containers, got 0"),
        (mapping({}, sources=containers(101)), "mapping: sources: must have 1 to 100 containers, got 101"),
        (
            mapping({}, sources=mapping({})["sources"] * 2),
            "mapping: sources[1]: container plant/Alarm is listed twice",
        ),
        (mapping({}, space="9"), "mapping: space: expected a space"),
        (
            mapping({}, external_id="\ud800{id}"),
            r"mapping: '\ud800{id}' holds half of a surrogate pair, which is no text",
        ),
        (mapping({}, space="system"), "mapping: space: 'system' is reserved"),
        (mapping({}, external_id="{id"), "mapping: external_id: format string '{id': "),
        (mapping({}, space="}"), "mapping: space: format string '}': "),
        (mapping({}, external_id="{}"), "mapping: external_id: format string '{}': use plain {column}"),
        (mapping({}, external_id="{id:.5}"), "format '.5' is not supported; use plain {column}"),
        (mapping({}, external_id="{id!r}"), "format string '{id!r}': use plain {column}"),
        (
            mapping({}, time_zone="Mars"),
            "mapping: time_zone must be an IANA name such as 'Europe/Oslo', got 'Mars'",
        ),
        (mapping({}, nulls="keep"), "mapping: nulls: must be 'drop' or 'send', got 'keep'"),
        (mapping(5), "mapping: sources[0].properties: expected `str | object`, got `int`"),
        (mapping("all"), "mapping: sources[0].properties: must be an object or '*', got 'all'"),
        (mapping({"a": "b", "x": 5}), "mapping: sources[0].properties.x: expected `str | object`, got `int`"),
        (mapping({"x: y": 5}), "mapping: sources[0].properties.x: y: expected `str | object`, got `int`"),
        (mapping({5: "x"}), "mapping: expected `str`, got `int` - at `key` in `$.sources[0].properties`"),
        (mapping({"x": {"col: u": 1}}), "unknown field `col: u`; the known fields are column, format, value"),
        (mapping("x: y"), "mapping: sources[0].properties: must be an object or '*', got 'x: y'"),
        (
            mapping({"a": "b", "x": {"colum": "y"}}),
            "mapping: sources[0].properties.x: object contains unknown field `colum`; the known fields are",
        ),
        (
            mapping({"a": "b", "x": {"column": "y", "optional": 1}}),
            "mapping: sources[0].properties.x.optional: expected `bool`, got `int`",
        ),
        (mapping({"9": "x"}), "mapping: sources[0].properties: expected a name"),
        (mapping({"*": "x"}), "mapping: sources[0].properties: '*' stands for all other columns"),
        (mapping({"*": {"value": 1}}), "mapping: sources[0].properties: '*' stands for all other columns"),
        (
            mapping({"x": {}}),
            "sources[0].properties.x: must have exactly one of 'column', 'format' and 'value', got none",
        ),
        (mapping({"x": {"column": "a", "value": 1}}), "'format' and 'value', got 'column' and 'value'"),
        (mapping({"x": {"format": "{"}}), "mapping: sources[0].properties.x.format: format string '{'"),
        (
            mapping({"x": {"column": "a", "time_zone": "Mars"}}),
            "mapping: sources[0].properties.x: time_zone must be an IANA name",
        ),
        (mapping({"x": {"column": "a", "direct": "9"}}), "mapping: sources[0].properties.x.direct: expected"),
        (mapping({"x": {"column": "a", "delimiter": ""}}), "properties.x.delimiter: must not be empty"),
        (
            mapping({}) | {"sources": [{"space": "9", "container": "A", "properties": {}}]},
            "sources[0].space: ",
        ),
        (
            mapping({}) | {"sources": [{"space": "s", "container": "a-b", "properties": {}}]},
            "mapping: sources[0].container: expected a name",
        ),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(definition: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        read_mapping(definition)
    assert message in str(refused.value)


def test_a_record_may_have_a_hundred_containers() -> None:
    assert len(read_mapping(mapping({}, sources=containers(100))).sources) == 100


def test_mappings_that_differ_have_different_digests() -> None:
    first = read_mapping(mapping({"text": "a"})).digest
    assert (
        read_mapping(mapping({"text": {"column": "a"}})).digest != read_mapping(mapping({"text": "b"})).digest
    )
    assert read_mapping(mapping({"text": "a"})).digest == first
    assert read_mapping(mapping({"text": "a"}, nulls="send")).digest != first


def test_a_template_names_its_columns() -> None:
    assert Template("{a}-{b.c}-{{d}}-{a}").columns == ["a", "b.c", "a"]
