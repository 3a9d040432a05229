"""The table of types in docs/databases.md, made of the cases that test_types.py proves on real databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

CASES: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("type_cases.yaml").read_text()
)
PAGE = Path(__file__).parents[2] / "docs" / "databases.md"
BEGIN, END = "<!-- types: written by tests/servers/type_table.py -->", "<!-- end of types -->"

HEADERS = {
    "sqlite": "SQLite",
    "postgres": "PostgreSQL (psycopg 3, psycopg2)",
    "mariadb": "MariaDB, MySQL (mysqlclient, mysql-connector, PyMySQL)",
    "odbc": "ODBC (MariaDB's driver)",
}
KINDS = (
    "whole numbers",
    "exact decimals",
    "floats",
    "booleans",
    "bits",
    "text",
    "enums",
    "moments",
    "dates",
    "times of day",
    "intervals",
    "dates without a day",
    "bytes",
    "JSON",
    "arrays",
    "records",
    "ranges",
    "network addresses",
    "places",
    "large objects",
)


def table() -> str:
    """Return the table in Markdown: a row for each kind of type, a column for each database."""
    lines = ["| | " + " | ".join(HEADERS.values()) + " |", "|---" * (len(HEADERS) + 1) + "|"]
    lines += [
        f"| {kind} | " + " | ".join(_cell(database, kind) for database in HEADERS) + " |"
        for kind in KINDS
        if any(_cases(database, kind) for database in HEADERS)
    ]
    return "\n".join(lines)


def page_with_table(page: str) -> str:
    """Return the page with the table of now."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}"


def _cases(database: str, kind: str) -> list[dict[str, Any]]:
    return [case for case in CASES[database] if case["kind"] == kind]


def _cell(database: str, kind: str) -> str:
    types = dict.fromkeys(map(_name, _cases(database, kind)))
    told = [_told(name, [case for case in _cases(database, kind) if _name(case) == name]) for name in types]
    return "<br>".join(told).replace("|", "\\|")


def _name(case: dict[str, Any]) -> str:
    return f"{case['type']} ({', '.join(case['drivers'])})" if "drivers" in case else str(case["type"])


def _told(name: str, cases: list[dict[str, Any]]) -> str:
    """Return what becomes of a type by all of its cases."""
    becomes = dict.fromkeys(property_type for case in cases for property_type in case.get("becomes", ()))
    if becomes:
        return f"{name}: {', '.join(becomes)}"
    instead = dict.fromkeys(case["instead"].format(column="column") for case in cases if "instead" in case)
    return f"{name}: rejected" + "".join(f"; write `{one}`" for one in instead)


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
