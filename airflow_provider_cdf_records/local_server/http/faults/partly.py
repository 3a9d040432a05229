"""Faults after which some records of a request are stored and others are not.

CDF says that a body may list which; its form is not public, so a chance decides among several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_cdf_records.local_server.http.bodies import drain, json_answer
from airflow_provider_cdf_records.local_server.http.faults.exchange import Exchange, Fault

CONFLICT = "Some records are being changed at the same time."
INTERNAL_ERROR = "At least one record failed by an internal error."

Ids = list[dict[str, Any]]


def partly_stored(status: int, message: str, *, most: float = 1.0) -> Fault:
    """Return a fault that stores some of a request's valid records and answers with an error.

    :param most: the largest share of the records that may be stored.
    """

    async def fault(exchange: Exchange) -> None:
        items = await exchange.items()
        await drain(exchange.receive)
        share = exchange.chance.uniform(0, most)
        chosen = [number for number in range(len(items)) if exchange.chance.random() < share]
        stored = await _store(exchange, items, chosen)
        succeeded = [_identifier(items[number]) for number in sorted(stored)]
        failed = [_identifier(item) for number, item in enumerate(items) if number not in stored]
        describe = exchange.chance.choice(BODIES)
        body = describe({"code": status, "message": message}, succeeded, failed)
        await json_answer(body, status)(exchange.scope, exchange.receive, exchange.send)

    return fault


async def _store(exchange: Exchange, items: list[Any], chosen: list[int]) -> set[int]:
    """Store those of the chosen items that the server accepts, and return their numbers."""
    if not chosen or await exchange.work_on([items[number] for number in chosen]):
        return set(chosen)
    return {number for number in chosen if await exchange.work_on([items[number]])}


def _identifier(item: Any) -> dict[str, Any]:
    return (
        {key: item[key] for key in ("space", "externalId") if key in item} if isinstance(item, dict) else {}
    )


def _both(error: dict[str, Any], succeeded: Ids, failed: Ids) -> dict[str, Any]:
    return {"error": error | {"succeeded": succeeded, "failed": failed}}


def _failed_only(error: dict[str, Any], _: Ids, failed: Ids) -> dict[str, Any]:
    return {"error": error | {"failed": failed}}


def _beside_the_error(error: dict[str, Any], succeeded: Ids, failed: Ids) -> dict[str, Any]:
    return {"error": error, "succeeded": succeeded, "failed": failed}


def _with_reasons(error: dict[str, Any], succeeded: Ids, failed: Ids) -> dict[str, Any]:
    return {"error": error | {"succeeded": succeeded, "failed": [one | {"error": error} for one in failed]}}


def _empty_lists(error: dict[str, Any], _: Ids, __: Ids) -> dict[str, Any]:
    return {"error": error | {"missing": [], "duplicated": []}}


def _no_lists(error: dict[str, Any], _: Ids, __: Ids) -> dict[str, Any]:
    return {"error": error}


BODIES: tuple[Callable[[dict[str, Any], Ids, Ids], dict[str, Any]], ...] = (
    _both,
    _failed_only,
    _beside_the_error,
    _with_reasons,
    _empty_lists,
    _no_lists,
)
