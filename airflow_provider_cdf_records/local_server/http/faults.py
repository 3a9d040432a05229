"""Faults of networks and services, injected into record writes by a plan that a seed makes repeatable."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS, drain, error_answer, header
from airflow_provider_cdf_records.local_server.http.connections import Connections
from airflow_provider_cdf_records.local_server.http.request_log import FAULT
from airflow_provider_cdf_records.local_server.settings import DEFAULT_FAULT_RATE

TOKEN_EXPIRED = "token expired"  # noqa: S105 (a fault's name)
WRITES = ("/records", "/records/upsert", "/records/delete")
PROVEN = 4  # writes with a token before it may expire: then even parallel senders know that it was good
LOOK_EVERY = 0.01  # seconds between two looks whether a held request may continue
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


class FaultPlan:
    """Decide which record write gets which fault.

    :param rate: the share of record writes that get a fault.
    :param slow: seconds until a slow answer comes.
    :param late: seconds until a late request is processed.
    :param retry_after: the value of ``Retry-After``.
    :param delay: seconds added to every record write.
    :param jitter: up to so many seconds more, at random, which changes the order of writes.
    :ivar writes: record writes so far.
    :ivar under_way: record writes without an answer yet.
    :ivar held: how many of them wait for :meth:`release`.
    :ivar injected: how often each fault happened.
    :ivar withheld: the addresses of clients whose slow answer has not come yet.
    """

    def __init__(
        self,
        seed: int,
        rate: float = DEFAULT_FAULT_RATE,
        *,
        slow: float = 5.0,
        late: float = 0.5,
        retry_after: float = 1,
        delay: float = 0.0,
        jitter: float = 0.0,
    ) -> None:
        self.writes = self.under_way = self.held = 0
        self.injected: Counter[str] = Counter()
        self.slow, self.late, self.retry_after = slow, late, retry_after
        self._random = random.Random(seed)  # noqa: S311 (it must be repeatable)
        self._rate = rate
        self._delay, self._jitter = delay, jitter
        self.withheld: set[tuple[str, int]] = set()
        self._held_after: float = math.inf
        self._used: Counter[str] = Counter()
        self._expired: set[str] = set()

    def hold(self, after: int) -> None:
        """Let ``after`` more record writes through; hold those that follow until :meth:`release`.

        A held write whose client disconnects is dropped, as if it had never been sent.
        """
        self._held_after = self.writes + after

    def release(self) -> None:
        """Let the held record writes continue."""
        self._held_after = math.inf

    async def hold_up(self, clock: Clock, receive: Receive) -> Receive | None:
        """Count a record write, delay or hold it, and return the ``receive`` to read it with.

        ``None`` when it was held and its client has disconnected.
        """
        self.writes += 1
        number = self.writes
        await clock.sleep(self._delay + self._random.uniform(0, self._jitter))
        if number <= self._held_after:
            return receive
        self.held += 1
        try:
            return await self._held(number, receive)
        finally:
            self.held -= 1

    async def _held(self, number: int, receive: Receive) -> Receive | None:
        body = [await receive()]  # the whole body, since a disconnect is reported only after it
        while body[-1].get("more_body"):
            body.append(await receive())
        following = asyncio.ensure_future(receive())
        while number > self._held_after and not following.done():
            await asyncio.wait({following}, timeout=LOOK_EVERY)
        if following.done():
            return None

        async def receive_again() -> Message:
            return body.pop(0) if body else await following

        return receive_again

    def next(self, token: str) -> str | None:
        """Return the fault of the next record write, if any."""
        if token in self._expired:
            return TOKEN_EXPIRED
        if self._random.random() >= self._rate:
            self._used[token] += 1
            return None
        fault = self._random.choices(list(FAULTS), [WEIGHTS.get(name, 10) for name in FAULTS])[0]
        if fault == TOKEN_EXPIRED:
            if self._used[token] < PROVEN:
                return None
            self._expired.add(token)
        self.injected[fault] += 1
        return fault


@dataclass
class Exchange:
    """A request with a fault, and the ways to end it."""

    plan: FaultPlan
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    connections: Connections
    clock: Clock

    async def work(self) -> list[Message]:
        """Let the application handle the request, and return its answer without sending it."""
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(self.scope, self.receive, keep)
        return answer

    async def answer(self, response: Response) -> None:
        await drain(self.receive)
        await response(self.scope, self.receive, self.send)

    async def cut(self) -> None:
        """Close the connection, and wait until that is done."""
        self.connections.close(self.scope)
        await self._disconnected()

    async def wait(self, seconds: float) -> None:
        """Wait for some seconds, or until the client disconnects."""
        ends = {asyncio.create_task(self.clock.sleep(seconds)), asyncio.create_task(self._disconnected())}
        _, others = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()

    async def _disconnected(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


class Faults:
    """Inject the faults of ``plan``; none while it is ``None``."""

    def __init__(self, app: ASGIApp, connections: Connections, clock: Clock) -> None:
        self.plan: FaultPlan | None = None
        self._app = app
        self._connections = connections
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = self.plan
        if plan is None or not _is_record_write(scope):
            await self._app(scope, receive, send)
            return
        plan.under_way += 1
        try:
            if held := await plan.hold_up(self._clock, receive):
                await self._with_fault(plan, scope, held, send)
        finally:
            plan.under_way -= 1

    async def _with_fault(self, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
        fault = plan.next(header(scope, b"authorization") or "")
        if fault is None:
            await self._app(scope, receive, send)
            return
        scope[FAULT] = fault
        await FAULTS[fault](Exchange(plan, self._app, scope, receive, send, self._connections, self._clock))


def _is_record_write(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "POST"
        and scope["path"].startswith(PROJECTS)
        and bool(scope["path"].endswith(WRITES))
    )


Fault = Callable[[Exchange], Awaitable[None]]


def _injected(status: int, **headers: str) -> Response:
    return error_answer(ApiError(status, "injected"), headers)


def _answer(make: Callable[[FaultPlan], Response]) -> Fault:
    async def fault(exchange: Exchange) -> None:
        await exchange.answer(make(exchange.plan))

    return fault


def _html(status: int) -> Fault:
    return _answer(lambda _: Response(HTML, status, media_type="text/html"))


async def _stored_and_timed_out(exchange: Exchange) -> None:
    await exchange.work()
    await _injected(504)(exchange.scope, exchange.receive, exchange.send)


async def _reset_before_storing(exchange: Exchange) -> None:
    await drain(exchange.receive)
    await exchange.cut()


async def _reset_after_storing(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.cut()


async def _truncated(exchange: Exchange) -> None:
    start, *_ = await exchange.work()
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await exchange.send({**start, "headers": [*headers, (b"content-length", b"12")]})
    await exchange.send({"type": "http.response.body", "body": b"{}", "more_body": True})
    await exchange.cut()


async def _slow(exchange: Exchange) -> None:
    answer = await exchange.work()
    client = tuple(exchange.scope["client"])
    exchange.plan.withheld.add(client)
    try:
        await exchange.wait(exchange.plan.slow)
    finally:
        exchange.plan.withheld.discard(client)
    for message in answer:
        await exchange.send(message)


async def _late(exchange: Exchange) -> None:
    await exchange.clock.sleep(exchange.plan.late)
    await exchange.app(exchange.scope, exchange.receive, exchange.send)


FAULTS: dict[str, Fault] = {
    "429": _answer(lambda _: _injected(429)),
    "429 with Retry-After": _answer(lambda plan: _injected(429, **{"retry-after": f"{plan.retry_after}"})),
    "500": _answer(lambda _: _injected(500)),
    "502 with HTML": _html(502),
    "503": _answer(lambda _: _injected(503)),
    "504 after storing": _stored_and_timed_out,
    TOKEN_EXPIRED: _answer(lambda _: _injected(401)),
    "auto-retryable 409": _answer(lambda _: _injected(409, **{"cdf-is-auto-retryable": "true"})),
    "reset before storing": _reset_before_storing,
    "reset after storing": _reset_after_storing,
    "truncated answer": _truncated,
    "HTML with 200": _html(200),
    "slow answer": _slow,
    "late": _late,
}
WEIGHTS = {"slow answer": 1, TOKEN_EXPIRED: 3, "429": 5, "429 with Retry-After": 5}
