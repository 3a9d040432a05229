"""The base class of the triggers that wait for a condition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_cdf_records.triggers.shared_client import PATIENCE, SharedClient, shared_client
from airflow_provider_cdf_records.waiting.looking import look_once
from airflow_provider_cdf_records.waiting.schedule import Schedule

if TYPE_CHECKING:
    from airflow_provider_cdf_records.waiting import Condition, Finding

HOLDS, FAILED, TIMED_OUT = "holds", "failed", "timed_out"  # the event's "status"


class CdfTrigger(BaseTrigger):
    """Waits for a condition, and ends with one event.

    The event is a dict with a ``status``: ``"holds"``, with the ``value`` that the wait ends with;
    ``"failed"``, with a ``message`` and whether a retry can help (``retryable``); ``"timed_out"``, with the
    ``seconds`` since the start. A subclass makes the condition of its arguments, and names these in
    ``own_arguments``: plain JSON without secrets, since Airflow keeps them in its database.

    :param stream_id: the stream.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param poke_interval: seconds between two looks.
    :param started_at: when the wait started, in seconds since the epoch: the first look was then. Without it,
        the trigger looks at once.
    :param not_before: the earliest moment of the event, in seconds since the epoch; ``None``: any.
    :param deadline: when the wait ends, in seconds since the epoch; ``None``: when the condition holds.
    :param exponential_backoff: whether the time between two looks doubles, with a random share.
    :param max_wait: seconds between two looks at most, when it doubles.
    :param silent_fail: wait on after an error of an unknown kind.
    """

    own_arguments: ClassVar[tuple[str, ...]] = ()
    wait_arguments: ClassVar[tuple[str, ...]] = (
        "stream_id",
        "cdf_conn_id",
        "poke_interval",
        "started_at",
        "not_before",
        "deadline",
        "exponential_backoff",
        "max_wait",
        "silent_fail",
    )

    def __init__(
        self,
        *,
        stream_id: str,
        cdf_conn_id: str = "cdf_default",
        poke_interval: float = 60.0,
        started_at: float | None = None,
        not_before: float | None = None,
        deadline: float | None = None,
        exponential_backoff: bool = False,
        max_wait: float | None = None,
        silent_fail: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stream_id = stream_id
        self.cdf_conn_id = cdf_conn_id
        self.poke_interval = poke_interval
        self.started_at = started_at
        self.not_before = not_before
        self.deadline = deadline
        self.exponential_backoff = exponential_backoff
        self.max_wait = max_wait
        self.silent_fail = silent_fail

    def make_condition(self) -> Condition:
        """Return what is waited for."""
        raise NotImplementedError

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments that make an equal trigger."""
        names = (*self.own_arguments, *self.wait_arguments)
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and yield the one event."""
        with shared_client(self.cdf_conn_id) as client:
            event = await self._wait(client)
        await _sleep_until(self.not_before or 0.0)
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def _wait(self, client: SharedClient) -> dict[str, Any]:
        started_at = time.time() if self.started_at is None else self.started_at
        schedule = Schedule(
            started_at, self.poke_interval, self.deadline, self.exponential_backoff, self.max_wait
        )
        if self.started_at is not None:
            await _sleep_until(schedule.first_look())
        condition = self.make_condition()
        while True:
            try:
                found = await self._look(condition, client)
            except Exception as error:
                failure = self._failure(error)
                if failure["retryable"] and self.silent_fail:
                    found = None
                else:
                    return failure
            if found is not None and found.holds:
                return {"status": HOLDS, "value": found.value}
            now = time.time()
            if self.deadline is not None and now > self.deadline:
                return {"status": TIMED_OUT, "seconds": now - started_at}
            await _sleep_until(schedule.next_look(now))

    async def _look(self, condition: Condition, client: SharedClient) -> Finding | None:
        """Return what a look found; ``None`` when it took until the deadline, and some."""
        look = client.run(lambda: look_once(lambda: client.use(condition.look), self.log))
        if self.deadline is None:
            return await look
        try:
            return await asyncio.wait_for(look, max(self.deadline - time.time(), 0) + 2 * PATIENCE)
        except (TimeoutError, asyncio.TimeoutError):  # they differ in Python 3.10
            self.log.warning("Not known yet: CDF has not answered.")
            return None

    def _failure(self, error: Exception) -> dict[str, Any]:
        retryable = getattr(error, "retryable", None)
        if retryable is None:  # nothing that we know
            self.log.error("The look failed:", exc_info=error)
            return {"status": FAILED, "message": f"{type(error).__name__}: {error}", "retryable": True}
        return {"status": FAILED, "message": str(error), "retryable": bool(retryable)}


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(moment - time.time(), 0))


def as_json(value: Any) -> Any:
    """Return a value as it is after it was sent to CDF as JSON: moments are texts, tuples are lists."""
    return msgspec.json.decode(msgspec.json.encode(value))
