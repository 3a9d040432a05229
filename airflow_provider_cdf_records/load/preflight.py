"""What can be known to go wrong before the first record is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.client import CdfApiError, CdfAuthError, CdfClient
from airflow_provider_cdf_records.load.parallel import ask_at_once
from airflow_provider_cdf_records.load.sender import check_stream
from airflow_provider_cdf_records.mapping.row_mapping import RowMapping
from airflow_provider_cdf_records.mapping.schema import ContainerId, Schema
from airflow_provider_cdf_records.mapping.spec import MappingSpec
from airflow_provider_cdf_records.records.api_shaped import ApiShaped, Container
from airflow_provider_cdf_records.records.chunk import Convert

log = logging.getLogger(__name__)

CONTAINERS_AT_ONCE = 100
NEEDED = (("streamRecordsAcl", "WRITE"), ("dataModelsAcl", "READ"))


class MissingCapabilityError(Exception):
    """The token may not do what the load needs."""

    retryable = False


def prepare(
    client: CdfClient,
    stream_id: str,
    spec: MappingSpec | None,
    *,
    check_schema: bool,
    check_columns: bool,
    stop: threading.Event,
) -> Convert:
    """Return what makes records of rows, after a look at the stream, the token and the containers.

    :param spec: of rows that are no API-shaped records.
    :param check_schema: whether to look at all.
    :param check_columns: whether the first rows should have what the mapping names.
    :param stop: when it is set, there is no need to look any more.
    :raises StreamUnusableError: when the stream cannot take upserts.
    :raises MissingCapabilityError: when the token cannot.
    :raises InvalidArgumentError: when the mapping names what does not exist.
    """
    if not check_schema:
        return ApiShaped() if spec is None else RowMapping(spec, Schema(), check_columns=check_columns)
    containers = [] if spec is None else [source.id for source in spec.sources]
    _, _, schema = ask_at_once(
        lambda: check_capabilities(client),
        lambda: check_stream(client, stream_id),
        lambda: schema_of(client, containers),
        stop=stop,
    )
    if spec is None:
        return ApiShaped(lambda source: _problem_with(client, source))
    return RowMapping(spec, schema, check_columns=check_columns)


def check_capabilities(client: CdfClient) -> None:
    """Refuse a token that lacks what an upsert needs; one that tells nothing of itself passes."""
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
            definitions += client.post("/models/containers/byids", {"items": items}).get("items", [])
    except CdfApiError as error:
        if error.retryable or isinstance(error, CdfAuthError):
            raise
        log.warning("Loading without a look at the containers, which CDF refuses: %s", error)
        return Schema()
    return Schema(definitions, complete=True)


def _problem_with(client: CdfClient, source: Container) -> str | None:
    container = ContainerId(source.space, source.externalId)
    return schema_of(client, [container]).problem_with(container)
