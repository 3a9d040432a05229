"""Finds a second statement in a query, of which a driver would run the first alone, or all of them.

``sqlparse``, which Airflow brings along, reads every dialect alike: it ends a string with a backslash, a
nested comment and Oracle's ``q'[...]'`` in the wrong place, so that good queries would be refused.
"""

from __future__ import annotations

import re
from itertools import product

from airflow_provider_cdf_records.records.identifiers import shortened

# What a semicolon may stand in. The text of each dialect is read in all the ways that one of them has.
LINE_COMMENT = r"--[^\n]*"
HASH_COMMENT = r"(?<!\S)\#(?![>-])[^\n]*"  # of MySQL; PostgreSQL has operators of that sign
FLAT_COMMENT = r"/\*.*?\*/"
NESTED_COMMENT = r"/\*(?:(?!/\*|\*/).|/\*(?:(?!/\*|\*/).|/\*.*?\*/)*\*/)*\*/"  # of PostgreSQL and SQL Server
ORACLE_QUOTE = r"\b[nN]?[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<end>[^\s\[{(<]).*?(?P=end))'"
DOLLAR_QUOTE = r"(?<![\w$])\$(?P<tag>[^\W\d]\w*|)\$.*?\$(?P=tag)\$"
ESCAPE_STRING = r"\b[eE]'(?:[^'\\]|\\.|'')*'"  # of PostgreSQL
STRING = r"'(?:[^']|'')*'", r"'(?:[^'\\]|\\.|'')*'"  # without and with backslashes that escape
IDENTIFIERS = r'"(?:[^"]|"")*"', r'"(?:[^"\\]|\\.|"")*"'  # texts in MySQL
OTHER_IDENTIFIERS = r"`(?:[^`]|``)*`", r"\[[^\]'\"]*\]"  # of MySQL, of SQL Server


def _reading(*, escapes: bool, is_nested: bool, has_hash: bool) -> re.Pattern[str]:
    comments = [LINE_COMMENT, NESTED_COMMENT if is_nested else FLAT_COMMENT, *[HASH_COMMENT] * has_hash]
    quotes = [DOLLAR_QUOTE, ORACLE_QUOTE, ESCAPE_STRING, STRING[escapes], IDENTIFIERS[escapes]]
    quotes += OTHER_IDENTIFIERS
    parts = f"(?P<comment>{'|'.join(comments)})|(?P<quote>{'|'.join(quotes)})"
    return re.compile(rf"{parts}|(?P<semicolon>;)|(?P<open>['\"`]|/\*)|(?P<other>[^\s])", re.DOTALL)


READINGS = [
    _reading(escapes=escapes, is_nested=is_nested, has_hash=has_hash)
    for escapes, is_nested, has_hash in product((False, True), repeat=3)
]


def second_statement(sql: str) -> str | None:
    """Return the beginning of the second statement; ``None`` where there is one at most.

    A text that one dialect reads as two statements and another as one is taken for one: the database refuses
    it if it is wrong.
    """
    if ";" not in sql.rstrip().rstrip(";"):
        return None
    places = {place for reading in READINGS if (place := _second_at(sql, reading)) != UNREADABLE}
    if not places or None in places:
        return None
    start = min(place for place in places if place is not None)
    return shortened(" ".join(sql[start:].split()))


UNREADABLE = -1


def _second_at(sql: str, reading: re.Pattern[str]) -> int | None:
    """Return where the second statement begins; ``UNREADABLE`` where a quote or comment has no end."""
    has_ended, second = False, None
    for found in reading.finditer(sql):
        if found.lastgroup == "open":
            return UNREADABLE
        kind = "quote" if found["quote"] else found.lastgroup
        if kind == "semicolon":
            has_ended = True
        elif kind in {"quote", "other"} and has_ended and second is None:
            second = found.start()
    return second
