"""The cursor of a stream's changes, kept from one run of a DAG to the next.

A kept cursor says that the runs before have given all changes before it. So an earlier one than could be
kept is always right: changes come again. Where there is a doubt, it is left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.hooks.kept_state import (
    KeptState,
    KeptStateError,
    check_not_mapped,
    digest_of,
)
from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.waiting.change_pages import Position, ago

if TYPE_CHECKING:
    from airflow_provider_cdf_records.load.checkpoint import StateStore

KEY = "cdf_records_cursor"  # in the store of the asset, or of the XCom
VERSION = 1
NOT_MAPPED = -1  # the index of a task's one instance

log = logging.getLogger(__name__)


class EarlierRuns:
    """Keeps what is kept as XComs of the task's runs, where Airflow has no store that outlives them.

    What is read is of the latest run with it, by logical date, and nothing in the run itself has been set.

    :param task_instance: the running one.
    """

    def __init__(self, task_instance: Any) -> None:
        self._task_instance = task_instance

    def get(self, key: str) -> Any:
        """Return what the latest run has set."""
        one = self._task_instance
        # Without the index, Airflow 3.1 and later return those of all runs, in no order.
        return one.xcom_pull(task_ids=one.task_id, key=key, include_prior_dates=True, map_indexes=NOT_MAPPED)

    def set(self, key: str, value: Any) -> None:
        """Set it for the runs after this one."""
        self._task_instance.xcom_push(key=key, value=value)

    def delete(self, key: str) -> None:
        """Set nothing."""


class Nowhere:
    """Keeps nothing: where a sensor runs outside of a DAG."""

    def get(self, key: str) -> Any:  # noqa: ARG002
        """Return nothing."""
        return None

    def set(self, key: str, value: Any) -> None:
        """Keep nothing."""

    def delete(self, key: str) -> None:
        """Delete nothing."""


class FeedCursor:
    """Where this run begins to read changes, in each of its tries, and how far the runs have come.

    :param target: what the changes are of, as plain JSON; a cursor of another target is not used.
    :param initialize_cursor: where to begin as long as no cursor is kept, such as ``1d-ago``.
    :param store: where the cursor is kept from run to run.
    :param tries: where it is kept what a try began with, for the next try of the same run.
    """

    def __init__(
        self,
        target: Mapping[str, Any],
        initialize_cursor: str,
        store: StateStore,
        tries: StateStore | None,
    ) -> None:
        check_not_mapped("CdfRecordsChangedSensor cannot be mapped", "a sensor for each stream")
        owner = owner_of_task()
        self._of = digest_of(target)
        self._shown = {name: target[name] for name in ("project", "stream_id")}
        self._run = owner.run if owner else None
        self._state = KeptState("cursor", KEY, store, tries, log)
        self._seen = self._kept()
        self.start = self._started_at(initialize_cursor)

    def keep(self, reached: Position) -> None:
        """Keep how far this run has come, once its changes are out.

        Cursors cannot be compared. So one of another run is left as it is, unless it is what this run began
        with: that run has given the changes before it, and those after it come in the next run.

        :raises KeptStateError: when it cannot be kept.
        """
        now = self._kept()
        if now is None and self._seen is not None:
            log.warning("The cursor was deleted while this run read changes, and is left so.")
            return
        if now is not None and now["cursor"] != self.start.cursor and now["run"] != self._run:
            log.info("The cursor stays where run %s has left it.", now["run"])
            return
        kept = {"version": VERSION, "of": self._of, **self._shown, "run": self._run, **reached._asdict()}
        self._state.set(kept)

    def _kept(self) -> dict[str, Any] | None:
        kept = self._state.get()
        if kept is None:
            return None
        is_known = isinstance(kept, dict) and kept.get("version") == VERSION and _is_position(kept)
        if not is_known:
            msg = (
                f"What is kept as {KEY} is no cursor of this version: {shortened(repr(kept))}. Delete it, "
                "and have initialize_cursor say how far back to begin."
            )
            raise KeptStateError(msg, retryable=False)
        if kept.get("of") != self._of:
            log.warning(
                "The cursor that is kept is of another project, stream or filter (stream %s of project %s), "
                "and is not used.",
                kept.get("stream_id"),
                kept.get("project"),
            )
            return None
        return dict(kept)

    def _started_at(self, initialize_cursor: str) -> Position:
        began = self._state.began(self._start_of)
        if began is not None and (began.cursor is None or self._seen is not None):
            start = began
        elif self._seen is not None:
            start = Position(self._seen["cursor"], self._seen["time"])
        else:
            start = ago(initialize_cursor, time.time())
        if start.cursor is None:
            log.info("No cursor is kept: beginning with the changes since %s.", initialize_cursor)
        if began != start:
            self._state.remember({"of": self._of, **start._asdict()})
        return start

    def _start_of(self, began: dict[str, Any]) -> Position | None:
        if began["of"] != self._of or not _is_position(began):
            return None
        return Position(began["cursor"], began["time"])


def _is_position(kept: Mapping[str, Any]) -> bool:
    return isinstance(kept.get("cursor"), str | None) and isinstance(kept.get("time"), int | float)
