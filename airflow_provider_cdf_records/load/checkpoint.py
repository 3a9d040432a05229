"""The mark of how far a load has come, kept for the next try of the task."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.sources.source import START

log = logging.getLogger(__name__)

KEY = "cdf_records"
BEGUN = "cdf_records_begun"
VERSION = 2  # of what is kept; another one where a mark means something else
INTERVAL = 5.0  # seconds between two writes


class StateStore(Protocol):
    """Keeps JSON between the tries of a task, such as Airflow's ``task_state_store`` (3.3 and later)."""

    def get(self, key: str) -> Any:
        """Return what is kept, or ``None``."""

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""

    def delete(self, key: str) -> None:
        """Forget a value."""


class Checkpoint:
    """Keeps the mark of one load; a mark of another source, stream, connection or version is never used.

    :param store: where to keep it; without one, every try starts over.
    :param target: plain JSON that identifies what is written, and where to.
    :param source: plain JSON that identifies the source and its state, and what else a resumed load goes on
        with; ``None`` for a source that cannot be resumed. A mark is used only where both are the same.
    """

    def __init__(
        self, store: StateStore | None, target: dict[str, Any], source: dict[str, Any] | None = None
    ) -> None:
        self._store = store
        self._target = json.loads(json.dumps(target))  # as the store gives it back
        self._fingerprint = None if source is None else json.loads(json.dumps(source | target))
        self._mark: Mark | None = None
        self._saved_at = time.monotonic()

    def load(self) -> Mark | None:
        """Return the mark of an earlier try; ``None`` if there is none of this load."""
        kept = None if self._fingerprint is None else self._call_store("get", KEY)
        if kept is None:
            return None
        if not isinstance(kept, dict) or kept.get("version") != VERSION:
            self.start_over("What the earlier try of this task noted is of another version")
            return None
        if kept.get("fingerprint") != self._fingerprint:
            self.start_over(
                "The source, its mapping or a path has changed since the earlier try of this task"
            )
            return None
        mark = _as_mark(kept.get("mark"))
        if mark is None:
            self.start_over("What the earlier try of this task noted is of another version")
        return mark

    def start_over(self, reason: str) -> None:
        """Forget how far the load came, but not that an earlier try may have sent records."""
        log.warning("%s; loading all of it again.", reason)
        self.forget_mark()

    def forget_mark(self) -> None:
        """Forget how far the load came, but not that records may have been sent."""
        self._call_store("delete", KEY)

    def begin(self) -> bool | None:
        """Note that records are about to be sent, and return whether an earlier try may have sent some.

        ``None``: not known, since there is no store, or one that fails.
        """
        has_begun = bool(self._call_store("get", BEGUN) == self._target)
        if self._store is None:
            return None
        if not has_begun:
            self._call_store("set", BEGUN, self._target)
        return has_begun

    def settled(self, mark: Mark, before_save: Callable[[], None] = lambda: None) -> None:
        """Note that all rows up to the mark are settled, and save the mark every few seconds.

        :param before_save: called before the mark is saved, to save first what it relies on.
        """
        self._mark = mark
        if time.monotonic() - self._saved_at >= INTERVAL:
            before_save()
            self.save()

    def save(self) -> None:
        """Save the last mark."""
        if self._mark is not None and self._fingerprint is not None:
            mark = self._mark._asdict()
            self._call_store("set", KEY, {"version": VERSION, "fingerprint": self._fingerprint, "mark": mark})
        self._saved_at = time.monotonic()

    def clear(self) -> None:
        """Forget the load, so that the task loads everything when it is run again."""
        self._call_store("delete", KEY)
        self._call_store("delete", BEGUN)

    def _call_store(self, call: str, *arguments: Any) -> Any:
        """Call the store, until it fails once: a load must not fail because of its checkpoint."""
        if self._store is None:
            return None
        try:
            return getattr(self._store, call)(*arguments)
        except Exception as error:
            log.warning("A retry of this task will start over, since its state store fails: %s", error)
            self._store = None
            return None


def _as_mark(fields: Any) -> Mark | None:
    """Return the mark that was kept as a dict; ``None`` for anything else."""
    if not isinstance(fields, dict) or fields.keys() != Mark.__annotations__.keys():
        return None
    if any(type(value) is not int for value in fields.values()):  # a bool is an int, too
        return None
    mark = Mark(**fields)
    is_possible = mark.position >= START.position and min(mark[1:]) >= 0
    return mark if is_possible and mark.rejected + mark.superseded <= mark.read else None
