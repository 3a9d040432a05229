"""Property types of containers: which JSON values each of them accepts."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timezone
from typing import Any

import msgspec

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.reading import a_string, bad_request, kind

Check = Callable[[Any], str | None]  # what is wrong with a value, if anything

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
EXTERNAL_ID_TYPES = frozenset({"timeseries", "file", "sequence"})


def compile_check(definition: dict[str, Any], where: str) -> Check:
    """Return the check of a property's ``type``, such as ``{"type": "text", "list": true}``."""
    name = a_string(definition.get("type"), f"{where}.type")
    if name not in CHECKS:
        raise bad_request(f"{where}.type: {name!r} is not one of {', '.join(CHECKS)}.")
    check = CHECKS[name](definition)
    if not definition.get("list"):
        return check
    most = facts.MAX_DIRECT_LIST if name == "direct" else facts.MAX_LIST
    return _list_of(check, definition.get("maxListSize") or most)


def instant(value: str) -> datetime | None:
    """Return the moment of a timestamp, read as UTC without an offset; ``None`` if it is not a timestamp."""
    if not TIMESTAMP.fullmatch(value):
        return None
    whole, offset = (value[:-1], "+00:00") if value.endswith("Z") else (value, "")
    if "." in whole:  # Python 3.10 needs three digits
        head, _, tail = whole.partition(".")
        digits = re.match(r"\d+", tail)
        fraction = digits.group() if digits else ""
        whole = f"{head}.{fraction.ljust(3, '0')}{tail[len(fraction) :]}"
    try:
        moment = datetime.fromisoformat(whole + offset)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _list_of(check: Check, most: int) -> Check:
    def check_list(value: Any) -> str | None:
        if not isinstance(value, list):
            return f"expected an array, got {kind(value)}"
        if len(value) > most:
            return f"an array of {len(value)} items is longer than {most}"
        for index, item in enumerate(value):
            if wrong := ("null is not allowed in an array" if item is None else check(item)):
                return f"[{index}]: {wrong}"
        return None

    return check_list


def _text(definition: dict[str, Any]) -> Check:
    most = min(definition.get("maxTextSize") or facts.MAX_TEXT_BYTES, facts.MAX_TEXT_BYTES)

    def check(value: Any) -> str | None:
        if type(value) is not str:
            return f"expected a string, got {kind(value)}"
        if len(value) * 4 > most and len(value.encode(errors="surrogatepass")) > most:
            return f"text of more than {most} bytes"
        return None

    return check


def _boolean(_: dict[str, Any]) -> Check:
    return lambda value: None if type(value) is bool else f"expected a boolean, got {kind(value)}"


def _integer(bits: int) -> Callable[[dict[str, Any]], Check]:
    lowest, highest = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def make(_: dict[str, Any]) -> Check:
        def check(value: Any) -> str | None:
            if type(value) is not int:
                return f"expected an integer, got {kind(value)}"
            return None if lowest <= value <= highest else f"{value} is out of the range of int{bits}"

        return check

    return make


def _float(bits: int) -> Callable[[dict[str, Any]], Check]:
    code = {32: "f", 64: "d"}[bits]

    def make(_: dict[str, Any]) -> Check:
        def check(value: Any) -> str | None:
            if type(value) is not float and type(value) is not int:
                return f"expected a number, got {kind(value)}"
            try:
                fits = math.isfinite(struct.unpack(code, struct.pack(code, value))[0])
            except (OverflowError, struct.error):
                fits = False
            return None if fits else f"{value} is out of the range of float{bits}"

        return check

    return make


def _timestamp(_: dict[str, Any]) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is str and instant(value):
            return None
        return f"expected a timestamp YYYY-MM-DDTHH:MM:SS[.millis][Z or offset], got {value!r}"

    return check


def _date(_: dict[str, Any]) -> Check:
    def check(value: Any) -> str | None:
        if type(value) is str and DATE.fullmatch(value):
            try:
                date.fromisoformat(value)
            except ValueError:
                pass
            else:
                return None
        return f"expected a date YYYY-MM-DD, got {value!r}"

    return check


def _json(_: dict[str, Any]) -> Check:
    def check(value: Any) -> str | None:
        size = len(msgspec.json.encode(value))
        return (
            None
            if size <= facts.MAX_JSON_BYTES
            else f"{size} bytes of JSON, and {facts.MAX_JSON_BYTES} are allowed"
        )

    return check


def _direct(_: dict[str, Any]) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, dict) or value.keys() != {"space", "externalId"}:
            return 'expected {"space", "externalId"}'
        good = all(isinstance(part, str) and part for part in value.values())
        return None if good else "space and externalId must be strings"

    return check


def _enum(definition: dict[str, Any]) -> Check:
    values = definition.get("values")
    if not isinstance(values, dict) or not values:
        raise bad_request("an enum type needs 'values'.")
    for name in values:
        a_string(name, "the values of an enum type")  # YAML takes an unquoted `on` for true
    keys = frozenset(values)
    expected = ", ".join(sorted(keys))

    def check(value: Any) -> str | None:
        return (
            None if isinstance(value, str) and value in keys else f"expected one of {expected}, got {value!r}"
        )

    return check


def _external_id(_: dict[str, Any]) -> Check:
    return lambda value: (
        None if isinstance(value, str) and value else f"expected an external id, got {kind(value)}"
    )


CHECKS: dict[str, Callable[[dict[str, Any]], Check]] = {
    "text": _text,
    "boolean": _boolean,
    "int32": _integer(32),
    "int64": _integer(64),
    "float32": _float(32),
    "float64": _float(64),
    "timestamp": _timestamp,
    "date": _date,
    "json": _json,
    "direct": _direct,
    "enum": _enum,
    **dict.fromkeys(sorted(EXTERNAL_ID_TYPES), _external_id),
}
