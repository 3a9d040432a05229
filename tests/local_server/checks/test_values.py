"""Which JSON values each property type accepts."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_cdf_records.local_server.checks.values import compile_check

LONG = "x" * 128_000
DIRECT = {"space": "s", "externalId": "x"}

ACCEPTED: list[tuple[dict[str, Any], list[Any]]] = [
    ({"type": "text"}, ["", "snö", LONG]),
    ({"type": "text", "maxTextSize": 4}, ["åå", "1234"]),
    ({"type": "boolean"}, [True, False]),
    ({"type": "int32"}, [0, -(2**31), 2**31 - 1]),
    ({"type": "int64"}, [-(2**63), 2**63 - 1]),
    ({"type": "float32"}, [0, 1.5, -3.4e38, 1e-50]),
    ({"type": "float64"}, [0, 1.5, 1.7e308]),
    (
        {"type": "timestamp"},
        [
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.6Z",
            "2026-01-02T03:04:05.678+02:00",
            "2024-02-29T00:00:00Z",
        ],
    ),
    ({"type": "date"}, ["2026-01-02", "2024-02-29"]),
    ({"type": "json"}, [None, 1, "x", [1, {"a": []}], "x" * 40_958]),
    ({"type": "direct"}, [DIRECT]),
    ({"type": "enum", "values": {"high": {}, "low": {}}}, ["high", "low"]),
    ({"type": "timeseries"}, ["ts"]),
    ({"type": "file"}, ["f"]),
    ({"type": "sequence"}, ["s"]),
    ({"type": "int32", "list": True}, [[], [1], [1] * 1000]),
    ({"type": "direct", "list": True}, [[DIRECT] * 100]),
    ({"type": "text", "list": True, "maxListSize": 2}, [["a", "b"]]),
    ({"type": "int32", "list": True, "maxListSize": 2000}, [[1] * 2000]),
    ({"type": "direct", "list": True, "maxListSize": 2000}, [[DIRECT] * 2000]),
]
REFUSED: list[tuple[dict[str, Any], list[Any]]] = [
    ({"type": "text"}, [1, True, [], LONG + "x", "ø" * 64_001]),
    ({"type": "text", "maxTextSize": 4}, ["ååx", "12345"]),
    ({"type": "boolean"}, [0, 1, "true"]),
    ({"type": "int32"}, [1.0, "1", True, 2**31, -(2**31) - 1]),
    ({"type": "int64"}, [2**63, 1.5, None]),
    ({"type": "float32"}, ["1", True, 3.5e38, 10**400]),
    ({"type": "float64"}, ["1", False, 10**400]),
    (
        {"type": "timestamp"},
        [
            "2026-01-02",
            "2026-01-02 03:04:05",
            "2026-13-02T03:04:05Z",
            "2025-02-29T00:00:00Z",
            "2026-01-02T25:00:00",
            "2026-01-02T03:04:05.1234Z",
            "2026-01-02T03:04Z",
            "now",
            1_700_000_000_000,
        ],
    ),
    ({"type": "date"}, ["2026-1-2", "2025-02-29", "2026-01-02T00:00:00", 20260102]),
    ({"type": "json"}, ["x" * 40_959]),
    ({"type": "direct"}, ["x", {"space": "s"}, DIRECT | {"more": 1}, {"space": 1, "externalId": "x"}]),
    ({"type": "enum", "values": {"high": {}}}, ["low", 1, ["high"]]),
    ({"type": "timeseries"}, [1, "", {"externalId": "x"}]),
    ({"type": "int32", "list": True}, [1, [None], ["1"], [1] * 1001]),
    ({"type": "direct", "list": True}, [[DIRECT] * 101]),
    ({"type": "text", "list": True, "maxListSize": 2}, [["a", "b", "c"]]),
    ({"type": "direct", "list": True, "maxListSize": 2000}, [[DIRECT] * 2001]),
]


def cases(table: list[tuple[dict[str, Any], list[Any]]]) -> list[Any]:
    return [
        pytest.param(kind, value, id=f"{kind['type']}{'[]' if kind.get('list') else ''}: {str(value)[:30]}")
        for kind, values in table
        for value in values
    ]


@pytest.mark.parametrize(("kind", "value"), cases(ACCEPTED))
def test_accepted(kind: dict[str, Any], value: Any) -> None:
    assert compile_check(kind, "p")(value) is None


@pytest.mark.parametrize(("kind", "value"), cases(REFUSED))
def test_refused(kind: dict[str, Any], value: Any) -> None:
    assert compile_check(kind, "p")(value)
