"""The corpus of files: what ``cases.yaml`` says, and how a case is loaded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.mapping.loading import container
from tests.sample_records import SPACE

FOLDER = Path(__file__).parent
MOST_DIGITS = 4000  # that Python makes a number of
CASES: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "cases.yaml").read_text(encoding="utf-8"))
ROW = container(
    "Row",
    {
        **dict.fromkeys(("text", "note"), "text"),
        "number": "float64",
        "small": "int32",
        "count": "int64",
        "flag": "boolean",
        **dict.fromkeys(("time", "time2", "time3", "time4"), "timestamp"),
        "day": "date",
        "any": "json",
        "tags": {"type": "text", "list": True},
        "numbers": {"type": "float64", "list": True},
        "level": {"type": "enum", "values": {"low": {}, "high": {}}},
        "pump": "direct",
    },
)
SOURCE = {"source": {"type": "container", "space": SPACE, "externalId": "Row"}, "properties": ["*"]}


def mapping_of(case: dict[str, Any]) -> dict[str, Any] | None:
    more = case.get("mapping", {})
    if more is None:
        return None
    source = {"space": SPACE, "container": "Row", "properties": case["properties"]}
    return {"space": SPACE, "external_id": case.get("id", "{id}"), "sources": [source]} | more


def as_integer(digits: str) -> int | str:
    return int(digits) if len(digits) < MOST_DIGITS else digits


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of rejected rows, in the order of the rows."""
    content = path.read_bytes() if path.exists() else b""
    lines = [json.loads(line, parse_int=as_integer) for line in content.splitlines()]
    return sorted(lines, key=lambda line: line["position"])
