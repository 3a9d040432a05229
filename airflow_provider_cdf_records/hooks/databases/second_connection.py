"""Ends a query from a second connection, where its own one cannot be told to stop."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import Any

log = logging.getLogger(__name__)


def end_from_second_connection(hook: Any, statement: str, is_gone: frozenset[int] = frozenset()) -> None:
    """Execute a statement that ends what another connection does; a failure is logged.

    :param is_gone: the numbers of errors that mean that it has ended already.
    """
    try:
        with closing(hook.get_conn()) as conn, closing(conn.cursor()) as cursor:
            cursor.execute(statement)
    except Exception as error:
        number = number_of(error)
        if number not in is_gone:
            log.warning(
                "The query may go on in the database, since %s failed on a second connection (%s%s).",
                statement,
                type(error).__name__,
                "" if number is None else f" {number}",
            )


def number_of(error: BaseException) -> int | None:
    """Return the number that a database gave its error; ``None`` where there is none."""
    number: Any = getattr(error, "errno", None)
    if number is None and error.args:
        number = error.args[0]
    if isinstance(number, tuple) and number:
        number = number[0]
    return number if isinstance(number, int) and not isinstance(number, bool) else None
