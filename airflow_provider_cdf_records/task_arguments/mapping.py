"""The argument ``mapping`` of operators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_cdf_records.records import argument_kinds as kinds


def mapping_or_path(name: str, value: Any) -> Any:
    """Read a mapping, or the path of a file that holds one, which is looked at when the task runs."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        return kinds.path(name, value)
    from airflow_provider_cdf_records.mapping.spec import read_mapping  # noqa: PLC0415 (heavy)

    read_mapping(value)
    return value
