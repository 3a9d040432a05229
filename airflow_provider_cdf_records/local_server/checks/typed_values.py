"""Property types of containers as types that msgspec checks while it decodes.

None of them takes a value that the checks in ``values`` refuse. They refuse some that those take, such as
integers of more than 64 bits for a float: what is refused here is checked there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.values import EXTERNAL_ID_TYPES

_DAY = (  # of years that datetime knows in every time zone
    r"(?!9999)(?:[1-9]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    r"|[1-9]\d(?:0[48]|[2468][048]|[13579][26])-02-29)"
)
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?"
_LARGEST_FLOAT32 = 3.4e38  # and a little more, which the exact check takes


class TypedValue(msgspec.Struct, frozen=True):
    """The type of a property's values.

    :ivar enough: whether a value of the type needs no other check.
    """

    type: Any
    enough: bool = True


class _Direct(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    externalId: Annotated[str, Meta(min_length=1)]
    space: Annotated[str, Meta(min_length=1)]


def type_of(definition: dict[str, Any]) -> TypedValue:
    """Return the type of values of a property's ``type``, such as ``{"type": "text", "list": true}``."""
    name = definition["type"]
    item = TYPES[name](definition)
    if not definition.get("list"):
        return item
    most = definition.get("maxListSize") or (facts.MAX_DIRECT_LIST if name == "direct" else facts.MAX_LIST)
    return TypedValue(Annotated[list[item.type], Meta(max_length=most)], item.enough)  # type: ignore[name-defined]


def optional(of: Any) -> Any:
    """Return the type of a property that may be null or missing."""
    return Union[of, None, msgspec.UnsetType]  # noqa: UP007 (not all of these types have an ``|``)


def _text(definition: dict[str, Any]) -> TypedValue:
    most = min(definition.get("maxTextSize") or facts.MAX_TEXT_BYTES, facts.MAX_TEXT_BYTES)
    if most == facts.MAX_TEXT_BYTES:  # a character has up to four bytes
        return TypedValue(Annotated[str, Meta(max_length=most // 4)])
    return TypedValue(Annotated[str, Meta(max_length=most)], enough=False)


def _integer(bits: int) -> Any:
    return Annotated[int, Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


def _number(real: Any) -> Any:
    return Union[_integer(64), real]  # noqa: UP007 (an integer stays one, as it is stored)


def _matching(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A{pattern}\Z".replace(r"\d", "[0-9]"))]


def _always(type_: Any, *, enough: bool = True) -> Callable[[dict[str, Any]], TypedValue]:
    return lambda _: TypedValue(type_, enough)


TYPES: dict[str, Callable[[dict[str, Any]], TypedValue]] = {
    "text": _text,
    "boolean": _always(bool),
    "int32": _always(_integer(32)),
    "int64": _always(_integer(64)),
    "float32": _always(_number(Annotated[float, Meta(ge=-_LARGEST_FLOAT32, le=_LARGEST_FLOAT32)])),
    "float64": _always(_number(float)),
    "timestamp": _always(_matching(f"{_DAY}T{_TIME}")),
    "date": _always(_matching(_DAY)),
    "json": _always(Any, enough=False),
    "direct": _always(_Direct),
    "enum": lambda definition: TypedValue(Literal[tuple(definition["values"])]),
    **dict.fromkeys(sorted(EXTERNAL_ID_TYPES), _always(Annotated[str, Meta(min_length=1)])),
}
