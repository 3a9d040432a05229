"""Chooses the converter that makes records of the rows of a load."""

from __future__ import annotations

import threading
from typing import Any, cast

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.parallel import call_in_parallel
from airflow_provider_cdf_records.load.preflight import Findings, schema_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import ContainerId, IdentityMapping, MappingSpec, RowMapping, Schema
from airflow_provider_cdf_records.records.api_shaped import ApiShaped, Container
from airflow_provider_cdf_records.records.chunk import Convert
from airflow_provider_cdf_records.records.deletions import records_to_delete
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected, suggest_mapping


def converter_for(
    client: CdfClient,
    verb: Verb[Any],
    spec: MappingSpec | None,
    findings: Findings | None,
    *,
    check_columns: bool,
    stop: threading.Event,
) -> Convert:
    """Return a converter of rows to checked records, which also takes rows that an earlier load rejected.

    :param spec: the mapping; ``None`` when the rows are API-shaped records.
    :param findings: the result of the preflight checks; ``None`` when they are switched off.
    :param check_columns: whether the first rows must have the columns that the mapping names.
    :param stop: ends a request for a container that waits for an answer.
    :raises InvalidArgumentError: when the mapping names properties that the containers do not have.
    """
    if verb.sends_identities:
        if spec is None:
            # A line of a rejected-records file has an identity of its own, and is taken as it is.
            return suggest_mapping(records_to_delete)
        return UnwrapRejected(IdentityMapping(spec, check_columns=check_columns), has_mapping=True)
    if spec is None:
        shaped = ApiShaped()
        if findings is not None:
            shaped = ApiShaped(lambda source: _problem_with(client, source, stop))
        return UnwrapRejected(shaped, has_mapping=False)
    schema = (findings or Findings()).schema
    return UnwrapRejected(RowMapping(spec, schema, check_columns=check_columns), has_mapping=True)


def _problem_with(client: CdfClient, source: Container, stop: threading.Event) -> str | None:
    container = ContainerId(source.space, source.externalId)
    (schema,) = call_in_parallel(lambda: schema_of(client, [container]), stop=stop)
    return cast("Schema", schema).problem_with(container)
