"""Text, and the keys of an enum."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from types import NoneType
from typing import Any

from airflow_provider_cdf_records.mapping.types.json_texts import JsonTexts, written, written_texts
from airflow_provider_cdf_records.mapping.types.property_type import (
    JSON_TYPES,
    InvalidValueError,
    Problems,
    PropertyType,
    Types,
)
from airflow_provider_cdf_records.records.json_types import shortest_decimal, to_exact_json_type
from airflow_provider_cdf_records.records.problems import listed

MAX_TEXT_BYTES = 128_000
MAX_BYTES_PER_CHARACTER = 4  # of UTF-8


def text_type(definition: Mapping[str, Any]) -> PropertyType:
    """Return the type of texts up to the size in the definition."""
    max_bytes = max_text_bytes(definition)

    def convert(value: Any) -> str:
        text = as_text(value)
        if len(text) * MAX_BYTES_PER_CHARACTER > max_bytes and len(text.encode()) > max_bytes:
            msg = f"must be at most {max_bytes:,} bytes of UTF-8, got {len(text.encode()):,}"
            raise InvalidValueError(msg)
        return text

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        texts = texts_or_none(values, types)
        if texts is None or len("".join(texts)) * MAX_BYTES_PER_CHARACTER <= max_bytes:
            return texts  # all together are short enough, which is faster to see than the longest
        return texts if max(map(len, texts)) * MAX_BYTES_PER_CHARACTER <= max_bytes else None

    def write_all(values: list[Any], types: Types) -> JsonTexts | None:
        if types == {str}:
            joined = "".join(values)
            if len(joined) * MAX_BYTES_PER_CHARACTER <= max_bytes:
                return written_texts(values, joined)
        texts = convert_all(values, types)
        return None if texts is None else written(texts)

    return PropertyType("text", convert, convert_all, write_all=write_all)


def max_text_bytes(definition: Mapping[str, Any]) -> int:
    """Return how many bytes of UTF-8 a text may have."""
    return int(min(definition.get("maxTextSize") or MAX_TEXT_BYTES, MAX_TEXT_BYTES))


def enum_type(definition: Mapping[str, Any]) -> PropertyType:
    """Return the type of the keys that the definition lists; any text where it lists none."""
    keys = frozenset(definition.get("values") or ())
    if not keys:
        return TEXT_OF_ANY_SIZE

    def convert(value: Any) -> str:
        text = as_text(value)
        if text not in keys:
            raise InvalidValueError
        return text

    def convert_all(values: list[Any], types: Types) -> list[Any] | None:
        return values if types <= {str} and keys.issuperset(values) else None

    return PropertyType(f"one of {listed(sorted(keys), str)}", convert, convert_all)


def as_text(value: Any) -> str:
    """Return a text, a number, a truth value or a point in time as text with all its digits.

    A number never gets an exponent unless it has hundreds of digits. A float that is whole becomes the text
    of the integer, since that is what an integer is read as where values are missing: 101.0 becomes ``101``.
    A ``Decimal``, as which JSON's numbers and those of databases come, keeps the digits that are written
    there: 101.0 becomes ``101.0``.
    """
    while type(value) not in JSON_TYPES:  # a numpy value becomes a Python value first
        value = to_exact_json_type(value)
    if isinstance(value, str):
        value.encode()  # fails for half of a surrogate pair
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and isfinite(value):
        return str(to_exact_json_type(shortest_decimal(value)))
    raise InvalidValueError


def texts_or_none(values: list[Any], types: Types) -> list[Any] | None:
    """Return values as texts if all of them are integers, or texts that can be encoded."""
    try:
        if types <= {int}:
            return list(map(str, values))
        if types <= {str}:
            "".join(values).encode()
            return values
    except ValueError:  # half of a surrogate pair, or an integer of too many digits
        pass
    return None


TEXT_OF_ANY_SIZE = PropertyType("text", as_text, texts_or_none)


def as_texts(values: list[Any]) -> tuple[list[str], Problems]:
    """Return a column as texts for an identifier, where ``None`` is a problem too."""
    texts, problems = TEXT_OF_ANY_SIZE.column(values)
    if NoneType in set(map(type, texts)):
        problems |= {index: "is empty" for index, value in enumerate(values) if value is None}
        texts = [text or "" for text in texts]
    return texts, problems
