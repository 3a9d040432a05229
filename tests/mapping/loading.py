"""Containers, mappings and sources of every kind for the tests, and what a mapping makes of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping import IdentityMapping, RowMapping, Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Convert
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected
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


class Converted:
    """What a conversion makes of a source."""

    def __init__(self, source: Source, convert: Convert) -> None:
        chunks = [convert(chunk) for chunk in source]
        self.bodies = [body for records in chunks for body in records.bodies]
        self.records = [json.loads(body) for records in chunks for body in records.bodies]
        self.identities = [identity for records in chunks for identity in records.identities]
        self.positions = [position for records in chunks for position in records.positions]
        self.rows = [row for records in chunks for row in records.rows]
        self.refusals = [refusal for records in chunks for refusal in records.refusals]

    def properties(self, number: int = 0) -> Rows:
        """Return the properties that the records have in one of their containers."""
        return [record["sources"][number]["properties"] for record in self.records]

    def messages(self) -> dict[int, str]:
        """Return why rows were refused, by their positions."""
        return {refusal.position: refusal.message for refusal in self.refusals}


class Loaded(Converted):
    """What a mapping makes of a source."""

    def __init__(self, source: Source, definition: Any, schema: Schema = SCHEMA) -> None:
        convert = RowMapping(read_mapping(definition), schema)
        super().__init__(source, UnwrapRejected(convert, has_mapping=True))


class Identified(Converted):
    """What the identities of a mapping make of a source."""

    def __init__(self, source: Source, definition: Any) -> None:
        convert = IdentityMapping(read_mapping(definition))
        super().__init__(source, UnwrapRejected(convert, has_mapping=True))


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
