"""Cuts a query into queries by ranges of a column, for the tasks of a mapped operator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_cdf_records.hooks.failures import task_failures
from airflow_provider_cdf_records.hooks.query_cuts import cuts_between, lowest_and_highest
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
NAMED = re.compile(r"(?<![:\w]):([A-Za-z_]\w*)|%\((\w+)\)s")
UNNAMED = re.compile(r"\?|%s")


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

    :param sql: a ``SELECT`` with ``{range}`` where the condition goes; its text, not the name of a file.
    :param parts: how many at most.
    :param column: as the condition names it, such as ``a.time``.
    :param parameters: values for other placeholders in the query.
    :param bounds: a query for the lowest and the highest value, such as ``SELECT MIN(time), MAX(time) FROM
        alarm``; by default one around ``sql``, whose result must then have the column, and which SQL Server
        does not take with an ``ORDER BY``. It gets the same ``parameters``.
    :raises InvalidArgumentError: naming the argument that makes no sense.
    :raises SourceError: where the column has values that cannot be cut. In a task, both are an
        ``AirflowFailException``, so that what cannot be mended is not tried again.
    """
    with task_failures():
        return _split(
            sql,
            parts,
            column=column,
            conn_id=conn_id,
            parameters=parameters,
            hook_params=hook_params,
            bounds=bounds,
        )


def _split(
    sql: str,
    parts: int,
    *,
    column: str,
    conn_id: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None,
    hook_params: Mapping[str, Any] | None,
    bounds: str | None,
) -> list[dict[str, Any]]:
    from airflow_provider_cdf_records.hooks.databases import Query  # noqa: PLC0415 (costs time when parsed)

    _check(sql, parts, column)
    if isinstance(parameters, Mapping) and (taken := [name for name in NAMES if name in parameters]):
        msg = f"parameters must not have {listed(taken)}, which the ranges have; choose another name."
        raise InvalidArgumentError(msg)
    whole = sql.replace(MARK, "1 = 1")
    name = LAST_NAME.sub("", column.strip())
    asked = bounds or f"SELECT MIN({name}), MAX({name}) FROM ({whole.rstrip().rstrip(';')}\n) the_load"  # noqa: S608
    query = Query(asked, conn_id, parameters, hook_params)
    try:
        with query.execute() as rows:
            found = rows.fetchmany(1)
    except Exception as error:
        hint = None if getattr(error, "retryable", True) else _hint(asked, name, parameters, bounds)
        if hint is None:
            raise
        msg = f"{str(error).rstrip('.')}. {hint}"
        raise SourceError(msg) from None
    values: list[Any] = [None, None]
    if found:
        if isinstance(found[0], UnreadableRow):
            msg = (
                f"The lowest and the highest value of column {column!r} cannot be read: choose another "
                "column, or give bounds."
            )
            raise SourceError(msg)
        values = list(found[0])
    low, high, form = lowest_and_highest(values, column)
    cuts = cuts_between(low, high, parts, form)
    if not cuts:
        return [{"sql": whole, "parameters": parameters}]
    placing = _Placing(sql, column, query.paramstyle, query.takes_names, parameters)
    ranges = zip([None, *cuts], [*cuts, None], strict=True)
    return [placing.part(start, end) for start, end in ranges]


def _check(sql: object, parts: object, column: object) -> None:
    if isinstance(sql, str) and sql.strip().endswith(".sql") and len(sql.split()) == 1:
        msg = f"sql must be the text of the query, got the name of a file, {sql!r}: read the file first."
        raise InvalidArgumentError(msg)
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


def _hint(
    asked: str, name: str, parameters: Sequence[Any] | Mapping[str, Any] | None, bounds: str | None
) -> str | None:
    """Return what may help after the query for the bounds was refused."""
    found = (pair[0] or pair[1] for pair in NAMED.findall(QUOTED.sub("", asked)))
    given = parameters if isinstance(parameters, Mapping) else ()
    missing = [one for one in dict.fromkeys(found) if one not in given]
    if missing and (parameters is None or isinstance(parameters, Mapping)):
        return f"Give split_query parameters with {listed(missing)}, as the operator would get them."
    if parameters is None and UNNAMED.search(QUOTED.sub("", asked)):
        return "Give split_query the parameters for the placeholders in sql, as the operator would get them."
    if bounds is not None:
        return None
    return (
        f"The lowest and highest value of column {name!r} are asked of the result of sql: name the column "
        "in its SELECT list, or give bounds, a query for the two values."
    )


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
