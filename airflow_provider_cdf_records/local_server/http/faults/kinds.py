"""The kinds of faults by name: how often each comes, and which requests can get it."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

TOKEN_EXPIRED = "token expired"  # noqa: S105 (a fault's name)
INGEST, UPSERT, DELETE = "/records", "/records/upsert", "/records/delete"  # how paths of record writes end
WRITES = (INGEST, UPSERT, DELETE)


@dataclass(frozen=True)
class Kind:
    """A kind of fault of record writes.

    :ivar weight: how often it comes, compared with the others.
    :ivar writes: the endings of the paths that it can happen to.
    :ivar least_items: a request of fewer items does not get it. An answer to a request of one record is about
        that record, so a client may take a final refusal for the record's own fault.
    """

    weight: int = 10
    writes: tuple[str, ...] = WRITES
    least_items: int = 0


PASSING = {
    "429": Kind(5),
    "429 with Retry-After": Kind(5),
    "500": Kind(),
    "502 with HTML": Kind(),
    "503": Kind(),
    "504 after storing": Kind(),
    TOKEN_EXPIRED: Kind(3),
    "auto-retryable 409": Kind(),
    "reset before storing": Kind(),
    "reset after storing": Kind(),
    "truncated answer": Kind(),
    "HTML with 200": Kind(),
    "slow answer": Kind(1),
    "late": Kind(),
}
"""Faults that pass when the request is sent again; until then it is stored as a whole or not at all."""

CONFLICTS = {
    "409 conflict": Kind(writes=(UPSERT, DELETE)),
    "409 conflict, partly stored": Kind(writes=(UPSERT, DELETE)),
}
PARTLY_STORED = {
    "500, partly stored": Kind(),
    "503, partly stored": Kind(),
    "422, partly stored": Kind(5, least_items=2),
    "422 of an internal error": Kind(5, least_items=2),
}
ODD_SUCCESSES = {
    "202 with empty chunks": Kind(5),
    "202 with null": Kind(5),
    "202 with HTML": Kind(5),
    "202 with text": Kind(5),
}
ALL = PASSING | CONFLICTS | PARTLY_STORED | ODD_SUCCESSES

PASSING_ELSEWHERE = ("429", "500", "503", "502 with HTML", "slow", "cut")
EMPTY_OBJECT = "empty object"
ELSEWHERE = {
    "token": (*("400", "401", "404", "409", "422"), EMPTY_OBJECT, *PASSING_ELSEWHERE),
    "inspect": (
        *("401", "403", "404"),
        EMPTY_OBJECT,
        "projects missing",
        "projects null",
        "projects empty",
        "projects as names",
        "capabilities missing",
        "capabilities null",
        "capabilities empty",
        "capabilities as names",
        "capabilities of null",
        "capabilities without projectScope",
        *PASSING_ELSEWHERE,
    ),
    "stream": ("401", "403", EMPTY_OBJECT, *PASSING_ELSEWHERE),
    "containers": ("401", "403", EMPTY_OBJECT, "no items", *PASSING_ELSEWHERE),
}
"""The endpoints besides record writes that can have faults, and the kinds that each knows:
``POST /oauth2/token``, ``GET /token/inspect``, ``GET /streams/{id}``, ``POST /models/containers/byids``."""


@dataclass(frozen=True)
class Elsewhere:
    """Faults of one endpoint that does not write records.

    :param kinds: what can happen, of the names in :data:`ELSEWHERE`; one of them is drawn for each fault.
    :param after: so many requests are answered as they should be before the first fault.
    :param times: so many faults happen, and then no more; for good by default.
    :param rate: the share of requests that get a fault, between the first and the last.
    """

    kinds: Collection[str]
    after: int = 0
    times: float = math.inf
    rate: float = 1.0
