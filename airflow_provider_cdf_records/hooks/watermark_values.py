"""Watermarks as JSON, which people can read and change, and back, exactly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_provider_cdf_records.records.argument_kinds import number_of
from airflow_provider_cdf_records.records.identifiers import shortened

INTEGERS = range(-(2**63), 2**63)  # that pass through Airflow's parts as numbers
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "timestamp": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "integer": int,
    "bytes": bytes.fromhex,
}


class ColumnText(str):
    """A text just as a column of the database holds it, to be compared with that column."""

    __slots__ = ()


class FirstText(str):
    """A text given as the first watermark, which may be a number that a template made a text of."""

    __slots__ = ()

    def as_number(self) -> Any:
        """Return the number whose text this is, digit by digit, or the text."""
        number = number_of(self, float)
        return number if not isinstance(number, str) and str(number) == self else str(self)


def watermark_to_json(value: Any) -> Any:
    """Return a value of a watermark's column as plain JSON.

    Texts, numbers within 64 bits and floats are themselves; others are objects such as ``{"timestamp":
    "2026-01-02T03:04:05.678901+01:00"}``.
    """
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, int) and value not in INTEGERS:
        return {"integer": str(value)}
    return value


def watermark_from_json(kept: Any) -> Any:
    """Return the value that JSON stands for.

    :raises ValueError: when it stands for none.
    """
    if isinstance(kept, str | float) or type(kept) is int:
        return kept
    if isinstance(kept, dict) and len(kept) == 1:
        ((kind, text),) = kept.items()
        if kind in FROM_TEXT and isinstance(text, str):
            return FROM_TEXT[kind](_with_offset(text) if kind == "timestamp" else text)
    msg = f"not a watermark: {shortened(repr(kept))}"
    raise ValueError(msg)


def _with_offset(text: str) -> str:
    """Return a timestamp as Python 3.10 reads it, which does not know ``Z``."""
    return f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text
