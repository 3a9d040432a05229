"""Values that mean that there is none: texts that the mapping lists, NaN, and pandas' missing values."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType
from typing import Any

from airflow_provider_cdf_records.mapping.types.not_an_object import NotAnObject

NEVER_NAN = frozenset({str, int, bool, bytes, list, dict, tuple, NoneType})


def is_not_a_number(value: Any) -> bool:
    """Whether a value is NaN, NaT or ``pandas.NA``. The text ``NaN`` is a text like any other."""
    kind = type(value)
    if kind in NEVER_NAN:
        return False
    if kind is Decimal:
        return bool(value.is_nan())
    if kind.__name__ == "NAType":  # of pandas, which answers no comparison
        return True
    try:
        differs = value != value  # noqa: PLR0124 (only what is not a number differs from itself)
    except Exception:
        return False
    return type(differs).__name__ in {"bool", "bool_"} and bool(differs)  # else it is an array


class Missing:
    """Replaces the values of a column that mean that there is none by ``None``.

    :param null_values: texts that mean it.
    :param nan: whether NaN, NaT and ``pandas.NA`` mean it.
    """

    def __init__(self, null_values: frozenset[str] = frozenset(), *, nan: bool = False) -> None:
        self._texts = null_values
        self._nan = nan
        self._is_needed = nan or bool(null_values)

    def clean(self, values: list[Any]) -> list[Any]:
        """Return the values with ``None`` for those that are missing."""
        if not self._is_needed:
            return values
        types = set(map(type, values))
        texts = self._texts
        if texts and any(issubclass(kind, str) for kind in types):
            values = [None if isinstance(value, str) and value in texts else value for value in values]
        if texts and NotAnObject in types:
            values = [None if _is_no_object(value, texts) else value for value in values]
        if self._nan and not types <= NEVER_NAN:
            values = [None if is_not_a_number(value) else value for value in values]
        return values


def _is_no_object(value: Any, texts: frozenset[str]) -> bool:
    """Whether a path leads into a text that means that there is no object."""
    return type(value) is NotAnObject and isinstance(value.value, str) and value.value in texts


NOTHING_MISSING = Missing()
