"""How far a load has come, kept where the next try of the task finds it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from airflow_provider_cdf_records.records.chunk import Mark

log = logging.getLogger(__name__)

KEY = "cdf_records"
INTERVAL = 5.0  # seconds between two writes


class StateStore(Protocol):
    """Keeps JSON between the tries of a task; Airflow's ``task_state_store`` (3.3 and later) is such."""

    def get(self, key: str) -> Any:
        """Return what is kept, or ``None``."""

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""

    def delete(self, key: str) -> None:
        """Forget a value."""


class Checkpoint:
    """The mark of one load; of another source, stream or connection it is never used.

    :param store: where to keep it; without one, every try starts over.
    :param fingerprint: what the mark is good for, as plain JSON.
    """

    def __init__(self, store: StateStore | None, fingerprint: dict[str, Any]) -> None:
        self._store = store
        self._fingerprint = json.loads(json.dumps(fingerprint))  # as the store gives it back
        self._mark: Mark | None = None
        self._saved_at = time.monotonic()

    def load(self) -> Mark | None:
        """Return the mark of an earlier try, if there is one that fits."""
        kept = self._of_store("get", KEY)
        if not isinstance(kept, dict):
            return None
        if kept.get("fingerprint") != self._fingerprint:
            log.warning("The source has changed since the earlier try of this task; loading all of it again.")
            self.clear()
            return None
        return Mark(**kept["mark"])

    def settled(self, mark: Mark, before_save: Callable[[], None] = lambda: None) -> None:
        """Take note that all up to the mark is settled; write it down every few seconds.

        :param before_save: called before that, to write down what the mark relies on.
        """
        self._mark = mark
        if time.monotonic() - self._saved_at >= INTERVAL:
            before_save()
            self.save()

    def save(self) -> None:
        """Write the last mark down."""
        if self._mark is not None:
            self._of_store("set", KEY, {"fingerprint": self._fingerprint, "mark": self._mark._asdict()})
        self._saved_at = time.monotonic()

    def clear(self) -> None:
        """Forget the mark, so that the task loads everything when it is run again."""
        self._of_store("delete", KEY)

    def _of_store(self, call: str, *arguments: Any) -> Any:
        """Use the store while it works; a load is not to fail for its checkpoint."""
        if self._store is None:
            return None
        try:
            return getattr(self._store, call)(*arguments)
        except Exception as error:
            log.warning("A retry of this task will start over, since its state store fails: %s", error)
            self._store = None
            return None
