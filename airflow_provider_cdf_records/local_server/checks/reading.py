"""Small checks of JSON input: each returns the value with the type that it must have, or refuses it."""

from __future__ import annotations

import math
import re
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.errors import ApiError

_STREAM_ID = re.compile(facts.STREAM_ID)
_SPACE = re.compile(facts.SPACE)
_SCHEMA_ID = re.compile(facts.SCHEMA_ID)


def bad_request(message: str) -> ApiError:
    """Return the error for a request of the wrong shape."""
    return ApiError(400, message)


def an_object(value: object, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise bad_request(f"{where}: expected an object, got {kind(value)}.")


def a_list(value: object, where: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise bad_request(f"{where}: expected an array, got {kind(value)}.")


def a_string(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    raise bad_request(f"{where}: expected a string, got {kind(value)}.")


def an_integer(value: object, least: int, most: int, where: str) -> int:
    if type(value) is int and least <= value <= most:
        return value
    raise bad_request(f"{where}: expected an integer from {least} to {most}, got {value!r}.")


def a_number(value: object, where: str) -> float:
    """Return a number as a float, so that arithmetic with it cannot overflow."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise bad_request(f"{where}: expected a number, got {value!r}.")


def items_of(body: object, most: int = facts.MAX_ITEMS) -> list[dict[str, Any]]:
    """Return ``items`` of a request: 1 to ``most`` objects."""
    items = a_list(an_object(body, "body").get("items"), "items")
    if not 1 <= len(items) <= most:
        raise bad_request(f"items: expected 1 to {most} items, got {len(items)}.")
    return [an_object(item, f"items[{index}]") for index, item in enumerate(items)]


def a_limit(body: dict[str, Any]) -> int:
    return an_integer(body.get("limit", facts.DEFAULT_LIMIT), 1, facts.MAX_LIMIT, "limit")


def a_space(value: object, where: str) -> str:
    space = a_string(value, where)
    if not _SPACE.fullmatch(space):
        raise bad_request(f"{where}: {space!r} does not match {facts.SPACE}.")
    if space in facts.RESERVED_SPACES:
        raise bad_request(f"{where}: {space!r} is reserved.")
    return space


def a_schema_id(value: object, where: str) -> str:
    external_id = a_string(value, where)
    if not _SCHEMA_ID.fullmatch(external_id):
        raise bad_request(f"{where}: {external_id!r} does not match {facts.SCHEMA_ID}.")
    return external_id


def a_property_name(value: object, where: str) -> str:
    name = a_schema_id(value, where)
    if name in facts.RESERVED_PROPERTIES:
        raise bad_request(f"{where}: {name!r} is reserved.")
    return name


def a_record_id(value: object, where: str) -> str:
    external_id = a_string(value, where)
    if not 1 <= len(external_id) <= facts.MAX_EXTERNAL_ID or "\0" in external_id:
        raise bad_request(f"{where}: expected 1 to {facts.MAX_EXTERNAL_ID} characters, and no null byte.")
    return external_id


def a_stream_id(value: object, where: str) -> str:
    stream_id = a_string(value, where)
    reserved = stream_id in facts.RESERVED_STREAMS or stream_id.startswith(facts.RESERVED_STREAM_PREFIXES)
    if reserved or not _STREAM_ID.fullmatch(stream_id):
        raise bad_request(f"{where}: {stream_id!r} does not match {facts.STREAM_ID}, or is reserved.")
    return stream_id


def kind(value: object) -> str:
    """Name the JSON type of a value."""
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null")
