"""A value that is no object, where a path such as ``pump.id`` leads into it."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.identifiers import shortened


class NotAnObject:
    """Stands for the value of a path, so that its row is rejected.

    :ivar value: the value that is no object.
    :param field: the name of the field that it cannot have.
    """

    def __init__(self, value: Any, field: str) -> None:
        self.value = value
        self._field = field

    def __str__(self) -> str:
        return f"expected an object with {self._field!r}, got {shortened(display(self.value))}"
