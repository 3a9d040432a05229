"""Chooses the converter that makes records of the rows of a load."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from airflow_provider_cdf_records.client import CdfClient
from airflow_provider_cdf_records.load.parallel import call_in_parallel
from airflow_provider_cdf_records.load.preflight import Findings, schema_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.mapping import ContainerId, IdentityMapping, MappingSpec, RowMapping, Schema
from airflow_provider_cdf_records.records.api_shaped import ApiShaped, Container
from airflow_provider_cdf_records.records.chunk import Convert, NumberStyle, with_number_style
from airflow_provider_cdf_records.records.deletions import records_to_delete
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected, suggest_mapping

MakeConverter = Callable[..., Convert]  # of a mapping, given whether to check the columns


def converter_for(
    client: CdfClient,
    verb: Verb[Any],
    spec: MappingSpec | None,
    findings: Findings | None,
    *,
    check_columns: bool,
    stop: threading.Event,
    number_style: NumberStyle | None = None,
) -> Convert:
    """Return a converter of rows to checked records, which also takes rows that an earlier load rejected.

    :param spec: the mapping; ``None`` when the rows are API-shaped records.
    :param findings: the result of the preflight checks; ``None`` when they are switched off.
    :param check_columns: whether the first rows must have the columns that the mapping names.
    :param stop: ends a request for a container that waits for an answer.
    :param number_style: how the numbers in the texts of the source are written, where it says so.
    :raises InvalidArgumentError: when the mapping names properties that the containers do not have, or does
        not go with the style of numbers.
    """
    if verb.sends_identities:
        if spec is None:
            # A line of a rejected-records file has an identity of its own, and is taken as it is.
            return suggest_mapping(records_to_delete)
        return _converter_of_rows(IdentityMapping, spec, number_style, check_columns=check_columns)
    if spec is None:
        shaped = ApiShaped()
        if findings is not None:
            shaped = ApiShaped(lambda source: _problem_with(client, source, stop))
        return UnwrapRejected(shaped, has_mapping=False)
    schema = (findings or Findings()).schema

    def make_records(spec: MappingSpec, *, check_columns: bool) -> Convert:
        return RowMapping(spec, schema, check_columns=check_columns)

    return _converter_of_rows(make_records, spec, number_style, check_columns=check_columns)


def _converter_of_rows(
    make: MakeConverter, spec: MappingSpec, style: NumberStyle | None, *, check_columns: bool
) -> Convert:
    """Return a converter of rows, each of which is read in the style of the file that it comes from."""

    def convert_in(style: NumberStyle, *, check_columns: bool = False) -> Convert:
        return with_number_style(make(spec.with_number_style(style), check_columns=check_columns), style)

    if style is None:
        convert = make(spec, check_columns=check_columns)
    else:
        convert = convert_in(style, check_columns=check_columns)
    return UnwrapRejected(convert, has_mapping=True, convert_in=convert_in)


def _problem_with(client: CdfClient, source: Container, stop: threading.Event) -> str | None:
    container = ContainerId(source.space, source.externalId)
    (schema,) = call_in_parallel(lambda: schema_of(client, [container]), stop=stop)
    return cast("Schema", schema).problem_with(container)
