"""Rows of every kind to records, by a mapping."""

from __future__ import annotations

import csv
import gc
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping.row_mapping import RowMapping
from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.mapping.spec import read_mapping
from airflow_provider_cdf_records.mapping.template import Template
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.record import MAX_RECORD_BYTES
from airflow_provider_cdf_records.rejected.file import rejection_of
from airflow_provider_cdf_records.sources import FileSource, RecordsSource, Source

Rows = list[dict[str, Any]]


def container(name: str, properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a container's definition; a property is a type, or ``(type, further fields)``."""
    definitions: dict[str, Any] = {}
    for prop, kind in properties.items():
        name_or_type, fields = kind if isinstance(kind, tuple) else (kind, {})
        whole = {"type": name_or_type} if isinstance(name_or_type, str) else name_or_type
        definitions[prop] = {"type": whole} | fields
    return {"space": "plant", "externalId": name, "usedFor": "record", "properties": definitions} | more


ALARM = container(
    "Alarm",
    {
        "value": "float64",
        "number": "int32",
        "text": "text",
        "flag": "boolean",
        "time": "timestamp",
        "day": "date",
        "any": "json",
        "pump": "direct",
        "pumps": {"type": "direct", "list": True},
        "tags": {"type": "text", "list": True},
        "level": {"type": "enum", "values": {"low": {}, "high": {}}},
    },
)
PLACE = container("Place", {"site": ("text", {"nullable": False}), "area": "text"})
SCHEMA = Schema([ALARM, PLACE], complete=True)
NOT_KNOWN = Schema()


def mapping(properties: Any, **more: Any) -> dict[str, Any]:
    """Return a mapping to the container ``Alarm``."""
    alarm = {"space": "plant", "container": "Alarm", "properties": properties}
    return {"space": "plant", "external_id": "{id}", "sources": [alarm]} | more


class Loaded:
    """What a mapping makes of a source."""

    def __init__(self, source: Source, definition: Any, schema: Schema = SCHEMA) -> None:
        convert = RowMapping(read_mapping(definition), schema)
        chunks = [convert(chunk) for chunk in source]
        self.records = [json.loads(body) for records in chunks for body in records.bodies]
        self.identities = [identity for records in chunks for identity in records.identities]
        self.positions = [position for records in chunks for position in records.positions]
        self.rows = [row for records in chunks for row in records.rows]
        self.refusals = [refusal for records in chunks for refusal in records.refusals]

    def properties(self, number: int = 0) -> Rows:
        """Return the properties that the records have in one of their containers."""
        return [record["sources"][number]["properties"] for record in self.records]

    def messages(self) -> dict[int, str]:
        return {refusal.position: refusal.message for refusal in self.refusals}


def as_ndjson(folder: Path, rows: Rows) -> Source:
    (folder / "rows.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return FileSource(folder / "rows.ndjson")


def as_json(folder: Path, rows: Rows) -> Source:
    (folder / "rows.json").write_text(json.dumps(rows))
    return FileSource(folder / "rows.json")


def as_dicts(folder: Path, rows: Rows) -> Source:
    return RecordsSource(rows)


def as_csv(folder: Path, rows: Rows) -> Source:
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return FileSource(folder / "rows.csv")


Shape = Callable[[Path, Rows], Source]
NESTED: list[Shape] = [as_ndjson, as_json, as_dicts]  # the kinds of rows that hold more than texts
every_kind = pytest.mark.parametrize("kind", [*NESTED, as_csv], ids=["ndjson", "json", "dicts", "csv"])
every_nested_kind = pytest.mark.parametrize("kind", NESTED, ids=["ndjson", "json", "dicts"])


# What records are made of


@every_kind
def test_a_record_is_made_of_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": "1.5", "other": "x"}, {"id": "b", "reading": "2", "other": "y"}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"value": "reading", "text": "id"}))
    source = {"type": "container", "space": "plant", "externalId": "Alarm"}
    assert loaded.records == [
        {
            "space": "plant",
            "externalId": "a",
            "sources": [{"source": source, "properties": {"value": 1.5, "text": "a"}}],
        },
        {
            "space": "plant",
            "externalId": "b",
            "sources": [{"source": source, "properties": {"value": 2.0, "text": "b"}}],
        },
    ]
    assert loaded.identities == ["plant/a", "plant/b"]
    assert not loaded.refusals


@every_kind
def test_identifiers_are_format_strings_over_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [{"site": "north", "tag": "PT-1", "n": 7}]
    spec = mapping({"text": "tag"}, space="plant_{site}", external_id="{tag}/{{{n}}}-{tag}")
    assert Loaded(kind(tmp_path, rows), spec).identities == ["plant_north/PT-1/{7}-PT-1"]


@every_kind
def test_a_property_may_be_a_format_string(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "day": "2026-01-02", "hour": "03:04"}]
    spec = mapping({"time": {"format": "{day}T{hour}Z"}, "text": {"format": "no {{columns}}"}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [
        {"time": "2026-01-02T03:04:00.000Z", "text": "no {columns}"}
    ]


@every_kind
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", 1.5),
        ("number", 0),
        ("text", ""),
        ("flag", False),
        ("any", {"a": [1, None]}),
        ("tags", ["a", "b"]),
        ("pump", {"space": "assets", "externalId": "p"}),
        ("level", "low"),
        ("day", "2026-01-02"),
    ],
)
def test_a_property_may_be_a_constant(tmp_path: Path, kind: Shape, name: str, value: Any) -> None:
    rows = [{"id": "a"}, {"id": "b"}]
    assert Loaded(kind(tmp_path, rows), mapping({name: {"value": value}})).properties() == [{name: value}] * 2


@every_kind
def test_a_column_may_be_the_external_id_of_a_direct_relation(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump": "p-1", "all": "p-1|p-2"}]
    spec = mapping(
        {
            "pump": {"column": "pump", "direct": "assets"},
            "pumps": {"column": "all", "direct": "assets", "delimiter": "|"},
        }
    )
    one, two = ({"space": "assets", "externalId": name} for name in ("p-1", "p-2"))
    expected = [{"pump": one, "pumps": [one, two]}]
    assert Loaded(kind(tmp_path, rows), spec).properties() == expected
    assert Loaded(kind(tmp_path, rows), spec, NOT_KNOWN).properties() == expected


@every_nested_kind
def test_relations_and_lists_come_as_json_has_them(tmp_path: Path, kind: Shape) -> None:
    one = {"space": "assets", "externalId": "p-1"}
    rows = [{"id": "a", "pump": one, "pumps": [one, "p-2"], "tags": ["a", 1]}]
    spec = mapping({"pump": "pump", "pumps": {"column": "pumps", "direct": "other"}, "tags": "tags"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [
        {"pump": one, "pumps": [one, {"space": "other", "externalId": "p-2"}], "tags": ["a", "1"]}
    ]


@every_kind
def test_delimited_text_is_a_list(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "tags": "x; y"}, {"id": "b", "tags": " "}]
    spec = mapping({"tags": {"column": "tags", "delimiter": ";"}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"tags": ["x", "y"]}, {"tags": []}]


@every_kind
def test_a_record_may_have_several_containers(tmp_path: Path, kind: Shape) -> None:
    spec = mapping({"value": "reading"})
    spec["sources"].append({"space": "plant", "container": "Place", "properties": {"site": "where"}})
    loaded = Loaded(kind(tmp_path, [{"id": "a", "reading": 1, "where": "north"}]), spec)
    assert [data["source"]["externalId"] for data in loaded.records[0]["sources"]] == ["Alarm", "Place"]
    assert (loaded.properties(0), loaded.properties(1)) == ([{"value": 1}], [{"site": "north"}])


@every_kind
@pytest.mark.parametrize("schema", [SCHEMA, NOT_KNOWN], ids=["known", "not known"])
def test_a_star_stands_for_all_columns_that_are_not_named(
    tmp_path: Path, kind: Shape, schema: Schema
) -> None:
    rows = [{"id": "a", "reading": "x", "text": "t", "level": "low"}]
    loaded = Loaded(kind(tmp_path, rows), mapping("*", external_id="{id}-{reading}"), schema)
    assert loaded.properties() == [{"text": "t", "level": "low"}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"any": "reading", "*": "*"}), schema)
    assert loaded.properties() == [{"any": "x", "text": "t", "level": "low"}]


@every_kind
def test_a_named_property_comes_before_a_column_of_its_name(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": "x", "text": "other"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "reading", "*": "*"})).properties() == [
        {"text": "x"}
    ]


@every_kind
def test_a_star_goes_on_through_all_chunks(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": str(n), "text": str(n), "level": "low"} for n in range(2500)]
    loaded = Loaded(kind(tmp_path, rows), mapping({"any": "level", "*": "*"}))
    assert loaded.properties() == [{"any": "low", "text": str(n)} for n in range(2500)]


@every_nested_kind
def test_a_star_takes_what_each_row_has(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "text": "t"}, {"id": "b", "number": 5}, {"id": "c"}]
    assert Loaded(kind(tmp_path, rows), mapping("*")).properties() == [{"text": "t"}, {"number": 5}, {}]


@every_nested_kind
def test_a_path_leads_into_nested_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [
        {"id": "a", "pump": {"name": "p", "deep": {"n": 1}}},
        {"id": "b", "pump": {"deep": None}},
        {"id": "c", "pump": "text"},
    ]
    spec = mapping({"text": "pump.name", "number": "pump.deep.n"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"text": "p", "number": 1}, {}, {}]
    spec = mapping({"text": {"format": "<{pump.name}>"}}, external_id="{id}-{pump.deep.n}")
    assert Loaded(kind(tmp_path, rows[:1]), spec).records[0]["externalId"] == "a-1"


@every_kind
def test_a_path_leads_into_a_text_that_holds_an_object(tmp_path: Path, kind: Shape) -> None:
    pumps = ['{"name": "p", "deep": "{\\"n\\": 1}"}', '{"name": ', '["name"]', "text", ""]
    rows = [{"id": f"r{number}", "pump": pump} for number, pump in enumerate(pumps)]
    spec = mapping({"text": "pump.name", "number": "pump.deep.n"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"text": "p", "number": 1}, {}, {}, {}, {}]


@every_nested_kind
def test_a_name_with_a_dot_and_a_path_may_stand_side_by_side(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump.name": "p"}, {"id": "b", "pump": {"name": "q"}}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"}))
    assert loaded.properties() == [{"text": "p"}, {"text": "q"}]


@every_kind
def test_a_column_may_have_a_dot_in_its_name(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump.name": "p", "pump": "q"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"})).properties() == [{"text": "p"}]


@every_kind
@pytest.mark.parametrize("name", ['the "best" column', "back\\slash", "new\nline", "snö ☃", "a b", "*", "c0"])
def test_a_column_may_have_any_name(tmp_path: Path, kind: Shape, name: str) -> None:
    rows = [{"id": "a", name: "x"}, {"id": "b", name: "y"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": name})).properties() == [
        {"text": "x"},
        {"text": "y"},
    ]


@every_kind
def test_nulls_are_left_out_or_sent(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": None, "text": "x"}, {"id": "b", "reading": "1.5", "text": None}]
    properties = {"value": "reading", "text": "text", "flag": {"value": None}}
    assert Loaded(kind(tmp_path, rows), mapping(properties)).properties() == [{"text": "x"}, {"value": 1.5}]
    assert Loaded(kind(tmp_path, rows), mapping(properties, nulls="send")).properties() == [
        {"value": None, "text": "x", "flag": None},
        {"value": 1.5, "text": None, "flag": None},
    ]


@every_kind
def test_moments_without_a_zone_are_in_that_of_the_mapping_or_the_property(
    tmp_path: Path, kind: Shape
) -> None:
    rows = [{"id": "a", "at": "2026-07-02 03:04"}]
    for more, spec, expected in (
        ({}, "at", "2026-07-02T03:04:00.000Z"),
        ({"time_zone": "Europe/Oslo"}, "at", "2026-07-02T01:04:00.000Z"),
        (
            {"time_zone": "Europe/Oslo"},
            {"column": "at", "time_zone": "Asia/Kolkata"},
            "2026-07-01T21:34:00.000Z",
        ),
    ):
        loaded = Loaded(kind(tmp_path, rows), mapping({"time": spec}, **more))
        assert loaded.properties() == [{"time": expected}]


def test_null_markers_of_a_file_are_nulls(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text,reading\na,NULL,-\nb,,1\n")
    source = FileSource(tmp_path / "a.csv", file_options={"null_values": ["NULL", "-"]})
    assert Loaded(source, mapping({"text": "text", "value": "reading"})).properties() == [
        {},
        {"text": "", "value": 1.0},
    ]


def test_without_a_schema_values_stay_what_they_are(tmp_path: Path) -> None:
    rows: Rows = [{"id": "a", "x": {"deep": [1, None]}}, {"id": "b", "x": "1.5"}, {"id": "c", "x": 2**70}]
    loaded = Loaded(as_ndjson(tmp_path, rows), mapping({"value": "x"}), NOT_KNOWN)
    assert [properties["value"] for properties in loaded.properties()] == [row["x"] for row in rows]


# Rows that are no records


@every_kind
def test_a_wrong_value_refuses_its_row_and_no_other(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": str(n), "reading": "high" if n % 700 == 3 else n, "text": "x"} for n in range(1500)]
    loaded = Loaded(kind(tmp_path, rows), mapping({"value": "reading", "text": "text"}))
    good = [n for n in range(1500) if n % 700 != 3]
    assert loaded.identities == [f"plant/{n}" for n in good]
    assert [properties["value"] for properties in loaded.properties()] == good
    first = 0 if kind in {as_json, as_dicts} else 1
    assert loaded.positions == [n + first for n in good]
    assert loaded.messages() == {
        n + first: "column 'reading' -> plant/Alarm.value: expected float64, got 'high'"
        for n in (3, 703, 1403)
    }


@every_kind
def test_a_wrong_value_of_a_format_string_names_the_property(tmp_path: Path, kind: Shape) -> None:
    loaded = Loaded(kind(tmp_path, [{"id": "a", "x": "b"}]), mapping({"level": {"format": "{x}{id}"}}))
    [message] = loaded.messages().values()
    assert message == "plant/Alarm.level: expected one of high, low, got 'ba'"


@every_kind
@pytest.mark.parametrize(
    ("template", "external_id", "message"),
    [
        ("{id}", None, "external_id: column 'id': is empty"),
        ("{id}{more}", None, "external_id: column 'id': is empty"),
        ("{id}", "x" * 257, "externalId: expected 1 to 256 characters, got 257"),
        ("{id}{more}", "x" * 256, "externalId: expected 1 to 256 characters, got 257"),
    ],
)
def test_a_row_without_an_external_id_is_refused(
    tmp_path: Path, kind: Shape, template: str, external_id: Any, message: str
) -> None:
    rows = [{"id": name, "more": "-"} for name in ("a", external_id, "c")]
    loaded = Loaded(kind(tmp_path, rows), mapping({}, external_id=template))
    assert len(loaded.identities) == 2
    assert list(loaded.messages().values()) == [message]


@every_nested_kind
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a\0"}, "externalId: must not hold a null byte"),
        ({"id": ""}, "externalId: expected 1 to 256 characters, got 0"),
        ({"id": ["a"]}, "external_id: column 'id': expected text, got ['a']"),
        ({"id": "a", "site": "9"}, "space: expected a space: "),
        ({"id": "a", "site": "system"}, "space: 'system' is reserved by CDF"),
        ({"id": "a", "site": None}, "space: column 'site': is empty"),
    ],
)
def test_a_row_without_an_identity_is_refused(
    tmp_path: Path, kind: Shape, row: dict[str, Any], message: str
) -> None:
    rows = [{"id": "first", "site": "plant"}, {"site": "plant"} | row, {"id": "last", "site": "plant"}]
    loaded = Loaded(kind(tmp_path, rows), mapping({}, space="{site}"))
    assert loaded.identities == ["plant/first", "plant/last"]
    assert list(loaded.messages()) == [2 if kind is as_ndjson else 1]
    assert next(iter(loaded.messages().values())).startswith(message)


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
    ("line", "message"),
    [
        (b"not json", "not JSON: "),
        (b"[1]", "expected `object`, got `array`"),
        (b'"text"', "expected `object`, got `str`"),
        (b'{"id": "b"', "not JSON: "),
        (b'{"id": "b", "text": "\xff"}', "not JSON: "),
        (b'{"text":' * 100_000, "not JSON: "),
    ],
)
@pytest.mark.parametrize("properties", [{"text": "text"}, "*"])
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, line: bytes, message: str, properties: Any) -> None:
    good = b'{"id": "a", "text": "x"}\n'
    (tmp_path / "a.ndjson").write_bytes(good + line + b"\n" + good.replace(b"a", b"c", 1))
    loaded = Loaded(FileSource(tmp_path / "a.ndjson"), mapping(properties))
    assert len(loaded.records) + len(loaded.refusals) == 3
    assert list(loaded.messages()) == [2]
    assert loaded.messages()[2].startswith(message)


@pytest.mark.parametrize("row", [5, None, "text", b"not json", 1.5])
def test_an_item_that_is_no_row_is_refused(row: Any) -> None:
    loaded = Loaded(RecordsSource([{"id": "a"}, row, b'{"id": "c"}']), mapping({}))
    assert loaded.identities == ["plant/a", "plant/c"]
    assert list(loaded.messages()) == [1]


def test_rows_that_a_source_refused_stay_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,text\na,x\nb\nc,y\n")
    loaded = Loaded(FileSource(tmp_path / "a.csv"), mapping({"level": "text"}))
    assert not loaded.records
    assert sorted(loaded.messages()) == [1, 2, 3]


def test_a_record_that_is_too_large_is_refused_alone() -> None:
    rows = [{"id": "a", "x": "small"}, {"id": "b", "x": "x" * MAX_RECORD_BYTES}]
    loaded = Loaded(RecordsSource(rows), mapping({"text": "x"}), NOT_KNOWN)
    assert loaded.identities == ["plant/a"]
    assert "bytes of JSON, and CDF takes 10,000,000 in a request" in loaded.messages()[1]


@pytest.mark.parametrize("schema", [SCHEMA, NOT_KNOWN], ids=["known", "not known"])
def test_half_a_character_refuses_its_row_alone(tmp_path: Path, schema: Schema) -> None:
    (tmp_path / "a.json").write_text('[{"id": "a", "x": "\\ud800"}, {"id": "b", "x": "y"}]')
    loaded = Loaded(FileSource(tmp_path / "a.json"), mapping({"text": "x"}), schema)
    assert loaded.identities == ["plant/b"]
    assert loaded.messages()[0].startswith("column 'x' -> plant/Alarm.text: expected ")


# What cannot be meant


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ([], "mapping: expected `object`, got `array`"),
        ({}, "mapping: object missing required field `space`"),
        (mapping({}, spaces="x"), "mapping: object contains unknown field `spaces`"),
        (mapping({}, sources=[]), "mapping: sources: must have at least one container"),
        (
            mapping({}, sources=mapping({})["sources"] * 2),
            "mapping: sources[1]: container plant/Alarm is listed twice",
        ),
        (mapping({}, space="9"), "mapping: space: expected a space"),
        (mapping({}, space="system"), "mapping: space: 'system' is reserved"),
        (mapping({}, external_id="{id"), "mapping: external_id: format string '{id': "),
        (mapping({}, space="}"), "mapping: space: format string '}': "),
        (mapping({}, external_id="{}"), "mapping: external_id: format string '{}': use plain {column}"),
        (mapping({}, external_id="{id:>5}"), "use plain {column}, without a format or conversion"),
        (mapping({}, external_id="{id!r}"), "use plain {column}, without a format or conversion"),
        (
            mapping({}, time_zone="Mars"),
            "mapping: time_zone must be an IANA name such as 'Europe/Oslo', got 'Mars'",
        ),
        (mapping({}, nulls="keep"), "mapping.nulls: invalid enum value 'keep'"),
        (mapping(5), "mapping.sources[0].properties: expected `str | object`, got `int`"),
        (mapping("all"), "mapping.sources[0].properties: invalid enum value 'all'"),
        (mapping({"x": 5}), "mapping.sources[0].properties[...]: expected `str | object`, got `int`"),
        (mapping({"x": {"colum": "y"}}), "mapping.sources[0].properties[...]: object contains unknown field"),
        (mapping({"9": "x"}), "mapping: sources[0].properties: expected an identifier"),
        (mapping({"*": "x"}), "mapping: sources[0].properties: '*' stands for all other columns"),
        (mapping({"*": {"value": 1}}), "mapping: sources[0].properties: '*' stands for all other columns"),
        (
            mapping({"x": {}}),
            "mapping: sources[0].properties.x: must have exactly one of 'column', 'format' and 'value', got none",
        ),
        (mapping({"x": {"column": "a", "value": 1}}), "'format' and 'value', got 'column' and 'value'"),
        (mapping({"x": {"format": "{"}}), "mapping: sources[0].properties.x.format: format string '{'"),
        (mapping({"x": {"column": "a", "time_zone": "Mars"}}), "time_zone must be an IANA name"),
        (mapping({"x": {"column": "a", "direct": "9"}}), "mapping: sources[0].properties.x.direct: expected"),
        (mapping({"x": {"column": "a", "delimiter": ""}}), "properties.x.delimiter: must not be empty"),
        (
            mapping({}) | {"sources": [{"space": "9", "container": "A", "properties": {}}]},
            "sources[0].space: ",
        ),
        (
            mapping({}) | {"sources": [{"space": "s", "container": "a-b", "properties": {}}]},
            "mapping: sources[0].container: expected an identifier",
        ),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(definition: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        read_mapping(definition)
    assert message in str(refused.value)


def test_two_mappings_are_told_apart() -> None:
    first = read_mapping(mapping({"text": "a"})).digest
    assert (
        read_mapping(mapping({"text": {"column": "a"}})).digest != read_mapping(mapping({"text": "b"})).digest
    )
    assert read_mapping(mapping({"text": "a"})).digest == first
    assert read_mapping(mapping({"text": "a"}, nulls="send")).digest != first


def test_a_template_names_its_columns() -> None:
    assert Template("{a}-{b.c}-{{d}}-{a}").columns == ["a", "b.c", "a"]


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
            "container plant/Node is for 'node'; records need one with usedFor 'record' or 'all'",
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


def test_a_default_value_is_value_enough() -> None:
    definition = container("Alarm", {"text": ("text", {"nullable": False, "defaultValue": "x"})})
    loaded = Loaded(RecordsSource([{"id": "a"}]), mapping({}), Schema([definition], complete=True))
    assert loaded.properties() == [{}]


@every_kind
@pytest.mark.parametrize(
    ("spec", "column"),
    [
        (mapping({"text": "tag"}), "tag"),
        (mapping({"text": "tag.name"}), "tag.name"),
        (mapping({"text": {"format": "{tag}"}}), "tag"),
        (mapping({}, external_id="{tag}"), "tag"),
        (mapping({"*": "*", "text": "tag"}), "tag"),
    ],
)
def test_a_column_that_the_rows_lack_is_told_with_those_they_have(
    tmp_path: Path, kind: Shape, spec: dict[str, Any], column: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        Loaded(kind(tmp_path, [{"id": "a", "Tag": "x"}, {"id": "b", "Tag": "y"}]), spec)
    said = f"mapping: the rows have no column {column!r}; they have 'id', 'Tag'."
    hint = f" If only some rows have it, map {{'column': {column!r}, 'optional': true}}."
    assert str(refused.value) in (said, said + hint)


@every_nested_kind
def test_an_optional_column_may_come_late(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": f"r{number}"} for number in range(1500)]
    rows[-1]["tag"] = "late"
    with pytest.raises(InvalidArgumentError, match=r"If only some rows have it, map .*'optional': true"):
        Loaded(kind(tmp_path, rows), mapping({"text": "tag"}))
    loaded = Loaded(kind(tmp_path, rows), mapping({"text": {"column": "tag", "optional": True}}))
    assert loaded.properties()[-2:] == [{}, {"text": "late"}]


def test_in_the_middle_of_a_source_rows_need_not_have_all_columns() -> None:
    convert = RowMapping(read_mapping(mapping({"text": "tag"})), Schema(), check_columns=False)
    (chunk,) = RecordsSource([{"id": "a"}])
    assert convert(chunk).identities == ["plant/a"]


def test_rows_with_ever_other_columns_do_not_fill_the_memory() -> None:
    names = [f"p{number}" for number in range(12)]
    definition = container("Alarm", {name: ("int64", {"nullable": True}) for name in names})
    convert = RowMapping(read_mapping(mapping("*")), Schema([definition], complete=True))
    before = len(gc.get_objects())
    for mask in range(4096):
        row = {"id": "a"} | {name: 1 for at, name in enumerate(names) if mask >> at & 1}
        records = convert(next(iter(RecordsSource([row]))))
        assert json.loads(records.bodies[0])["sources"][0]["properties"] == {n: 1 for n in row if n != "id"}
    gc.collect()
    assert len(gc.get_objects()) - before < 4096


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


@every_nested_kind
def test_a_column_that_some_of_the_first_rows_have_is_enough(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a"}, {"id": "b", "note": "x"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "note"})).properties() == [{}, {"text": "x"}]


# Rejected records


@every_kind
@pytest.mark.parametrize("properties", [{"level": "level", "text": "note"}, {"text": "note", "*": "*"}])
def test_a_rejected_file_loads_again_with_the_same_mapping(
    tmp_path: Path, kind: Shape, properties: Any
) -> None:
    rows = [
        {"id": "a", "level": "low", "note": None},
        {"id": "b", "level": "worst", "note": "snö"},
        {"id": "c", "level": "worst", "note": None},
    ]
    spec = mapping(properties)
    first = Loaded(kind(tmp_path, rows), spec)
    rejections = [rejection_of("somewhere", at, row, message) for at, row, message in first.refusals]
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(b"".join(rejection.as_line() for rejection in rejections))

    again = Loaded(FileSource(path), spec)
    assert list(again.messages().values()) == list(first.messages().values())
    more = json.loads(json.dumps(ALARM))
    more["properties"]["level"]["type"]["values"]["worst"] = {}
    later = Loaded(FileSource(path), spec, Schema([more], complete=True))
    assert later.identities == ["plant/b", "plant/c"]
    assert later.properties() == [{"level": "worst", "text": "snö"}, {"level": "worst"}]


def test_null_markers_are_nulls_in_a_rejected_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,level,note\na,worst,NULL\nb,worst,\n")
    source = FileSource(tmp_path / "a.csv", file_options={"null_values": ["NULL"]})
    refusals = Loaded(source, mapping({"level": "level", "text": "note"})).refusals
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(b"".join(rejection_of("x", at, row, why).as_line() for at, row, why in refusals))
    records = [json.loads(line)["record"] for line in path.read_bytes().splitlines()]
    assert records == [
        {"id": "a", "level": "worst", "note": None},
        {"id": "b", "level": "worst", "note": ""},
    ]
    later = Loaded(FileSource(path), mapping({"text": "note"}))
    assert later.properties() == [{}, {"text": ""}]


def test_rejected_rows_need_not_have_every_column(tmp_path: Path) -> None:
    line = rejection_of("x", 7, b'{"id": "a"}', "why").as_line()
    (tmp_path / "r.ndjson").write_bytes(line)
    loaded = Loaded(FileSource(tmp_path / "r.ndjson"), mapping({"text": "note"}))
    assert loaded.identities == ["plant/a"]
    assert [json.loads(row) for row in loaded.rows] == [{"id": "a"}]
