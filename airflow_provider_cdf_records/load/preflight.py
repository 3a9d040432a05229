"""What can be known to go wrong before the first record is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfAuthError, CdfClient
from airflow_provider_cdf_records.load.parallel import ask_at_once
from airflow_provider_cdf_records.load.sender import stream_type_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import ContainerId, Schema

log = logging.getLogger(__name__)

CONTAINERS_AT_ONCE = 100
NEEDED = (("streamRecordsAcl", "WRITE"), ("dataModelsAcl", "READ"))  # for each verb


class MissingCapabilityError(Exception):
    """The token may not do what the load needs."""

    retryable = False


@dataclass(frozen=True)
class Findings:
    """What a look beforehand found.

    :param stream_type: ``Mutable`` or ``Immutable``; ``None`` where it is not known.
    :param schema: the containers that the mapping names, as far as they are known.
    """

    stream_type: str | None = None
    schema: Schema = field(default_factory=Schema)


def look_beforehand(
    client: CdfClient,
    verb: Verb[Any],
    stream_id: str,
    containers: list[ContainerId],
    *,
    stop: threading.Event,
) -> Findings:
    """Look at the stream, the token and the containers, all at once.

    :param containers: those that the mapping names.
    :param stop: when it is set, there is no need to look any more.
    :raises StreamUnusableError: when the stream does not take the verb.
    :raises MissingCapabilityError: when the token lacks a capability.
    """
    _, stream_type, schema = ask_at_once(
        lambda: check_capabilities(client),
        lambda: stream_type_of(client, verb, stream_id),
        lambda: schema_of(client, containers),
        stop=stop,
    )
    return Findings(stream_type, schema)


def check_capabilities(client: CdfClient) -> None:
    """Refuse a token that lacks what a load needs; one that tells nothing of itself passes."""
    try:
        token = client.inspect_token()
    except CdfApiError as error:
        if error.retryable or isinstance(error, CdfAuthError):
            raise
        log.info("What the token may do is not known: %s", error)
        return
    check_project(client, token)
    capabilities = token.get("capabilities")
    if not isinstance(capabilities, list) or not capabilities:
        return
    for acl, action in NEEDED:
        if action not in _actions(capabilities, acl, client.project):
            name = acl[0].upper() + acl[1:]
            msg = (
                f"The token has no {name}:{action} in project {client.project!r}; give it to a group "
                "that the connection's client is in."
            )
            raise MissingCapabilityError(msg)


def check_project(client: CdfClient, token: Mapping[str, Any]) -> None:
    """Refuse a token that is not for the client's project.

    :param token: as ``inspect_token`` answers it.
    :raises MissingCapabilityError: naming the projects that it is for.
    """
    projects = [item.get("projectUrlName") for item in token.get("projects", ())]
    if client.project not in projects:
        known = ", ".join(map(str, projects)) or "none"
        msg = f"The token is good, but not for project {client.project!r}; its projects: {known}."
        raise MissingCapabilityError(msg)


def _actions(capabilities: Iterable[Mapping[str, Any]], acl: str, project: str) -> Iterator[str]:
    for capability in capabilities:
        scope = capability.get("projectScope", {"allProjects": {}})
        if acl in capability and ("allProjects" in scope or project in scope.get("projects", ())):
            yield from capability[acl].get("actions", ())


def schema_of(client: CdfClient, containers: list[ContainerId]) -> Schema:
    """Return the definitions of containers; an empty schema where the token may not see them."""
    definitions: list[dict[str, Any]] = []
    try:
        for start in range(0, len(containers), CONTAINERS_AT_ONCE):
            asked = containers[start : start + CONTAINERS_AT_ONCE]
            items = [{"space": one.space, "externalId": one.external_id} for one in asked]
            definitions += client.containers_by_ids(items)
    except CdfApiError as error:
        if error.retryable or isinstance(error, CdfAuthError):
            raise
        log.warning("Loading without a look at the containers, which CDF refuses: %s", error)
        return Schema()
    return Schema(definitions, complete=True)
