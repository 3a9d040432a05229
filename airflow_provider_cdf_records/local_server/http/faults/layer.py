"""The layer around the application that injects the faults of a plan."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS, header
from airflow_provider_cdf_records.local_server.http.connections import Connections
from airflow_provider_cdf_records.local_server.http.faults.exchange import Exchange, Fault
from airflow_provider_cdf_records.local_server.http.faults.kinds import ALL, WRITES
from airflow_provider_cdf_records.local_server.http.faults.on_others import (
    ON_OTHERS,
    endpoint_of,
    with_wrong_lifetime,
)
from airflow_provider_cdf_records.local_server.http.faults.on_writes import ON_WRITES
from airflow_provider_cdf_records.local_server.http.faults.plan import FaultPlan
from airflow_provider_cdf_records.local_server.http.request_log import FAULT


class Faults:
    """Inject the faults of ``plan``; none while it is ``None``."""

    def __init__(self, app: ASGIApp, connections: Connections, clock: Clock) -> None:
        self.plan: FaultPlan | None = None
        self._app = app
        self._connections = connections
        self._clock = clock

    @property
    def clock_skew(self) -> float:
        """The seconds that answers are dated ahead of the truth."""
        return self.plan.clock_skew if self.plan else 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        plan = self.plan
        if plan is None or scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _is_record_write(scope):
            plan.under_way += 1
            try:
                if held := await plan.hold_up(self._clock, receive):
                    await self._write(plan, scope, held, send)
            finally:
                plan.under_way -= 1
        else:
            await self._elsewhere(plan, scope, receive, send)

    async def _write(self, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = self._exchange(plan, scope, receive, send)
        fault = plan.next(header(scope, b"authorization") or "")
        if fault is None or not await _can_get(fault, exchange):
            await self._app(scope, exchange.receive, send)
        else:
            await _inject(fault, ON_WRITES[fault], exchange)

    async def _elsewhere(self, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = endpoint_of(scope)
        exchange = self._exchange(plan, scope, receive, send)
        if endpoint and (fault := plan.next_elsewhere(endpoint)):
            await _inject(f"{endpoint}: {fault}", ON_OTHERS[endpoint][fault], exchange)
        elif endpoint == "token" and plan.lifetime_skew:
            await with_wrong_lifetime(exchange)
        else:
            await self._app(scope, receive, send)

    def _exchange(self, plan: FaultPlan, scope: Scope, receive: Receive, send: Send) -> Exchange:
        return Exchange(plan, self._app, scope, receive, send, self._connections, self._clock)


async def _inject(name: str, fault: Fault, exchange: Exchange) -> None:
    exchange.scope[FAULT] = name
    exchange.chance = exchange.plan.count(name)
    await fault(exchange)


async def _can_get(fault: str, exchange: Exchange) -> bool:
    kind = ALL[fault]
    if not exchange.scope["path"].endswith(kind.writes):
        return False
    return not kind.least_items or len(await exchange.items()) >= kind.least_items


def _is_record_write(scope: Scope) -> bool:
    return (
        scope["method"] == "POST"
        and scope["path"].startswith(PROJECTS)
        and bool(scope["path"].endswith(WRITES))
    )
