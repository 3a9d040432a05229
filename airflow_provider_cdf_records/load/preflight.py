"""Checks of stream, token and containers, made before the first record is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfAuthError, CdfClient
from airflow_provider_cdf_records.load.parallel import call_in_parallel
from airflow_provider_cdf_records.load.target_stream import TargetStream, look_at_stream
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import ContainerId, Schema
from airflow_provider_cdf_records.records.errors import InvalidArgumentError

log = logging.getLogger(__name__)

CONTAINERS_AT_ONCE = 100
NEEDED_CAPABILITIES = (("streamRecordsAcl", "WRITE"), ("dataModelsAcl", "READ"))  # for each verb


class MissingCapabilityError(Exception):
    """The token may not do what the load needs."""

    retryable = False


@dataclass(frozen=True)
class Findings:
    """What the preflight checks found out.

    :param stream: the stream, as far as it is known.
    :param schema: the containers that the mapping names, as far as they are known.
    """

    stream: TargetStream = field(default_factory=TargetStream)
    schema: Schema = field(default_factory=Schema)


def check_before_sending(
    client: CdfClient,
    verb: Verb[Any],
    stream_id: str,
    containers: list[ContainerId],
    *,
    stop: threading.Event,
) -> Findings:
    """Check the stream, the token and the containers, in parallel.

    :param containers: those that the mapping names.
    :param stop: when it is set, the checks are left unfinished.
    :raises LoadStoppedError: when it is.
    :raises StreamUnusableError: when the stream does not take the verb.
    :raises MissingCapabilityError: when the token lacks a capability.
    """
    _, stream, schema = call_in_parallel(
        lambda: check_capabilities(client),
        lambda: look_at_stream(client, verb, stream_id),
        lambda: schema_of(client, containers),
        stop=stop,
    )
    return Findings(stream, schema)


def check_capabilities(client: CdfClient) -> None:
    """Refuse a token that lacks what a load needs; one whose capabilities are not known passes."""
    try:
        token = client.inspect_token()
    except (CdfApiError, CdfAuthError) as error:
        if error.retryable or (isinstance(error, CdfAuthError) and not error.token_issued):
            raise  # a 401 may mean no more than that this token has no right to be inspected
        log.info("Loading without checking what the token may do, since CDF does not say: %s", error)
        return
    check_project(client, token)
    capabilities = token.get("capabilities")
    if not isinstance(capabilities, list) or not capabilities:
        return
    for acl, action in NEEDED_CAPABILITIES:
        if action not in _actions(capabilities, acl, client.project):
            name = acl[0].upper() + acl[1:]
            msg = (
                f"The token has no {name}:{action} in project {client.project!r}; give it to a group "
                "that the connection's client is in."
            )
            raise MissingCapabilityError(msg)


def check_project(client: CdfClient, token: Mapping[str, Any]) -> None:
    """Refuse a token that is not for the client's project.

    :param token: the answer of ``inspect_token``.
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
        if error.retryable:
            raise
        log.warning("Loading without checking the containers, since CDF does not show them: %s", error)
        return Schema()
    return Schema(definitions, complete=True)


def check_filter(client: CdfClient, condition: Mapping[str, Any]) -> None:
    """Refuse a filter on a property that does not exist: under ``not``, it would match every record.

    :param condition: in CDF's filter language.
    :raises InvalidArgumentError: naming the property.
    """
    paths = list(dict.fromkeys(_property_paths(condition)))
    schema = schema_of(client, [ContainerId(space, name) for space, name, _ in paths])
    for space, name, prop in paths:
        container = ContainerId(space, name)
        if problem := schema.problem_with(container):
            msg = f"filter: {problem}."
            raise InvalidArgumentError(msg)
        properties = schema.properties(container)
        if properties is not None and prop not in properties:
            msg = f"filter: container {container} has no property {prop!r}; it has {', '.join(properties)}."
            raise InvalidArgumentError(msg)


def _property_paths(condition: object) -> Iterator[tuple[str, str, str]]:
    """Yield what a filter says of properties of containers: ``[space, container, property]``."""
    if isinstance(condition, list | tuple):
        for inner in condition:
            yield from _property_paths(inner)
    if not isinstance(condition, Mapping):
        return
    for name, inner in condition.items():
        if name == "property" and isinstance(inner, list | tuple) and list(map(type, inner)) == [str] * 3:
            if "/" not in inner[1]:  # else it is a view and its version
                yield inner[0], inner[1], inner[2]
        else:
            yield from _property_paths(inner)
