"""A request that gets a fault, and the parts that faults are made of."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import (
    decode_json,
    drain,
    error_answer,
    read_body,
    replayed,
    whole_request,
)
from airflow_provider_cdf_records.local_server.http.connections import Connections
from airflow_provider_cdf_records.local_server.http.faults.plan import FaultPlan
from airflow_provider_cdf_records.local_server.http.request_log import ITEMS

HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
OF_THE_BODY = (b"content-length", b"content-encoding", b"transfer-encoding")  # headers that tell its form


@dataclass
class Exchange:
    """A request with a fault, and the ways to end it.

    :ivar chance: decides the details of the fault.
    """

    plan: FaultPlan
    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    connections: Connections
    clock: Clock
    chance: random.Random = field(init=False)

    async def items(self) -> list[Any]:
        """Return the items of the request, whose body can be read again; none where there is no list."""
        request = await whole_request(self.receive)
        self.receive = replayed(request, self.receive)
        try:
            reread = Request(self.scope, replayed(request, self.receive))
            body = decode_json(await read_body(reread, facts.MAX_REQUEST_BYTES))
        except ApiError:
            return []
        items = body.get("items") if isinstance(body, dict) else None
        if not isinstance(items, list):
            return []
        self.scope[ITEMS] = len(items)
        return items

    async def work(self) -> list[Message]:
        """Let the application handle the request, and return its answer without sending it."""
        return await self._work(self.scope, self.receive)

    async def work_on(self, items: list[Any]) -> bool:
        """Let the application handle the request as if it had these items; tell whether it accepts them."""
        body = msgspec.json.encode({"items": items})
        headers = [(name, value) for name, value in self.scope["headers"] if name not in OF_THE_BODY]
        headers.append((b"content-length", str(len(body)).encode()))
        request: Message = {"type": "http.request", "body": body}
        start, *_ = await self._work({**self.scope, "headers": headers}, replayed([request], self.receive))
        return is_success(start)

    async def _work(self, scope: Scope, receive: Receive) -> list[Message]:
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        return answer

    async def answer(self, response: Response) -> None:
        await drain(self.receive)
        await response(self.scope, self.receive, self.send)

    async def pass_on(self, answer: list[Message]) -> None:
        """Send an answer of the application."""
        for message in answer:
            await self.send(message)

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


Fault = Callable[[Exchange], Awaitable[None]]


def is_success(start: Message) -> bool:
    """Tell whether an answer that starts like this is a 2xx."""
    return bool(start["status"] < 300)  # noqa: PLR2004


def injected(status: int, **headers: str) -> Response:
    """Return an error of CDF's form."""
    return error_answer(ApiError(status, "injected"), headers)


def instead(make: Callable[[Exchange], Response]) -> Fault:
    """Return a fault that answers without letting the application see the request."""

    async def fault(exchange: Exchange) -> None:
        await exchange.answer(make(exchange))

    return fault


def html(status: int) -> Fault:
    """Return a fault that answers with a page, as a proxy does."""
    return instead(lambda _: Response(HTML, status, media_type="text/html"))


async def cut_before_work(exchange: Exchange) -> None:
    """Close the connection once the whole request has come."""
    await drain(exchange.receive)
    await exchange.cut()


async def slow(exchange: Exchange) -> None:
    """Withhold the answer for a while."""
    answer = await exchange.work()
    client = tuple(exchange.scope["client"])
    exchange.plan.withheld.add(client)
    try:
        await exchange.wait(exchange.plan.slow)
    finally:
        exchange.plan.withheld.discard(client)
    await exchange.pass_on(answer)


def altered(alter: Callable[[dict[str, Any]], None]) -> Fault:
    """Return a fault that changes the JSON of a successful answer."""

    async def fault(exchange: Exchange) -> None:
        start, *rest = await exchange.work()
        if not is_success(start):
            await exchange.pass_on([start, *rest])
            return
        content = msgspec.json.decode(b"".join(message.get("body", b"") for message in rest))
        alter(content)
        response = Response(msgspec.json.encode(content), start["status"], media_type="application/json")
        await response(exchange.scope, exchange.receive, exchange.send)

    return fault


def statuses(*names: str) -> Mapping[str, Fault]:
    """Return faults that answer with the status they are named after."""

    def fault(status: int) -> Fault:
        return instead(lambda _: injected(status))

    return {name: fault(int(name)) for name in names}
