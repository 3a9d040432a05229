"""The form of a ``cdf`` connection, for Airflow before 3.2; later ones read ``get_provider_info``."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.version_compat import connection_form_widgets


def widgets() -> dict[str, Any]:
    """Return the form's widgets for the extras."""
    return connection_form_widgets(_connection_type()["conn-fields"])


def field_behaviour() -> dict[str, Any]:
    """Return labels and placeholders of the standard fields."""
    behaviour = _connection_type()["ui-field-behaviour"]
    return {name.replace("-", "_"): value for name, value in behaviour.items()}


def _connection_type() -> dict[str, Any]:
    (connection_type,) = get_provider_info()["connection-types"]
    found: dict[str, Any] = connection_type
    return found
