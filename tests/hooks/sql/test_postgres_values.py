"""Each type of PostgreSQL becomes what it means, or is refused with what to write in the query."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from airflow_provider_cdf_records.hooks.databases import Query
from airflow_provider_cdf_records.mapping.types import InvalidValueError, property_type
from tests.hooks.sql.conftest import DRIVERS, WIDE, Postgres, mapping
from tests.hooks.sql.test_postgres import held_wide, operator
from tests.local_cdf import LocalCdf

UsePostgres = Callable[..., Postgres]

MANY_DIGITS = Decimal("0.12345678901234567890")
ONE = Decimal("1.0")
UUID = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
TYPES = (
    "CREATE TYPE mood AS ENUM ('sad', 'so, so')",
    "CREATE TYPE pair AS (number int, text text)",
    "CREATE TYPE floats AS RANGE (subtype = float8)",
    "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
    "CREATE DOMAIN label AS text",
)

TAKEN = [  # an expression, a type of property, and what it becomes
    ("true", "boolean", True),
    ("9223372036854775807", "int64", 9223372036854775807),
    ("0.1::float4", "float64", 0.1),
    ("12345678901234567890.123456789::numeric", "text", "12345678901234567890.123456789"),
    ("18446744073709551616::numeric", "json", 18446744073709551616),
    ("""'{"a": [0.12345678901234567890, 1.0, null]}'::jsonb""", "json", {"a": [MANY_DIGITS, ONE, None]}),
    ("""ARRAY['{"a": 0.12345678901234567890}'::json]""", "json", [{"a": MANY_DIGITS}]),
    ("""'"text"'::jsonb""", "text", "text"),
    ("""'"text"'::jsonb""", "json", "text"),
    ("'so, so'::mood", "text", "so, so"),
    ("ARRAY['sad', 'so, so', NULL]::mood[]", "json", ["sad", "so, so", None]),
    ("ARRAY['sad', 'so, so']::mood[]", "text[]", ["sad", "so, so"]),
    ("ARRAY[ARRAY['sad']]::mood[]", "json", [["sad"]]),
    ("'{}'::mood[]", "json", []),
    ("ARRAY['a', 'b{']::label[]", "text[]", ["a", "b{"]),
    ("3::positive", "int64", 3),
    (f"ARRAY['{UUID}']::uuid[]", "text[]", [UUID]),
    ("B'1'", "boolean", True),
    ("B'0'", "int64", 0),
    ("ARRAY[B'1', B'0']", "boolean[]", [True, False]),
    ("TIME '24:00'", "text", "24:00:00"),
    ("TIME '12:30:00.25'", "text", "12:30:00.25"),
    ("TIMETZ '24:00+02'", "text", "24:00:00+02"),
    ("INET '::ffff:10.0.0.1'", "text", "::ffff:10.0.0.1"),
    ("CIDR '10.0.0.0/24'", "text", "10.0.0.0/24"),
    ("ARRAY[INET '10.0.0.1']", "text[]", ["10.0.0.1"]),
    ("MACADDR '08:00:2b:01:02:03'", "text", "08:00:2b:01:02:03"),
    ("DATE '0001-01-01'", "date", "0001-01-01"),
    ("ARRAY[TIMESTAMP '2026-01-02 03:04:05']", "timestamp[]", ["2026-01-02T03:04:05.000Z"]),
    ("ARRAY[DATE '2026-01-02', NULL]", "json", ["2026-01-02", None]),
]  # fmt: skip

BEYOND = r"': an infinity, or beyond the years 1 to 9999; write column::text, or NULLIF"
REFUSED = [  # an expression, a type of property, and what the message says, of the column c
    ("TIMESTAMPTZ 'infinity'", "timestamp", BEYOND),
    ("TIMESTAMPTZ '-infinity'", "text", BEYOND),
    ("TIMESTAMP 'infinity'", "timestamp", BEYOND),
    ("DATE 'infinity'", "date", BEYOND),
    ("DATE '-infinity'", "date", BEYOND),
    ("DATE '0044-03-15 BC'", "date", BEYOND),
    ("TIMESTAMP '10000-01-01'", "timestamp", BEYOND),
    ("TIMESTAMPTZ '10000-01-01'", "timestamp", BEYOND),
    ("ARRAY[DATE '2026-01-02', DATE 'infinity']", "date[]", BEYOND),
    ("ARRAY[TIMESTAMPTZ 'infinity']", "json", BEYOND),
    ("TIME '12:30'", "timestamp", "expected timestamp, got '12:30:00'"),
    ("'NaN'::numeric", "float64", "NaN"),
    ("INTERVAL '1 month'", "text", r"an interval; write EXTRACT\(EPOCH FROM c\), or c::text,"),
    ("ARRAY[INTERVAL '1 month']", "json", "an interval"),
    ("12.5::money", "text", "money; write c::numeric"),
    ("ARRAY[12.5::money]", "json", "money; write c::numeric"),
    (r"'\x0102'::bytea", "text", r"bytes; write encode\(c, 'hex'\)"),
    (r"ARRAY['\x0102'::bytea]", "text[]", "bytes; write encode"),
    ("B'101'", "int64", "a bit string; write c::int, or c::text,"),
    ("B'101'::bit varying", "text", "a bit string"),
    ("int4range(1, 5)", "text", r"a range; write lower\(c\) and upper\(c\), or c::text,"),
    ("numrange(1, 5, '[]')", "json", "a range"),
    ("tstzrange('-infinity', 'infinity')", "json", "a range"),
    ("ARRAY[int4range(1, 5)]", "json", "a range"),
    ("floats(1, 5)", "text", "a range"),
    ("ROW(1, 'a')", "text", r"a composite value; write to_jsonb\(c\)"),
    ("ROW(1, 'a')", "json", "a composite value"),
    ("ROW(1, 'a')::pair", "text", "a composite value"),
    ("ARRAY[ROW(1, 'a')::pair]", "json", "a composite value"),
    ("ARRAY[3]::positive[]", "json", "an array of the type _positive; write c::text"),
    ("ARRAY[BOX '(1,2),(3,4)']", "json", "an array of the type _box"),
    ("""'"[1]"'::jsonb""", "json", "a JSON text that looks like more JSON; write c->>0"),
    ("""('{"a": "' || chr(92) || 'ud800"}')::json""", "json", "JSON that cannot be decoded; write c::text"),
    ("repeat('[', 5000)::text || repeat(']', 5000)", "json", "expected json"),
]  # fmt: skip


def definition(name: str) -> dict[str, Any]:
    return {"type": name.removesuffix("[]"), "list": name.endswith("[]")}


def converted(value: Any, kind: str) -> Any:
    result = property_type(definition(kind)).convert(value)
    if isinstance(result, msgspec.Raw):
        return msgspec.json.Decoder(float_hook=Decimal).decode(result)
    return result


def rows_of(*expressions: str, conn_id: str = "pg") -> list[Any]:
    """Return the values of expressions, each a query's column ``c`` of a row of its own."""
    rows = []
    for expression in expressions:
        with Query(f"SELECT {expression} AS c", conn_id).execute() as cursor:
            rows += [row[0] for row in cursor.fetchmany(10)]
    return rows


@pytest.mark.parametrize("driver", DRIVERS)
def test_values_are_exact_by_both_drivers(postgres: UsePostgres, driver: str) -> None:
    postgres(driver).execute(*TYPES)
    values = rows_of(*(expression for expression, _, _ in TAKEN))
    got = [(case[0], case[1], converted(value, case[1])) for case, value in zip(TAKEN, values, strict=True)]
    assert got == TAKEN


@pytest.mark.parametrize("driver", DRIVERS)
def test_what_would_change_its_meaning_is_refused_with_what_to_write(
    postgres: UsePostgres, driver: str
) -> None:
    postgres(driver).execute(*TYPES)
    values = rows_of(*(expression for expression, _, _ in REFUSED))
    for (_, kind, message), value in zip(REFUSED, values, strict=True):
        with pytest.raises(InvalidValueError, match=message):
            converted(value, kind)


@pytest.mark.parametrize("driver", DRIVERS)
def test_a_row_whose_moment_is_infinite_is_rejected_and_the_others_are_loaded(
    cdf: LocalCdf, postgres: UsePostgres, tmp_path: Path, driver: str
) -> None:
    postgres(driver).execute(
        "CREATE TABLE reading (id text, day date, time timestamptz)",
        "INSERT INTO reading VALUES ('a', '2026-01-02', '2026-01-02 00:00+00'), ('b', 'infinity', now()), "
        "('c', '0044-03-15 BC', now()), ('d', '2026-01-03', '12026-01-03 00:00+00'), ('e', NULL, NULL)",
    )
    rejected = tmp_path / "rejected.ndjson"
    summary = operator(
        "SELECT * FROM reading ORDER BY id",
        mapping=mapping(container=WIDE, day="day", time="time"),
        max_rejected=3,
        rejected_path=str(rejected),
    ).execute({})
    assert (summary["upserted"], summary["rejected"]) == (2, 3)
    assert held_wide(cdf) == {"a": {"day": "2026-01-02", "time": "2026-01-02T00:00:00.000Z"}, "e": {}}
    lines = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [line["where"] for line in lines] == [f"row {number} of the query" for number in (2, 3, 4)]
    assert [line["unreadable"] for line in lines] == [
        {"day": "infinity"},
        {"day": "0044-03-15 BC"},
        {"time": "12026-01-03 00:00:00+00"},
    ]
    assert "column 'day' -> " in lines[0]["message"]
    assert "'infinity': an infinity, or beyond the years 1 to 9999" in lines[0]["message"]


@pytest.mark.parametrize("driver", DRIVERS)
def test_texts_of_a_database_without_an_encoding_are_utf_8_or_refused(
    postgres: UsePostgres, driver: str
) -> None:
    import psycopg

    server = postgres(driver, dbname="bytes")
    server.execute(
        "CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    try:
        with psycopg.connect(host=server.folder, user="postgres", dbname="bytes") as connection:
            connection.execute("CREATE TABLE t AS SELECT 1 AS n, 'Tromsø'::text AS c".encode())
            connection.execute(b"INSERT INTO t VALUES (2, E'Troms\\xf8')")
        good, bad = rows_of("c FROM t ORDER BY n --")
        instead = rows_of("encode(convert_to(c, 'SQL_ASCII'), 'hex') FROM t WHERE n = 2 --")
    finally:
        server.execute("DROP DATABASE bytes WITH (FORCE)")
    assert (good, instead) == ("Tromsø", ["54726f6d73f8"])
    with pytest.raises(InvalidValueError, match="not UTF-8; write encode"):
        converted(bad, "text")


@pytest.mark.parametrize("driver", DRIVERS)
def test_types_of_others_are_looked_up_in_a_connection_that_commits_by_itself(
    postgres: UsePostgres, driver: str
) -> None:
    extra = {"autocommit": True} if driver == "psycopg" else {}
    postgres(driver, **extra).execute(*TYPES)
    assert rows_of("ARRAY['sad']::mood[]") == [["sad"]]
