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
    "mariadb": "MariaDB, MySQL (mysqlclient, mysql-connector)",
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
    return "<br>".join(dict.fromkeys(map(_told, _cases(database, kind)))).replace("|", "\\|")


def _told(case: dict[str, Any]) -> str:
    drivers = f" ({', '.join(case['drivers'])})" if "drivers" in case else ""
    name = f"{case['type']}{drivers}"
    if "becomes" in case:
        return f"{name}: {', '.join(case['becomes'])}"
    if "instead" not in case:
        return f"{name}: rejected"
    return f"{name}: rejected; write `{case['instead'].format(column='column')}`"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text()))
