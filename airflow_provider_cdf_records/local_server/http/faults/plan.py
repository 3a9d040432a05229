"""What happens to which request."""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace

from starlette.types import Receive

from airflow_provider_cdf_records.local_server.clock import Clock
from airflow_provider_cdf_records.local_server.http.bodies import replayed, whole_request
from airflow_provider_cdf_records.local_server.http.faults.kinds import (
    ALL,
    ELSEWHERE,
    PASSING,
    TOKEN_EXPIRED,
    Elsewhere,
)
from airflow_provider_cdf_records.local_server.settings import DEFAULT_FAULT_RATE

PROVEN = 4  # writes with a token before it may expire: then even parallel senders know that it was good
LOOK_EVERY = 0.01  # seconds between two looks whether a held request may continue


class FaultPlan:
    """Decide which request gets which fault: record writes, and other endpoints where it is asked for.

    :param rate: the share of record writes that get a fault.
    :param kinds: the faults of record writes, of the names in ``ALL``; by default those of ``PASSING``.
    :param slow: seconds until a slow answer comes.
    :param late: seconds until a late request is processed.
    :param retry_after: the value of ``Retry-After``.
    :param delay: seconds added to every record write.
    :param jitter: up to so many seconds more, at random, which changes the order of writes.
    :param elsewhere: faults of other endpoints: ``{"token": Elsewhere(["400", "401"], after=1, times=3)}``.
    :param clock_skew: seconds that the ``Date`` of all answers is ahead of the truth, or behind if negative.
    :param lifetime_skew: seconds that the ``expires_in`` of a token is longer than the truth, or shorter.
    :ivar writes: record writes so far.
    :ivar under_way: record writes without an answer yet.
    :ivar held: how many of them wait for :meth:`release`.
    :ivar injected: how often each fault happened; one elsewhere is named like ``"token: 400"``.
    :ivar requests: requests so far to each endpoint that ``elsewhere`` names.
    :ivar withheld: the addresses of clients whose slow answer has not come yet.
    :raises ValueError: an unknown kind or endpoint.
    """

    def __init__(
        self,
        seed: int,
        rate: float = DEFAULT_FAULT_RATE,
        *,
        kinds: Collection[str] = PASSING,
        slow: float = 5.0,
        late: float = 0.5,
        retry_after: float = 1,
        delay: float = 0.0,
        jitter: float = 0.0,
        elsewhere: Mapping[str, Elsewhere] | None = None,
        clock_skew: float = 0.0,
        lifetime_skew: float = 0.0,
    ) -> None:
        self.writes = self.under_way = self.held = 0
        self.injected: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.slow, self.late, self.retry_after = slow, late, retry_after
        self.clock_skew, self.lifetime_skew = clock_skew, lifetime_skew
        self.withheld: set[tuple[str, int]] = set()
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 (it must be repeatable)
        self._rate = rate
        self._kinds = {name: ALL[name] for name in _known(kinds, ALL)}
        self._delay, self._jitter = delay, jitter
        given = elsewhere or {}
        self._elsewhere = {
            endpoint: replace(given[endpoint], kinds=_known(given[endpoint].kinds, ELSEWHERE[endpoint]))
            for endpoint in _known(given, ELSEWHERE)
        }
        self._chances = {endpoint: random.Random(f"{seed} {endpoint}") for endpoint in self._elsewhere}  # noqa: S311
        self._held_after: float = math.inf
        self._used: Counter[str] = Counter()
        self._expired: set[str] = set()

    def hold(self, after: int) -> None:
        """Let ``after`` more record writes through; hold those that follow until :meth:`release`.

        A held write whose client disconnects is dropped, as if it had never been sent.
        """
        self._held_after = self.writes + after

    def release(self) -> None:
        """Let the held record writes continue."""
        self._held_after = math.inf

    async def hold_up(self, clock: Clock, receive: Receive) -> Receive | None:
        """Count a record write, delay or hold it, and return the ``receive`` to read it with.

        ``None`` when it was held and its client has disconnected.
        """
        self.writes += 1
        number = self.writes
        await clock.sleep(self._delay + self._random.uniform(0, self._jitter))
        if number <= self._held_after:
            return receive
        self.held += 1
        try:
            return await self._held(number, receive)
        finally:
            self.held -= 1

    async def _held(self, number: int, receive: Receive) -> Receive | None:
        body = await whole_request(receive)  # since a disconnect is reported only after it
        following = asyncio.ensure_future(receive())
        while number > self._held_after and not following.done():
            await asyncio.wait({following}, timeout=LOOK_EVERY)
        if following.done():
            return None
        return replayed(body, lambda: following)

    def next(self, token: str) -> str | None:
        """Return the fault of the next record write, if any."""
        if token in self._expired:
            return TOKEN_EXPIRED
        if self._random.random() >= self._rate:
            self._used[token] += 1
            return None
        fault = self._random.choices(list(self._kinds), [kind.weight for kind in self._kinds.values()])[0]
        if fault == TOKEN_EXPIRED:
            if self._used[token] < PROVEN:
                return None
            self._expired.add(token)
        return fault

    def next_elsewhere(self, endpoint: str) -> str | None:
        """Return the fault of the next request to another endpoint, if any."""
        faults = self._elsewhere.get(endpoint)
        if faults is None:
            return None
        self.requests[endpoint] += 1
        happened = sum(count for name, count in self.injected.items() if name.startswith(f"{endpoint}: "))
        if self.requests[endpoint] <= faults.after or happened >= faults.times:
            return None
        chance = self._chances[endpoint]
        return chance.choice(tuple(faults.kinds)) if chance.random() < faults.rate else None

    def count(self, fault: str) -> random.Random:
        """Count a fault that happens now, and return what decides its details."""
        self.injected[fault] += 1
        return random.Random(f"{self._seed} {self.injected.total()}")  # noqa: S311 (it must be repeatable)


def _known(names: Collection[str], known: Collection[str]) -> list[str]:
    """Return names of faults in the order of those that there are, which is always the same."""
    for name in names:
        if name not in known:
            msg = f"unknown fault {name!r}; there are: {', '.join(known)}"
            raise ValueError(msg)
    return [name for name in known if name in names]
