"""Cuts a query into queries by ranges of a column, for the tasks of a mapped operator."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.records.unreadable import UnreadableRow

MARK = "{range}"
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/", re.DOTALL)
PERCENT = ("pyformat", "format")  # styles of placeholders, as DB-API calls them
POSITIONAL = {"pyformat": "%s", "format": "%s", "qmark": "?"}
NAMES = ("range_start", "range_end")
LAST_NAME = re.compile(
    r"""^(?:(?:"[^"]*"|`[^`]*`|\[[^\]]*\]|[^."`\[\s]+)\s*\.\s*)+"""
)  # what stands before it
MAX_WHOLE = 2**63  # of the numbers that every database takes as whole ones


def split_query(
    sql: str,
    parts: int,
    *,
    column: str,
    conn_id: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None = None,
    hook_params: Mapping[str, Any] | None = None,
    bounds: str | None = None,
) -> list[dict[str, Any]]:
    """Cut a query into ranges of a column of numbers or times, and return what ``expand_kwargs`` takes.

    .. code-block:: python

        @task
        def ranges():
            sql = "SELECT id, time, severity FROM alarm WHERE {range} ORDER BY time"
            return split_query(sql, 8, column="time", conn_id="historian")

        CdfRecordsFromSqlOperator.partial(...).expand_kwargs(ranges())

    Each row is in one range, whatever its value: the first range has no lower end and takes what is NULL, the
    last one has no upper end, so that rows that come in meanwhile are in one as well. There are fewer parts
    where the column has few values, and one where it has none.

    The tasks run at the same time and in no order: where rows of one identity are in two ranges, any of them
    may be the one that stays. Where that can be, use ``partition="k/n"`` of the one query instead, which
    keeps an identity's rows together; each of its tasks reads all rows. A ``LIMIT`` counts for each part.

    :param sql: a ``SELECT`` with ``{range}`` where the condition goes.
    :param parts: how many at most.
    :param column: as the condition names it, such as ``a.time``.
    :param parameters: values for other placeholders in the query.
    :param bounds: a query for the lowest and the highest value, such as ``SELECT MIN(time), MAX(time) FROM
        alarm``; by default one around ``sql``, whose result must then have the column, and which SQL Server
        does not take with an ``ORDER BY``. It gets the same ``parameters``.
    :raises InvalidArgumentError: naming the argument that makes no sense.
    :raises SourceError: where the column has values that cannot be cut.
    """
    from airflow_provider_cdf_records.hooks.databases import Query  # noqa: PLC0415 (costs time when parsed)

    _check(sql, parts, column)
    if isinstance(parameters, Mapping) and (taken := [name for name in NAMES if name in parameters]):
        msg = f"parameters must not have {listed(taken)}, which the ranges have; choose another name."
        raise InvalidArgumentError(msg)
    whole = sql.replace(MARK, "1 = 1")
    name = LAST_NAME.sub("", column.strip())
    asked = bounds or f"SELECT MIN({name}), MAX({name}) FROM ({whole.rstrip().rstrip(';')}\n) the_load"  # noqa: S608
    query = Query(asked, conn_id, parameters, hook_params)
    with query.execute() as rows:
        found = rows.fetchmany(1)
    values: list[Any] = [None, None]
    if found:
        if isinstance(found[0], UnreadableRow):
            msg = (
                f"The lowest and the highest value of column {column!r} cannot be read: choose another "
                "column, or give bounds."
            )
            raise SourceError(msg)
        values = list(found[0])
    cuts = _cuts(*_lowest_and_highest(values, column), parts)
    if not cuts:
        return [{"sql": whole, "parameters": parameters}]
    placing = _Placing(sql, column, query.paramstyle, query.takes_names, parameters)
    ranges = zip([None, *cuts], [*cuts, None], strict=True)
    return [placing.part(start, end) for start, end in ranges]


def _check(sql: object, parts: object, column: object) -> None:
    if not isinstance(sql, str) or sql.count(MARK) != 1:
        msg = (
            f"sql must be one query with {MARK} once, where the condition goes, such as WHERE {MARK}, "
            f"got {shortened(repr(sql))}."
        )
        raise InvalidArgumentError(msg)
    if isinstance(parts, bool) or not isinstance(parts, int) or parts < 1:
        msg = f"parts must be a number of parts, 1 or more, got {parts!r}."
        raise InvalidArgumentError(msg)
    if not isinstance(column, str) or not column.strip():
        msg = f"column must name a column of numbers or times, got {column!r}."
        raise InvalidArgumentError(msg)


def _lowest_and_highest(values: list[Any], column: str) -> tuple[Any, Any]:
    """Return both as one kind of value; ``None`` where there is none."""
    if len(values) != len(NAMES):
        msg = f"bounds must give two values, the lowest and the highest, got {len(values)}."
        raise InvalidArgumentError(msg)
    low, high = (_moment_in(value) if isinstance(value, str) else value for value in values)
    if low is None or high is None:
        return None, None
    for value in (low, high):
        is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        if not (is_number or isinstance(value, date)) or (is_number and not math.isfinite(value)):
            msg = (
                f"column {column!r} has {shortened(repr(value))} as its lowest or highest value, which "
                "cannot be cut into ranges: choose a column of finite numbers or times, or give bounds."
            )
            raise SourceError(msg)
    if _kind_of(low) is not _kind_of(high):
        msg = (
            f"bounds must give two values of one kind, got {shortened(repr(low))} and "
            f"{shortened(repr(high))}: let the query cast them to the type of the column."
        )
        raise SourceError(msg)
    return low, high


def _moment_in(text: str) -> Any:
    """Return the moment or day of a text, as SQLite holds them; another text as it is."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text


def _kind_of(value: Any) -> object:
    """Return what a value has in common with those that it can be compared with."""
    if isinstance(value, datetime):
        return "moment" if value.tzinfo is None else "moment of a time zone"
    return "day" if isinstance(value, date) else "number"


def _cuts(low: Any, high: Any, parts: int) -> list[Any]:
    """Return the values between the ranges, as parameters, in their order."""
    if low is None or parts == 1 or low >= high:
        return []
    numbers = range(1, parts)
    if isinstance(low, datetime):
        step = (high - low) / parts
        between: list[Any] = [low + step * number for number in numbers]
    elif isinstance(low, date):
        days = (high - low).days
        between = [low + timedelta(days * number // parts) for number in numbers]
    elif isinstance(low, int) and isinstance(high, int):
        between = [low + (high - low + 1) * number // parts for number in numbers]
    else:
        start, span = Fraction(low), Fraction(high) - Fraction(low)
        between = [start + span * number / parts for number in numbers]
        # Where whole numbers cut evenly, they do, since every database compares them alike.
        is_whole = span >= 1000 * parts and max(-start, start + span) < MAX_WHOLE
        between = list(map(math.ceil if is_whole else float, between))
    return [_as_parameter(cut) for cut in sorted(set(between)) if low < cut <= high]


def _as_parameter(cut: Any) -> Any:
    """Return plain JSON."""
    if isinstance(cut, datetime):
        return {"timestamp": cut.isoformat()}
    return {"date": cut.isoformat()} if isinstance(cut, date) else cut


class _Placing:
    """Puts the condition of a range, and its parameters, into a query.

    :param style: of the driver's placeholders, as DB-API calls it.
    :param takes_names: whether the driver takes parameters by name.
    """

    def __init__(
        self,
        sql: str,
        column: str,
        style: str,
        takes_names: bool,
        parameters: Sequence[Any] | Mapping[str, Any] | None,
    ) -> None:
        self._column = column
        self._given = parameters
        self._is_named = takes_names and (parameters is None or isinstance(parameters, Mapping))
        if not self._is_named and (style not in POSITIONAL or isinstance(parameters, Mapping)):
            kind = type(parameters).__name__
            msg = f"parameters cannot be a {kind} for a driver whose placeholders are {style!r}."
            raise InvalidArgumentError(msg)
        self._placeholder = POSITIONAL.get(style, "")
        self._named = "%({})s" if style in PERCENT else ":{}"
        if parameters is None and style in PERCENT:
            sql = sql.replace("%", "%%")  # which a query without parameters need not
        self._before, self._after = sql.split(MARK)

    def part(self, start: Any, end: Any) -> dict[str, Any]:
        """Return the query of a range, and its parameters."""
        given = {name: value for name, value in zip(NAMES, (start, end), strict=True) if value is not None}
        first, last = (self._named.format(name) if self._is_named else self._placeholder for name in NAMES)
        if start is None:
            condition = f"({self._column} < {last} OR {self._column} IS NULL)"
        elif end is None:
            condition = f"{self._column} >= {first}"
        else:
            condition = f"({self._column} >= {first} AND {self._column} < {last})"
        sql = f"{self._before}{condition}{self._after}"
        if self._is_named:
            return {"sql": sql, "parameters": {**dict(self._given or {}), **given}}
        others = list(self._given or [])
        place = QUOTED.sub("", self._before).count(self._placeholder)
        return {"sql": sql, "parameters": [*others[:place], *given.values(), *others[place:]]}
