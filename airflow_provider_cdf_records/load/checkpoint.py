"""The mark of how far a load has come, kept for the next try of the task."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.probes import Probes
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import MappingSpec
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.sources.source import START

log = logging.getLogger(__name__)

KEY = "cdf_records"
BEGUN = "cdf_records_begun"
VERSION = 3  # of what is kept; another one where a mark means something else
INTERVAL = 5.0  # seconds between two writes
MOST_PATIENT = 64  # times as long, once writes fail
NOT_KNOWN = "Airflow's state store does not tell what an earlier try noted, so all of it is loaded"
NOT_NOTED = (
    "Airflow's state store does not take the note of how far the load has come (it is tried again); until it "
    "does, a retry goes on from an older note, or starts over where there is none"
)
NOT_REMOVED = (
    "Airflow's state store does not remove what this load noted; run again, the task may go on from there "
    "instead of loading everything"
)


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
    :ivar probes: of what the load has written, kept with the mark; :meth:`load` brings back the earlier ones.
    """

    def __init__(
        self, store: StateStore | None, target: dict[str, Any], source: dict[str, Any] | None = None
    ) -> None:
        self._store = store
        self._target = json.loads(json.dumps(target))  # as the store gives it back
        self._fingerprint = None if source is None else json.loads(json.dumps(source | target))
        self.probes = Probes()
        self._mark: Mark | None = None
        self._has_to_note_begin = False
        self._saved_at = time.monotonic()
        self._patience = 1  # INTERVALs between two writes
        self._warned: set[str] = set()

    def load(self) -> Mark | None:
        """Return the mark of an earlier try; ``None`` if there is none of this load."""
        _, kept = (True, None) if self._fingerprint is None else self._call_store(NOT_KNOWN, "get", KEY)
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
        if mark is None or not self.probes.restore(kept.get("probes")):
            self.start_over("What the earlier try of this task noted is of another version")
            return None
        return mark

    def start_over(self, reason: str) -> None:
        """Forget how far the load came, but not that an earlier try may have sent records."""
        log.warning("%s; loading all of it again.", reason)
        self.probes.clear()
        self.forget_mark()

    def forget_mark(self) -> None:
        """Forget how far the load came, but not that records may have been sent."""
        self._call_store(NOT_REMOVED, "delete", KEY)

    def begin(self) -> bool | None:
        """Note that records are about to be sent, and return whether an earlier try may have sent some.

        ``None``: not known, since there is no store, or one that fails.
        """
        if self._store is None:
            return None
        answered, kept = self._call_store(NOT_KNOWN, "get", BEGUN)
        has_begun = bool(kept == self._target)
        self._has_to_note_begin = not has_begun
        self._note_begin()
        return has_begun if answered else None

    def settled(self, mark: Mark, before_save: Callable[[], None] = lambda: None) -> None:
        """Note that all rows up to the mark are settled, and save the mark every few seconds.

        :param before_save: called before the mark is saved, to save first what it relies on.
        """
        self._mark = mark
        if time.monotonic() - self._saved_at >= INTERVAL * self._patience:
            before_save()
            self.save()

    def save(self) -> None:
        """Save the last mark."""
        is_noted = self._note_begin()
        if self._mark is not None and self._fingerprint is not None:
            mark = self._mark._asdict()
            kept = {
                "version": VERSION,
                "fingerprint": self._fingerprint,
                "mark": mark,
                "probes": self.probes.as_kept(),
            }
            is_noted &= self._call_store(NOT_NOTED, "set", KEY, kept)[0]
        self._patience = 1 if is_noted else min(2 * self._patience, MOST_PATIENT)
        self._saved_at = time.monotonic()

    def clear(self) -> None:
        """Forget the load, so that the task loads everything when it is run again."""
        self._call_store(NOT_REMOVED, "delete", KEY)
        self._call_store(NOT_REMOVED, "delete", BEGUN)

    def _note_begin(self) -> bool:
        """Note that records are being sent, unless that is noted, and return whether it is."""
        if self._has_to_note_begin:
            self._has_to_note_begin = not self._call_store(NOT_NOTED, "set", BEGUN, self._target)[0]
        return not self._has_to_note_begin

    def _call_store(self, consequence: str, call: str, *arguments: Any) -> tuple[bool, Any]:
        """Call the store, and return whether it answered, and what: a load must not fail because of it.

        :param consequence: of a failure, in words, which are logged once a load.
        """
        if self._store is None:
            return True, None
        try:
            return True, getattr(self._store, call)(*arguments)
        except Exception as error:
            level = logging.DEBUG if consequence in self._warned else logging.WARNING
            log.log(level, "%s: %s", consequence, str(error) or type(error).__name__)
            self._warned.add(consequence)
            return False, None


def target_of(
    client: CdfClient,
    verb: Verb[Any],
    stream_id: str,
    mapping: MappingSpec | None,
    *,
    limit: int | None,
    partition: Partition | None,
) -> dict[str, Any]:
    """Return plain JSON that identifies what a load writes, and where to."""
    target: dict[str, Any] = {
        "verb": verb.name,
        "stream_id": stream_id,
        "project": client.project,
        "url": client.base_url,
        "mapping": None if mapping is None else mapping.digest,
    }
    some = {"limit": limit, "partition": None if partition is None else str(partition)}
    return target | {name: value for name, value in some.items() if value is not None}


def rows_of_earlier_try(store: StateStore | None) -> int | None:
    """Return how many rows an earlier try noted as settled; ``None`` where there is no note."""
    kept: Any = None
    with suppress(Exception):  # Checkpoint.load says what fails
        kept = None if store is None else store.get(KEY)
    is_known = isinstance(kept, dict) and kept.get("version") == VERSION
    mark = _as_mark(kept.get("mark")) if is_known else None
    return None if mark is None else mark.read


def _as_mark(fields: Any) -> Mark | None:
    """Return the mark that was kept as a dict; ``None`` for anything else."""
    if not isinstance(fields, dict) or fields.keys() != Mark.__annotations__.keys():
        return None
    if any(type(value) is not int for value in fields.values()):  # a bool is an int, too
        return None
    mark = Mark(**fields)
    is_possible = mark.position >= START.position and min(mark[1:]) >= 0
    return mark if is_possible and mark.rejected + mark.superseded <= mark.read else None
