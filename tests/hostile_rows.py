"""Rows of objects whose classes fail in every way that a class can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.sample_records import CONTAINER, SPACE, a_record


class HostileError(Exception):
    """What a hostile class raises."""


def fail(*_: Any, **__: Any) -> Any:
    msg = "no"
    raise HostileError(msg)


class FailsToShow:
    __repr__ = __str__ = fail


class FailsToCompare:
    __eq__ = fail
    __hash__ = fail


class FailsToTellItsClass:
    __class__ = property(fail)  # type: ignore[assignment]


class SaysItIsADict:
    __class__ = dict  # type: ignore[assignment]


class FailsToIterate:
    __iter__ = fail


class GetFails(dict[str, Any]):
    get = fail


class EverythingFails(dict[str, Any]):
    get = keys = items = values = __getitem__ = __iter__ = __contains__ = __len__ = fail
    __repr__ = __str__ = __eq__ = __bool__ = __reduce__ = __copy__ = fail


class FailingText(str):
    encode = __str__ = __format__ = __eq__ = __len__ = isascii = strip = fail
    __hash__ = str.__hash__


class FailingNumber(float):
    __float__ = __int__ = __repr__ = __eq__ = is_integer = fail
    __hash__ = float.__hash__


class FailingBytes(bytes):
    decode = __len__ = __getitem__ = fail


class FailingErrorText(Exception):
    __str__ = __repr__ = fail


def raises_what_cannot_be_shown(*_: Any) -> Iterator[Any]:
    raise FailingErrorText


class FailsWithoutWords(dict[str, Any]):
    get = keys = items = raises_what_cannot_be_shown


def endless() -> dict[str, Any]:
    row = a_record("endless")
    row["sources"][0]["properties"]["value"] = row
    return row


def deep() -> dict[str, Any]:
    inner: Any = 1
    for _ in range(100_000):
        inner = [inner]
    return a_record("deep", value=inner)


def with_identity(external_id: Any) -> dict[str, Any]:
    source = {"type": "container", "space": SPACE, "externalId": CONTAINER}
    return {
        "space": SPACE,
        "externalId": external_id,
        "sources": [{"source": source, "properties": {"value": 1.5}}],
    }


HOSTILE: dict[str, Callable[[], Any]] = {
    "fails to show": FailsToShow,
    "fails to compare": FailsToCompare,
    "fails to tell its class": FailsToTellItsClass,
    "says it is a dict": SaysItIsADict,
    "fails to iterate": FailsToIterate,
    "get fails": lambda: GetFails(a_record()),
    "everything fails": lambda: EverythingFails(a_record()),
    "fails without words": lambda: FailsWithoutWords(a_record()),
    "endless": endless,
    "deep": deep,
    "no key": lambda: {None: 1},
    "bytes": lambda: FailingBytes(b"{}"),
    "a number of a kind": lambda: FailingNumber(1),
    **{
        f"a value that {kind.__name__}": lambda kind=kind: a_record(value=kind())
        for kind in (FailsToShow, FailsToCompare, FailsToTellItsClass, SaysItIsADict, FailsToIterate)
    },
    "a failing text as its id": lambda: with_identity(FailingText("a")),
    "a failing text as a value": lambda: a_record(text=FailingText("a")),
    "a failing dict inside": lambda: a_record(value=EverythingFails(a=1)),
}
