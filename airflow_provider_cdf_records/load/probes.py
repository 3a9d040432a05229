"""Probes of what a load wrote: records by which a wait can tell that all of it can be queried.

CDF shows the records of a request some time after it has accepted them, and requests not always in the order
in which they came. So a load keeps for each request a few identities that no later request of it wrote again,
with a bound of CDF's time at which they were written.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from airflow_provider_cdf_records.records.chunk import Identity

MAX_REQUESTS = 100  # of which there are probes, and the most probes of a load
LAST_REQUESTS = 50  # each of these has probes; of those before, an even choice
PER_REQUEST = 10  # probes of one request at most
CANDIDATES = 50  # identities of a request that are kept, since later requests may write some of them again
RESOLUTION_MS = 1000  # of the Date header
SKEW_MS = 1000  # by how much the clocks of CDF's machines may differ
OWN_CLOCK_MARGIN_MS = 3_600_000  # by how much ours may be wrong, where CDF tells no time

Bound = Literal["since", "until"]


class WriteTime(NamedTuple):
    """Between which times of CDF's clock a request was carried out, in epoch milliseconds."""

    since: int
    until: int


TIME_UNKNOWN = WriteTime(0, 0)  # of records that an earlier attempt may have stored


def write_time(before: int | None, after: int | None, elapsed: float) -> WriteTime:
    """Return when a request was carried out.

    Only the length of the request is measured by this machine, whose clock may be wrong. Where CDF's answers
    had no ``Date``, its time of day is used after all, with an hour to either side.

    :param before: what CDF's clock had reached before the request was sent, as its answers told.
    :param after: the same once the answer was there.
    :param elapsed: seconds in between.
    """
    elapsed_ms = math.ceil(elapsed * 1000)
    if after is None:
        now = int(time.time() * 1000)
        return WriteTime(now - elapsed_ms - OWN_CLOCK_MARGIN_MS, now + OWN_CLOCK_MARGIN_MS)
    return WriteTime(max(before or 0, after - elapsed_ms) - SKEW_MS, after + RESOLUTION_MS + SKEW_MS)


@dataclass
class _Request:
    """A request that CDF accepted.

    :param candidates: identities that it wrote, and none after it; the best probes first.
    """

    number: int
    written: WriteTime
    candidates: list[Identity]


class Probes:
    """Collects probes while a load runs, in little memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[_Request] = []  # in the order in which they were accepted
        self._writers: dict[Identity, _Request] = {}  # of all candidates
        self._number = 0

    def add(self, identities: Collection[Identity], fresh: list[Identity], written: WriteTime) -> None:
        """Note a request that CDF accepted.

        :param identities: of its records; the last request that wrote one is the one that counts.
        :param fresh: some of them that the load did not write before: another version of such a record is
            not of this load.
        """
        with self._lock:
            self._forget_candidates(identities)
            self._number += 1
            self._keep(_Request(self._number, written, _candidates(identities, fresh)))
            if len(self._requests) > MAX_REQUESTS:
                self._leave_one_out()

    def as_list(self, bound: Bound) -> list[dict[str, Any]]:
        """Return the probes, those written first first, as plain JSON.

        :param bound: the time that comes with each: ``since`` where a version from then on shows that the
            request can be seen, ``until`` where one up to then shows that it cannot.
        """
        return [
            dict(zip(("space", "externalId"), identity.split("/", 1), strict=True))
            | {bound: getattr(WriteTime(since, until), bound)}
            for _, since, until, identities in self.as_kept()
            for identity in identities
        ]

    def as_kept(self) -> list[list[Any]]:
        """Return all of it as plain JSON, for another try of the load."""
        with self._lock:
            most = max(1, min(PER_REQUEST, MAX_REQUESTS // (len(self._requests) or 1)))
            return [
                [request.number, *request.written, request.candidates[:most]] for request in self._requests
            ]

    def restore(self, kept: object) -> bool:
        """Go on from what an earlier try kept; return whether that makes sense."""
        if not isinstance(kept, list) or not all(map(_is_request, kept)):
            return False
        with self._lock:
            for number, since, until, identities in kept:
                self._keep(_Request(number, WriteTime(since, until), list(identities)))
                self._number = max(self._number, number)
        return True

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._requests.clear()
            self._writers.clear()

    def _keep(self, request: _Request) -> None:
        self._requests.append(request)
        self._writers.update(dict.fromkeys(request.candidates, request))

    def _forget_candidates(self, identities: Collection[Identity]) -> None:
        """Forget the candidates that a later request has written."""
        if self._writers.keys().isdisjoint(identities):
            return
        for identity in identities:
            if request := self._writers.pop(identity, None):
                request.candidates.remove(identity)
        self._requests = [request for request in self._requests if request.candidates]

    def _leave_one_out(self) -> None:
        """Leave out the request before the last ones that leaves the smallest gap; the first one stays."""
        numbers = [request.number for request in self._requests]
        gaps = {at: numbers[at + 1] - numbers[at - 1] for at in range(1, len(numbers) - LAST_REQUESTS)}
        left_out = self._requests.pop(min(gaps, key=gaps.__getitem__))
        for identity in left_out.candidates:
            del self._writers[identity]


def _candidates(identities: Collection[Identity], fresh: list[Identity]) -> list[Identity]:
    """Return the fresh identities, and others from all over a request, each once."""
    several = list(identities)
    step = max(1, len(several) // CANDIDATES)
    return list(dict.fromkeys([*fresh, *several[::step]]))[:CANDIDATES]


def _is_request(kept: object) -> bool:
    if not isinstance(kept, list) or len(kept) != len(("number", *WriteTime._fields, "candidates")):
        return False
    *numbers, identities = kept
    return (
        all(type(number) is int for number in numbers)
        and isinstance(identities, list)
        and all(isinstance(identity, str) and "/" in identity for identity in identities)
    )
