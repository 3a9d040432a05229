"""Converts rows as a load does, without a client."""

from __future__ import annotations

import threading
from typing import Any, cast

from airflow_provider_cdf_records.load.converter import converter_for
from airflow_provider_cdf_records.load.preflight import Findings
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.mapping import MappingSpec, Schema
from airflow_provider_cdf_records.records.chunk import Convert
from airflow_provider_cdf_records.sources import FileSource


def converter(spec: MappingSpec, schema: Schema, source: FileSource, *, is_whole: bool) -> Convert:
    """Return what makes records of the rows of a source.

    :param is_whole: whether all of it will be read: then its headers are looked at beforehand.
    :raises InvalidArgumentError: when the mapping does not fit the containers, or the columns.
    """
    no_client = cast("Any", None)  # only rows without a mapping need one
    return converter_for(
        no_client,
        UPSERT,
        spec,
        Findings(schema=schema),
        source=source,
        resumed=None,
        is_whole=is_whole,
        stop=threading.Event(),
    )
