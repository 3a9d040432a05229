"""The watermark of a query: how far the loads before came, kept from one run of a DAG to the next.

A kept watermark says that all rows below it, as the query found them, are loaded. So a lower one than could
be kept is always right, only slower; where there is a doubt, the lower one is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.hooks.kept_state import (
    KeptState,
    KeptStateError,
    check_not_mapped,
    digest_of,
)
from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.hooks.watermark_values import (
    ColumnText,
    FirstText,
    watermark_from_json,
    watermark_to_json,
)
from airflow_provider_cdf_records.records.argument_checks import WHERE_NONE_IS_KEPT, check_watermark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.sources.highest import Highest, WatchedQuery

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.arguments import QueryArguments
    from airflow_provider_cdf_records.load.checkpoint import StateStore
    from airflow_provider_cdf_records.sources import QuerySource

KEY = "cdf_records_watermark"  # in the store of the asset
VERSION = 1
PARAMETER = "watermark"
MARKER = {PARAMETER: True}  # stands for the watermark among parameters that have no names
NAMED = re.compile(rf"[:@$&]{PARAMETER}\b|%\({PARAMETER}\)|\{{{PARAMETER}\}}")
TRIES_TO_KEEP = 3


def watermark_of(sql: str, arguments: QueryArguments, target: dict[str, Any], log: Any) -> Watermark | None:
    """Return the watermark that the arguments of a query ask for; they are removed from it.

    :param target: where the rows come from and where they go.
    :raises InvalidArgumentError: when they make no sense.
    """
    column, initial = arguments.pop("watermark", None), arguments.pop("initial_watermark", None)
    store = arguments.pop("watermark_store", None)
    if column is None:
        if initial is not None:
            msg = "initial_watermark needs watermark, the column of the result whose highest value is kept."
            raise InvalidArgumentError(msg)
        return None
    check_watermark(column, initial)
    check_not_mapped("watermark does not go with mapped tasks", "a task for each")
    if store is None:
        raise InvalidArgumentError(WHERE_NONE_IS_KEPT)
    parameters = arguments.get("parameters")
    is_named = parameters is None or isinstance(parameters, Mapping)
    if is_named and not _has_marker(parameters) and not NAMED.search(str(sql)):
        msg = (
            f"sql does not use the parameter {PARAMETER!r}, so that it would load everything each time; "
            "write such as WHERE time >= %(watermark)s, in the form of the database's driver (:watermark, "
            "or ? with parameters=[{'watermark': True}])."
        )
        raise InvalidArgumentError(msg)
    is_partial = arguments.get("limit") is not None or arguments.get("validate_only") is True
    tries = arguments.get("state_store")
    return Watermark(column, initial, target, store, tries, moves=not is_partial, log=log)


class Watermark:
    """The highest value of a column that loads have found so far.

    :param column: of the query's result.
    :param initial: the parameter as long as no watermark is kept.
    :param target: what a watermark is of, as plain JSON; one of another target is not used.
    :param store: where watermarks are kept from run to run.
    :param tries: where it is kept what a try began with, for the next try of the same run.
    :param moves: whether the load is of all rows, and moves it.
    """

    def __init__(
        self,
        column: str,
        initial: Any,
        target: dict[str, Any],
        store: StateStore,
        tries: StateStore | None = None,
        *,
        moves: bool = True,
        log: Any,
    ) -> None:
        self.column = column
        self._initial = initial
        self._of = {"column": column, "target": digest_of(target)}
        self._names = {key: target[key] for key in ("conn_id", "stream_id") if key in target}
        self._state = KeptState("watermark", KEY, store, tries, log)
        self._moves = moves
        self._log = log
        self._seen = self._kept()  # when this try began
        self._start = self._started_with()
        if moves and self._state.get() is None:
            self._keep(None)  # fails now rather than after the load, if it cannot be kept

    def with_parameter(self, parameters: Any) -> Any:
        """Return parameters of the query with the watermark among them.

        :raises InvalidArgumentError: when they have no place for it.
        """
        start = self._start
        value = self._initial if start is None else start
        if isinstance(value, str):
            value = (FirstText if start is None else ColumnText)(value)
        if isinstance(parameters, Mapping):
            given = {key: value if _is_marker(one) else one for key, one in parameters.items()}
            if not _has_marker(parameters) and PARAMETER in given:
                msg = f"parameters must not have {PARAMETER!r}, which is the name of the watermark."
                raise InvalidArgumentError(msg)
            return given if _has_marker(parameters) else given | {PARAMETER: value}
        if parameters is None:
            return {PARAMETER: value}
        if not _has_marker(parameters):
            msg = (
                "parameters without names must say which of them is the watermark, by {'watermark': True} in "
                f"its place, such as parameters=[{{'watermark': True}}]; got {len(parameters)} without it."
            )
            raise InvalidArgumentError(msg)
        return [value if _is_marker(one) else one for one in parameters]

    def watched(self, query: QuerySource) -> WatchedQuery:
        """Return a query that moves the watermark when it is loaded."""
        return WatchedQuery(query, Highest(self.column, since=self._start), self.move)

    def move(self, highest: Highest) -> None:
        """Keep the highest value of a load that has ended well.

        :raises KeptStateError: when it cannot be kept.
        """
        if highest.without:
            self._log.info(
                "%s rows had no value in %r, and do not count for the watermark; the next load finds them "
                "only if its query looks for them.",
                f"{highest.without:,}",
                self.column,
            )
        value = highest.value
        if not self._moves:
            self._log.info("The watermark stays where it is: limit or validate_only leave rows out.")
            return
        if value is None:
            self._log.info("The watermark stays where it is: no row had a value in %r.", self.column)
            return
        self._raise_to(value)
        if isinstance(value, datetime) and _is_in_the_future(value):
            self._log.warning("That is in the future: the next load finds no rows of before.")

    def _raise_to(self, value: Any) -> None:
        """Keep a value unless there is a higher one, and see that it stays.

        Another run may write at the same time; the store cannot compare and set.
        """
        for _ in range(TRIES_TO_KEEP):
            now = self._kept()
            if self._seen is not None and (now is None or self._is_lower(now, self._seen)):
                self._log.warning(
                    "The watermark was deleted or set back while this load ran, and is left so."
                )
                return
            if now is not None and not self._is_lower(now, value):
                self._log.info("The watermark of %r is %s.", self.column, _shown(now))
                return
            self._keep(value)

    def _kept(self) -> Any:
        """Return the watermark that is kept of the same column and target; ``None`` where there is none.

        :raises KeptStateError: when it cannot be read.
        """
        kept = self._state.get()
        if kept is None or (isinstance(kept, dict) and kept.get("value") is None):
            return None
        try:
            is_known = kept["version"] == VERSION
            if is_known and any(kept[name] != value for name, value in self._of.items()):
                self._log.warning(
                    "The watermark that is kept is of another column, connection, stream or part (%s of %s); "
                    "beginning with initial_watermark.",
                    kept["column"],
                    kept.get("of"),
                )
                return None
            value = watermark_from_json(kept["value"]) if is_known else None
        except (KeyError, TypeError, ValueError):
            value = None
        if value is None:
            msg = (
                f"What is kept as {KEY} is no watermark of this version: {shortened(repr(kept))}; delete it."
            )
            raise KeptStateError(msg, retryable=False)
        return value

    def _keep(self, value: Any) -> None:
        owner = owner_of_task()
        kept = {"version": VERSION, "value": None if value is None else watermark_to_json(value), **self._of}
        kept |= {"of": self._names, "run": owner.run if owner else None}
        self._state.set(kept)

    def _started_with(self) -> Any:
        """Return the watermark that this run begins with, in each of its tries; ``None``: the initial one.

        One that was deleted or set back since the last try is taken as it is now.
        """
        start, began = self._seen, self._state.began(self._start_of)
        if began is not None:
            before = began["start"]
            with suppress(KeptStateError):  # the column has another type now
                if before is None or (start is not None and self._is_lower(before, start)):
                    start = before
        shown = f"initial_watermark ({_shown(self._initial)})" if start is None else _shown(start)
        self._log.info("Loading rows from watermark %s on.", shown)
        self._state.remember({**self._of, "start": None if start is None else watermark_to_json(start)})
        return start

    def _start_of(self, began: dict[str, Any]) -> dict[str, Any] | None:
        if any(began[name] != value for name, value in self._of.items()):
            return None
        return {"start": None if began["start"] is None else watermark_from_json(began["start"])}

    def _is_lower(self, one: Any, other: Any) -> bool:
        try:
            return bool(one < other)
        except TypeError:
            msg = (
                f"The watermark that is kept cannot be compared: {_shown(one)} with {_shown(other)}. If the "
                f"column has changed its type, delete {KEY}."
            )
            raise KeptStateError(msg, retryable=False) from None


def _is_marker(value: object) -> bool:
    return isinstance(value, Mapping) and dict(value) == MARKER


def _has_marker(parameters: object) -> bool:
    if isinstance(parameters, Mapping):
        return any(map(_is_marker, parameters.values()))
    return isinstance(parameters, Sequence) and any(map(_is_marker, parameters))


def _shown(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _is_in_the_future(value: datetime) -> bool:
    now = datetime.now(timezone.utc if value.tzinfo else None)
    return value > now + timedelta(days=1)
