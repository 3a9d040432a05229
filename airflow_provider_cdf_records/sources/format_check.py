"""Checks the arguments of a file's format before there is a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.sources.compression import without_compression
from airflow_provider_cdf_records.sources.formats import format_named, format_of, names_of_all_options
from airflow_provider_cdf_records.sources.slices import without_slice


def check_format(path: str, file_format: str | None, file_options: Mapping[str, Any] | None) -> None:
    """Refuse a format that there is not, and options that a format does not have.

    What only the file itself can tell is left to the load: whatever its name, it may hold rejected records,
    to which the options of the file that they come from do not apply.

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
    if found is None:
        return
    given = file_options or {}
    if named is None:
        of_others = names_of_all_options() - set(found.option_names)
        given = {name: value for name, value in given.items() if name not in of_others}
    found.options_of(given)
