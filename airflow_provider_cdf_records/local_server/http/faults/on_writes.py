"""What the faults of record writes do."""

from __future__ import annotations

from starlette.responses import Response

from airflow_provider_cdf_records.local_server.http.faults.exchange import (
    HTML,
    Exchange,
    Fault,
    cut_before_work,
    html,
    injected,
    instead,
    is_success,
    slow,
    statuses,
)
from airflow_provider_cdf_records.local_server.http.faults.kinds import TOKEN_EXPIRED
from airflow_provider_cdf_records.local_server.http.faults.partly import (
    CONFLICT,
    INTERNAL_ERROR,
    partly_stored,
)


async def _stored_and_timed_out(exchange: Exchange) -> None:
    await exchange.work()
    await injected(504)(exchange.scope, exchange.receive, exchange.send)


async def _reset_after_storing(exchange: Exchange) -> None:
    await exchange.work()
    await exchange.cut()


async def _truncated(exchange: Exchange) -> None:
    start, *_ = await exchange.work()
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    await exchange.send({**start, "headers": [*headers, (b"content-length", b"12")]})
    await exchange.send({"type": "http.response.body", "body": b"{}", "more_body": True})
    await exchange.cut()


async def _late(exchange: Exchange) -> None:
    await exchange.clock.sleep(exchange.plan.late)
    await exchange.app(exchange.scope, exchange.receive, exchange.send)


def _success_with(body: str, media_type: str | None = None, *, chunked: bool = False) -> Fault:
    """Return a fault that gives a success another body; what the application refuses stays refused."""

    async def fault(exchange: Exchange) -> None:
        start, *rest = await exchange.work()
        if not is_success(start):
            await exchange.pass_on([start, *rest])
            return
        response = Response(body, start["status"], media_type=media_type)
        if chunked:  # which uvicorn does where no length is given
            del response.headers["content-length"]
        await response(exchange.scope, exchange.receive, exchange.send)

    return fault


ON_WRITES: dict[str, Fault] = {
    **statuses("429", "500", "503"),
    "429 with Retry-After": instead(
        lambda exchange: injected(429, **{"retry-after": f"{exchange.plan.retry_after}"})
    ),
    "502 with HTML": html(502),
    "504 after storing": _stored_and_timed_out,
    TOKEN_EXPIRED: instead(lambda _: injected(401)),
    "auto-retryable 409": instead(lambda _: injected(409, **{"cdf-is-auto-retryable": "true"})),
    "reset before storing": cut_before_work,
    "reset after storing": _reset_after_storing,
    "truncated answer": _truncated,
    "HTML with 200": html(200),
    "slow answer": slow,
    "late": _late,
    "409 conflict": partly_stored(409, CONFLICT, most=0),
    "409 conflict, partly stored": partly_stored(409, CONFLICT),
    "500, partly stored": partly_stored(500, INTERNAL_ERROR),
    "503, partly stored": partly_stored(503, INTERNAL_ERROR),
    "422, partly stored": partly_stored(422, INTERNAL_ERROR),
    "422 of an internal error": partly_stored(422, INTERNAL_ERROR, most=0),
    "202 with empty chunks": _success_with("", chunked=True),
    "202 with null": _success_with("null", "application/json"),
    "202 with HTML": _success_with(HTML, "text/html"),
    "202 with text": _success_with("Accepted", "text/plain"),
}
