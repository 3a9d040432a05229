"""What a task keeps from one run of a DAG to the next, and from one try of a run to the next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

if TYPE_CHECKING:
    from airflow_provider_cdf_records.load.checkpoint import StateStore

T = TypeVar("T")


class KeptStateError(Exception):
    """State that cannot be read or kept.

    :param retryable: whether the next try may succeed.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


def digest_of(target: Mapping[str, Any]) -> str:
    """Return what tells the target of some state from others.

    :param target: as plain JSON.
    """
    text = json.dumps(target, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def check_not_mapped(what: str, how: str) -> None:
    """Refuse to keep state in a mapped task.

    :param what: asks for it, such as ``watermark does not go with mapped tasks``.
    :param how: to do without.
    :raises InvalidArgumentError: in a mapped task.
    """
    owner = owner_of_task()
    if owner is not None and owner.task.endswith("]"):
        msg = (
            f"{what}, since the index of a mapped task may stand for something else in the next run; "
            f"make {how}, in a loop in the DAG's file."
        )
        raise InvalidArgumentError(msg)


class KeptState:
    """A value that is kept from run to run, and what a try began with, for the next try of the same run.

    :param what: it is, for messages, such as ``watermark``.
    :param key: in the store; in the store of the task it has ``_start`` behind it.
    :param store: where it is kept from run to run.
    :param tries: where it is kept from try to try; ``None``: nowhere.
    :param log: where it is told that a try does not know of the one before, which ends no task.
    """

    def __init__(self, what: str, key: str, store: StateStore, tries: StateStore | None, log: Any) -> None:
        self._what = what
        self._key = key
        self._store = store
        self._tries = tries
        self._log = log

    def get(self) -> Any:
        """Return what is kept, or ``None``.

        :raises KeptStateError: when it cannot be read.
        """
        return self._call(lambda: self._store.get(self._key), "read")

    def set(self, value: Any) -> None:
        """Keep a value.

        :raises KeptStateError: when it cannot be kept.
        """
        self._call(lambda: self._store.set(self._key, value), "kept")

    def began(self, read: Callable[[Any], T | None]) -> T | None:
        """Return what an earlier try of the run began with; ``None`` where that is not known.

        :param read: makes it of what is kept; may fail in any way, or return ``None``.
        """
        try:
            began = None if self._tries is None else self._tries.get(f"{self._key}_start")
            return None if began is None else read(began)
        except Exception as error:
            self._log.warning("The %s that an earlier try began with is not known: %s", self._what, error)
            return None

    def remember(self, began: Any) -> None:
        """Keep what this try begins with, for the next try of the run."""
        try:
            if self._tries is not None:
                self._tries.set(f"{self._key}_start", began)
        except Exception as error:
            self._log.warning("A retry may begin with another %s, and start over: %s", self._what, error)

    def _call(self, call: Callable[[], Any], done: str) -> Any:
        try:
            return call()
        except Exception as error:
            msg = f"The {self._what} cannot be {done}: {type(error).__name__}: {error}"
            raise KeptStateError(msg, retryable=True) from error
