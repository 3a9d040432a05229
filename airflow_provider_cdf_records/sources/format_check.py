"""Checks the arguments of a file's format before there is a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.sources.compression import without_compression
from airflow_provider_cdf_records.sources.formats import format_named, format_of
from airflow_provider_cdf_records.sources.slices import without_slice


def check_format(path: str, file_format: str | None, file_options: Mapping[str, Any] | None) -> None:
    """Refuse a format that there is not, and options that a format does not have.

    :param path: may hold templates; the format is that of its suffix, as far as it has one.
    :raises InvalidArgumentError: naming the format or the option.
    """
    if file_options is not None and not isinstance(file_options, Mapping):
        msg = f"file_options must be a dict, got {file_options!r}."
        raise InvalidArgumentError(msg)
    try:
        named = None if file_format is None else format_named(file_format)
    except SourceError as error:
        raise InvalidArgumentError(str(error)) from None
    found = named or format_of(without_compression(without_slice(path)))
    if found is not None:
        found.options_of(file_options or {})
