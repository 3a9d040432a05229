"""Booleans."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from airflow_provider_cdf_records.mapping.types.json_texts import JsonTexts
from airflow_provider_cdf_records.mapping.types.property_type import (
    InvalidValueError,
    PropertyType,
    Types,
    as_json_type,
)
from airflow_provider_cdf_records.records.problems import listed

TRUE = ("true", "1", "yes", "t", "y", "on")
WRITTEN: dict[Any, str] = {True: "true", False: "false"}
FALSE = ("false", "0", "no", "f", "n", "off")


def boolean_type(true: Iterable[str] | None = None, false: Iterable[str] | None = None) -> PropertyType:
    """Return the type of booleans.

    :param true: the texts that mean it, as they stand; by default ``TRUE`` in lower, upper and title case.
    :param false: likewise.
    """
    given = {text.strip(): True for text in true or ()} | {text.strip(): False for text in false or ()}
    hint = f"the mapping lists {listed(given)}" if given else ""
    defaults = {} if true is not None else dict.fromkeys(TRUE, True)
    defaults |= {} if false is not None else dict.fromkeys(FALSE, False)
    meanings = {
        form: value for text, value in defaults.items() for form in (text, text.upper(), text.capitalize())
    } | given

    def convert(value: Any) -> bool:
        if isinstance(value, Decimal) and value in (0, 1):
            value = int(value)
        value = as_json_type(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # an integer that may be missing is a float in pandas
        text = str(value) if isinstance(value, int) else value
        if not isinstance(text, str) or text.strip() not in meanings:
            raise InvalidValueError(hint)
        return meanings[text.strip()]

    written_as = {text: WRITTEN[value] for text, value in meanings.items()}

    def write_all(values: list[Any], types: Types) -> JsonTexts | None:
        texts = WRITTEN if types == {bool} else written_as if types == {str} else {}
        try:
            return JsonTexts([texts[value] for value in values])
        except KeyError:
            return None

    return PropertyType("boolean", convert, write_all=write_all)
