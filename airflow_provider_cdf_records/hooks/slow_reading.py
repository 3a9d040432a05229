"""Tells what to do where a database has ended a query since nobody fetched its rows in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from airflow_provider_cdf_records.sources.queries import Cursor

HINT = (
    "The database may have ended the query because its rows were not fetched in time, while CDF was slow. "
    "With spool=True the rows are all fetched first, at the database's pace, and loaded from a file, from "
    "which a retry goes on."
)
STATES = frozenset(
    {"25P03", "25P04", "57P05"}
)  # of PostgreSQL: idle in a transaction, too long a transaction
CODES = frozenset({2006, 2013, 2055, 1159, 1160, 1161, 4031})  # of MySQL's servers and clients
IN_TEXTS = re.compile(
    r"idle[- ]in[- ]transaction|server closed the connection|lost connection|server has gone away|"
    r"ORA-01555|ORA-02396|ORA-03113|ORA-03135|08S01|communication link failure|snapshot too old",
    re.IGNORECASE,
)
Execute = Callable[[], AbstractContextManager[Cursor]]


def hinting_at_spool(execute: Execute) -> Execute:
    """Return a function that executes a query, and adds to errors while rows are fetched what may help."""

    @contextmanager
    def executed() -> Iterator[Cursor]:
        has_begun = False
        try:
            with execute() as cursor:
                has_begun = True
                yield cursor
        except Exception as error:
            if has_begun and hasattr(error, "retryable") and _is_of_slow_reading(error):
                error.args = (f"{error} {HINT}", *error.args[1:])
            raise

    return executed


def _is_of_slow_reading(error: BaseException | None) -> bool:
    """Whether an error, or the one of the driver behind it, is what databases say of a client that waited."""
    while error is not None:
        codes = [error.args[0] if error.args else None, getattr(error, "errno", None)]
        if getattr(error, "sqlstate", None) in STATES or getattr(error, "pgcode", None) in STATES:
            return True
        if CODES.intersection(code for code in codes if isinstance(code, int)) or IN_TEXTS.search(str(error)):
            return True
        error = error.__context__
    return False
