"""Limits of the project, of each identity and of kinds of requests; above them the answer is 429."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS, drain, error_answer, header
from airflow_provider_cdf_records.local_server.settings import Settings

LEAST_WAIT = 1e-6  # seconds; anything less is a rounding error
RECORDS = re.compile(re.escape(PROJECTS) + "[^/]+/streams/([^/]+)/records(?:/([a-z]+))?")
WRITES = (None, "upsert", "delete")  # what such a path ends with
QUERIES = {  # what such a path ends with, and how many of these a second
    "queries": (("filter", "aggregate", "sync"), facts.QUERIES_A_SECOND),
    "retrievals": (("filter",), facts.RETRIEVALS_A_SECOND),
    "aggregates": (("aggregate",), facts.AGGREGATES_A_SECOND),
}


class Bucket:
    """A token bucket, which fills at ``rate`` a second and holds one second's worth.

    It can be overdrawn, so that a request larger than one second's worth gets through at all.
    """

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._clock = clock
        self._rate = math.inf if rate is None else rate
        self._left = self._rate
        self._at = self._clock.monotonic()

    def wait(self, needed: float) -> float:
        """Return the seconds until so much can be taken."""
        if math.isinf(self._rate):
            return 0.0
        now = self._clock.monotonic()
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        wait = (min(needed, self._rate) - self._left) / self._rate
        return wait if wait > LEAST_WAIT else 0.0

    def take(self, amount: float) -> None:
        self._left -= amount


class Allowance:
    """The limits of what shares them, such as one identity's requests, and how much of them is used."""

    def __init__(
        self,
        clock: Clock,
        requests: float | None = None,
        parallel: float | None = None,
        size: float | None = None,
    ) -> None:
        self._requests = Bucket(requests, clock)
        self._bytes = Bucket(size, clock)
        self._most = math.inf if parallel is None else parallel
        self._running = 0

    def refusal(self) -> tuple[str, float] | None:
        """Return the limit that is reached and the seconds to wait; ``None`` when no limit is reached."""
        if self._running >= self._most:
            return f"more than {self._most:g} parallel requests", facts.RETRY_PARALLEL_AFTER
        for what, bucket, needed in (("requests", self._requests, 1.0), ("bytes", self._bytes, 0.0)):
            if wait := bucket.wait(needed):
                return f"too many {what} a second", wait
        return None

    def start(self) -> None:
        self._running += 1
        self._requests.take(1)

    def received(self, size: int) -> None:
        self._bytes.take(size)

    def end(self) -> None:
        self._running -= 1


class Limits:
    """Answer 429 to requests above the limits.

    :param client_of: returns the client id of an ``Authorization`` header, ``None`` when it is not valid.
    :param is_mutable: tells whether there is a mutable stream of an id.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        client_of: Callable[[str | None], str | None],
        is_mutable: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._client_of = client_of
        self._is_mutable = is_mutable
        quotas = (settings.requests_per_second, settings.parallel_requests, settings.bytes_per_second)
        self._project = Allowance(settings.clock, *(quota.project for quota in quotas))
        self._identities = {
            client: Allowance(settings.clock, *(quota.identity for quota in quotas))
            for client in settings.identities
        }
        self._writes = Allowance(settings.clock, parallel=settings.parallel_writes)
        rates = QUERIES if settings.query_limits else {}
        self._queries = {what: Allowance(settings.clock, rate) for what, (_, rate) in rates.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = None
        if scope["type"] == "http" and scope["path"].startswith(PROJECTS):
            client = self._client_of(header(scope, b"authorization"))
        if client is None:
            await self._app(scope, receive, send)
            return
        allowances = {
            "this project": self._project,
            f"identity {client!r}": self._identities[client],
            **self._of_kind(scope),
        }
        for whose, allowance in allowances.items():
            if refusal := allowance.refusal():
                what, wait = refusal
                await drain(receive)
                answer = error_answer(
                    ApiError(facts.TOO_MANY, f"Too many requests: {what} for {whose}."),
                    {"retry-after": str(max(1, math.ceil(wait)))},
                )
                await answer(scope, receive, send)
                return

        async def receive_and_count() -> Message:
            message = await receive()
            for allowance in allowances.values():
                allowance.received(len(message.get("body", b"")))
            return message

        for allowance in allowances.values():
            allowance.start()
        try:
            await self._app(scope, receive_and_count, send)
        finally:
            for allowance in allowances.values():
                allowance.end()

    def _of_kind(self, scope: Scope) -> dict[str, Allowance]:
        """Return the allowances of this kind of request, shared by the project."""
        request = RECORDS.fullmatch(scope["path"])
        if request is None or scope["method"] != "POST":
            return {}
        stream_id, kind = request.groups()
        if kind in WRITES:
            return {"record writes of this project": self._writes}
        if not self._is_mutable(stream_id):
            return {}
        return {
            f"{what} of mutable streams": allowance
            for what, allowance in self._queries.items()
            if kind in QUERIES[what][0]
        }
