"""Chooses the converter that makes records of the rows of a load."""

from __future__ import annotations

import threading
from typing import Any, cast

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.headers import check_headers
from airflow_provider_cdf_records.load.parallel import call_in_parallel
from airflow_provider_cdf_records.load.preflight import Findings, schema_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import (
    ContainerId,
    IdentityMapping,
    MappedIdentities,
    MappingSpec,
    RowMapping,
    Schema,
    SentProperties,
)
from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.chunk import Convert, Mark, with_number_style
from airflow_provider_cdf_records.records.deletions import identities_to_delete, records_to_delete
from airflow_provider_cdf_records.records.number_style import NumberStyle
from airflow_provider_cdf_records.records.partition import Partition, RowsOfPart, of_part
from airflow_provider_cdf_records.records.record_shapes import Container
from airflow_provider_cdf_records.records.row_identities import identities_of_records
from airflow_provider_cdf_records.rejected.lines import NAMES_IN_LINES
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected, is_rejected_line, suggest_mapping
from airflow_provider_cdf_records.sources import FileSource, Source


def converter_for(
    client: CdfClient,
    verb: Verb[Any],
    spec: MappingSpec | None,
    findings: Findings | None,
    *,
    source: Source,
    resumed: Mark | None,
    partition: Partition | None = None,
    is_whole: bool,
    stop: threading.Event,
) -> Convert:
    """Return a converter of rows to checked records, which also takes rows that an earlier load rejected.

    :param spec: the mapping; ``None`` when the rows are API-shaped records.
    :param findings: the result of the preflight checks; ``None`` when they are switched off.
    :param source: where the rows come from.
    :param resumed: how far an earlier try came; the rows after it may lack columns, in that file.
    :param partition: the part whose rows alone are converted; ``None``: all.
    :param is_whole: whether all of the source will be read: then its files are looked at for the columns that
        the mapping names, as far as that is cheap.
    :param stop: ends what waits for CDF or for storage.
    :raises InvalidArgumentError: when the mapping names properties that the containers do not have, or
        columns that a file does not have, or does not go with the style of numbers of the source.
    """
    begun_file = None if resumed is None else resumed.file
    if spec is None:
        return _converter_of_records(client, verb, findings, partition, stop)
    schema = (findings or Findings()).schema
    where = source.where if isinstance(source, FileSource) else None

    def make(spec: MappingSpec) -> RowMapping | IdentityMapping:
        rows_of_part = None
        if partition is not None:
            rows_of_part = RowsOfPart(partition, MappedIdentities(spec, NAMES_IN_LINES), is_rejected_line)
        if verb.sends_identities:
            return IdentityMapping(spec, rows_of_part=rows_of_part, begun_file=begun_file, where=where)
        return RowMapping(spec, schema, rows_of_part=rows_of_part, begun_file=begun_file, where=where)

    def convert_in(style: NumberStyle) -> Convert:
        return with_number_style(make(spec.with_number_style(style)), style)

    style: NumberStyle | None = getattr(source, "number_style", None)
    mapping = make(spec if style is None else spec.with_number_style(style))
    if is_whole:
        star = mapping if isinstance(mapping, RowMapping) else None
        check_headers(source, mapping.check_columns, begun_file, stop, star=star)
    return UnwrapRejected(mapping, has_mapping=True, convert_in=convert_in, partition=partition)


def _converter_of_records(
    client: CdfClient,
    verb: Verb[Any],
    findings: Findings | None,
    partition: Partition | None,
    stop: threading.Event,
) -> Convert:
    if verb.sends_identities:
        # A line of a rejected-records file has an identity of its own, and is taken as it is.
        to_delete: Convert = records_to_delete
        if partition is not None:
            to_delete = of_part(to_delete, RowsOfPart(partition, identities_to_delete))
        return suggest_mapping(to_delete)
    shaped: Convert = ApiShaped()
    if findings is not None:
        containers = _Containers(client, findings, stop)
        shaped = ApiShaped(containers.problem_with, containers.value_check)
    if partition is not None:
        shaped = of_part(shaped, RowsOfPart(partition, identities_of_records, is_rejected_line))
    return UnwrapRejected(shaped, has_mapping=False, partition=partition)


class _Containers:
    """Looks at the containers that API-shaped records name, when the first record names them.

    :param findings: of the preflight checks, which have looked at those of the first rows where they could.
    """

    def __init__(self, client: CdfClient, findings: Findings, stop: threading.Event) -> None:
        self._client = client
        self._findings = findings
        self._stop = stop
        self._last = ContainerId("", ""), Schema()

    def problem_with(self, source: Container) -> str | None:
        """Return why a container cannot take records, as far as is known."""
        container = ContainerId(source.space, source.externalId)
        return self._schema_of(container).problem_with(container)

    def value_check(self, source: Container) -> SentProperties | None:
        """Return what checks the values of a container's properties; ``None`` where they are not known."""
        container = ContainerId(source.space, source.externalId)
        definitions = self._schema_of(container).properties(container)
        return None if definitions is None else SentProperties(container, definitions)

    def _schema_of(self, container: ContainerId) -> Schema:
        if container in self._findings.asked:
            return self._findings.schema
        if self._last[0] != container:  # it is asked for its problem, then for its check
            (schema,) = call_in_parallel(lambda: schema_of(self._client, [container]), stop=self._stop)
            self._last = container, cast("Schema", schema)
        return self._last[1]
