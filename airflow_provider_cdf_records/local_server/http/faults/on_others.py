"""What the faults of the other endpoints do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.types import Scope

from airflow_provider_cdf_records.local_server.http.bodies import PROJECTS, json_answer
from airflow_provider_cdf_records.local_server.http.faults.exchange import (
    Exchange,
    Fault,
    altered,
    cut_before_work,
    html,
    instead,
    slow,
    statuses,
)
from airflow_provider_cdf_records.local_server.http.faults.kinds import EMPTY_OBJECT

PROJECT = re.escape(PROJECTS) + "[^/]+"
ADDRESSES = {
    "token": ("POST", re.compile("/oauth2/token")),
    "inspect": ("GET", re.compile("/api/v1/token/inspect")),
    "stream": ("GET", re.compile(f"{PROJECT}/streams/[^/]+")),
    "containers": ("POST", re.compile(f"{PROJECT}/models/containers/byids")),
}
REFUSALS = {  # of identity providers, with words such as theirs
    "400": ("unauthorized_client", "AADSTS700016: Application with identifier 'injected' was not found."),
    "401": ("invalid_client", "AADSTS7000215: Invalid client secret provided."),
    "404": ("not_found", "The tenant does not exist."),
    "409": ("conflict", "The client is being changed."),
    "422": ("invalid_request", "The request cannot be processed."),
}


def endpoint_of(scope: Scope) -> str | None:
    """Return the name of the endpoint that a request is for; ``None`` for one that has no faults."""
    for name, (method, address) in ADDRESSES.items():
        if scope["method"] == method and address.fullmatch(scope["path"]):
            return name
    return None


def _refusal(status: str) -> Fault:
    error, description = REFUSALS[status]
    answer = {"error": error, "error_description": description}
    return instead(lambda _: json_answer(answer, int(status)))


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda answer: answer.__delitem__(key)


def _with(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda answer: answer.__setitem__(key, value)


def _name_projects(answer: dict[str, Any]) -> None:
    answer["projects"] = [project["projectUrlName"] for project in answer["projects"]]


def _name_capabilities(answer: dict[str, Any]) -> None:
    answer["capabilities"] = [next(iter(capability)) for capability in answer["capabilities"]]


def _empty_capabilities(answer: dict[str, Any]) -> None:
    answer["capabilities"] = [dict.fromkeys(capability) for capability in answer["capabilities"]]


def _leave_out_scopes(answer: dict[str, Any]) -> None:
    for capability in answer["capabilities"]:
        del capability["projectScope"]


ANYWHERE: dict[str, Fault] = {
    **statuses("401", "403", "404", "429", "500", "503"),
    "502 with HTML": html(502),
    EMPTY_OBJECT: instead(lambda _: json_answer({})),
    "slow": slow,
    "cut": cut_before_work,
}
ON_OTHERS: dict[str, dict[str, Fault]] = {
    "token": ANYWHERE | {status: _refusal(status) for status in REFUSALS},
    "inspect": ANYWHERE
    | {
        "projects missing": altered(_without("projects")),
        "projects null": altered(_with("projects", None)),
        "projects empty": altered(_with("projects", [])),
        "projects as names": altered(_name_projects),
        "capabilities missing": altered(_without("capabilities")),
        "capabilities null": altered(_with("capabilities", None)),
        "capabilities empty": altered(_with("capabilities", [])),
        "capabilities as names": altered(_name_capabilities),
        "capabilities of null": altered(_empty_capabilities),
        "capabilities without projectScope": altered(_leave_out_scopes),
    },
    "stream": ANYWHERE,
    "containers": ANYWHERE | {"no items": altered(_with("items", []))},
}


async def with_wrong_lifetime(exchange: Exchange) -> None:
    """Answer with a token whose ``expires_in`` is not true."""

    def alter(answer: dict[str, Any]) -> None:
        answer["expires_in"] += exchange.plan.lifetime_skew

    await altered(alter)(exchange)
