"""Checks of stream, token and containers, made before the first record is sent."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.parallel import call_in_parallel
from airflow_provider_cdf_records.load.target_stream import (
    LOOK_FAILURES,
    TargetStream,
    look_at_stream,
    raise_if_it_may_pass,
)
from airflow_provider_cdf_records.load.token_access import NEEDED, Access, TokenAccess, read_token_access
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import ContainerId, MappingSpec, Schema, is_definition
from airflow_provider_cdf_records.records.api_record import containers_named_by
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.sources import Source
from airflow_provider_cdf_records.sources.source import rows_to_peek

log = logging.getLogger(__name__)

CONTAINERS_AT_ONCE = 100


@dataclass(frozen=True)
class Findings:
    """What the preflight checks found out.

    :param stream: the stream, as far as it is known.
    :param schema: the containers that were asked for, as far as they are known.
    :param asked: those containers.
    """

    stream: TargetStream = field(default_factory=TargetStream)
    schema: Schema = field(default_factory=Schema)
    asked: frozenset[ContainerId] = frozenset()


def check_before_sending(
    client: CdfClient,
    verb: Verb[Any],
    stream_id: str,
    containers: Callable[[], list[ContainerId]],
    *,
    stop: threading.Event,
) -> Findings:
    """Check the stream, the token and the containers, in parallel.

    :param containers: returns those that the mapping names, or the first records; called in parallel, too.
    :param stop: when it is set, the checks are left unfinished.
    :raises LoadStoppedError: when it is.
    :raises StreamUnusableError: when the stream does not take the verb.
    :raises MissingCapabilityError: when the token is not for the project, or lacks a capability.
    """

    def look_at_containers() -> tuple[Schema, frozenset[ContainerId]]:
        named = containers()
        return schema_of(client, named), frozenset(named)

    _, stream, (schema, asked) = call_in_parallel(
        lambda: check_token(client),
        lambda: look_at_stream(client, verb, stream_id),
        look_at_containers,
        stop=stop,
    )
    return Findings(stream, schema, asked)


def containers_to_look_at(verb: Verb[Any], spec: MappingSpec | None, source: Source) -> list[ContainerId]:
    """Return the containers that the mapping names; without one, those of the first records, if it can.

    Others are looked at when a record names them: one look fewer makes a small load shorter.
    """
    if verb.sends_identities:
        return []
    if spec is not None:
        return [one.id for one in spec.sources]
    named = containers_named_by(rows_to_peek(source))
    distinct = dict.fromkeys(ContainerId(one.space, one.externalId) for one in named)
    return list(distinct)[:CONTAINERS_AT_ONCE]


def look_at_token(client: CdfClient) -> TokenAccess:
    """Return what CDF tells about the token; it may tell nothing, also of a token that works well."""
    try:
        answer = client.inspect_token()
    except LOOK_FAILURES as error:
        raise_if_it_may_pass(error)
        log.info("CDF does not say what the token may do: %s", error)
        answer = None
    return read_token_access(answer, client.project)


def check_token(client: CdfClient) -> None:
    """Refuse a token that is certain not to work, and log what is not known about it.

    :raises MissingCapabilityError: when the token is not for the project, or lacks a capability.
    """
    access = look_at_token(client)
    access.refuse_if_useless()
    if access.projects is None:
        log.info("Loading without knowing whether the token is for project %r.", client.project)
    for capability in NEEDED:
        if access.capabilities[capability] is not Access.PRESENT:
            log.info("Capability %s of the token: %s.", capability, access.capabilities[capability].value)


def schema_of(client: CdfClient, containers: list[ContainerId]) -> Schema:
    """Return the definitions of containers; an empty schema where CDF does not show them."""
    definitions: list[dict[str, Any]] = []
    try:
        for start in range(0, len(containers), CONTAINERS_AT_ONCE):
            asked = containers[start : start + CONTAINERS_AT_ONCE]
            items = [{"space": one.space, "externalId": one.external_id} for one in asked]
            definitions += client.containers_by_ids(items)
    except LOOK_FAILURES as error:
        raise_if_it_may_pass(error)
        log.warning("Loading without checking the containers, since CDF does not show them: %s", error)
        return Schema()
    known = [definition for definition in definitions if is_definition(definition)]
    if len(known) < len(definitions):
        log.warning("Loading without checking some of the containers: CDF shows them in an unknown form.")
    return Schema(known, complete=len(known) == len(definitions))


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
            msg = f"filter: container {container} has no property {prop!r}; it has {listed(properties)}."
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
