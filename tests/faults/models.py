"""What each verb does to a stream, as a plain sequential model of the rows says."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.local_cdf import LocalCdf
from tests.sample_records import REFUSED_BY_CDF, SPACE, a_record

IDENTITIES = 40


class Model:
    """Rows of a seed, some of which the server refuses, and some our own checks.

    :ivar bad: the rows that may be rejected.
    :ivar surely_rejected: those that must be. The others may never get to the server, or count as accepted
        since an attempt without an answer may have stored them.
    """

    verb: str
    template = "BasicLiveData"

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.rows: list[dict[str, Any]] = []
        self.bad: set[int] = set()
        self.surely_rejected: set[int] = set()
        self.surely_rejected_in_one_try: set[int] = set()
        for number in range(self.draw.randrange(40, 140)):
            self.rows.append(self.add(f"r{self.draw.randrange(IDENTITIES)}", number))

    def add(self, name: str, number: int) -> dict[str, Any]:
        """Return the next row, and take note of what it does to the stream."""
        kind = self.draw.random()
        if kind < 0.03:
            return self.refused_by_server(name, number)
        if kind < 0.05:
            self.bad.add(number)
            self.surely_rejected.add(number)
            return {"space": SPACE, "externalId": "", "sources": []}
        return self.good(name, number)

    def refused_by_server(self, name: str, number: int) -> dict[str, Any]:
        self.bad.add(number)
        self.surely_rejected.add(number)
        return a_record(name, number=number, time=REFUSED_BY_CDF)

    def good(self, name: str, number: int) -> dict[str, Any]:
        raise NotImplementedError

    def prepare(self, cdf: LocalCdf, stream_id: str) -> None:
        """Put into the stream what is there before the load."""

    def check_stream(self, cdf: LocalCdf, stream_id: str) -> None:
        raise NotImplementedError

    def check_rejected(self, path: Path, first: int, *, in_one_try: bool = False) -> None:
        """Check that the rejected-records file holds the right rows, each once, counting from ``first``."""
        surely = self.surely_rejected | (self.surely_rejected_in_one_try if in_one_try else set())
        lines = path.read_text().splitlines() if path.exists() else []
        positions = [json.loads(line)["position"] - first for line in lines]
        assert len(positions) == len(set(positions))
        assert surely <= set(positions) <= self.bad


class Upserts(Model):
    """The last row of an identity that can be stored is what the stream holds."""

    verb = "upsert"

    def __init__(self, seed: int) -> None:
        self.expected: dict[str, Any] = {}
        self.poisoned: dict[str, set[int]] = {}
        super().__init__(seed)
        self.surely_rejected.update(*self.poisoned.values())

    def refused_by_server(self, name: str, number: int) -> dict[str, Any]:
        self.bad.add(number)
        self.poisoned.setdefault(name, set()).add(number)
        return a_record(name, number=number, time=REFUSED_BY_CDF)

    def good(self, name: str, number: int) -> dict[str, Any]:
        self.expected[name] = {"number": number}
        self.poisoned.pop(name, None)  # an earlier row that the server would refuse may never get there
        return a_record(name, number=number)

    def check_stream(self, cdf: LocalCdf, stream_id: str) -> None:
        assert cdf.held(stream_id) == self.expected


class Ingests(Model):
    """A mutable stream keeps what it has: the first row of an identity that can be stored."""

    verb = "ingest"

    def __init__(self, seed: int) -> None:
        names = [f"r{number}" for number in range(IDENTITIES)]
        self.seen: set[str] = set()
        self.before = set(random.Random(seed).sample(names, 5))
        self.expected: dict[str, Any] = {name: {"number": -1} for name in self.before}
        super().__init__(seed)

    def good(self, name: str, number: int) -> dict[str, Any]:
        if name in self.expected:
            self.bad.add(number)
        if name in self.seen:
            self.surely_rejected_in_one_try.add(number)  # another try cannot know which row was stored
        self.seen.add(name)
        self.expected.setdefault(name, {"number": number})
        return a_record(name, number=number)

    def prepare(self, cdf: LocalCdf, stream_id: str) -> None:
        cdf.upsert(stream_id, [a_record(name, number=-1) for name in sorted(self.before)])

    def check_stream(self, cdf: LocalCdf, stream_id: str) -> None:
        assert cdf.held(stream_id) == self.expected


class ArchivedIngests(Model):
    """An immutable stream takes each row that can be stored as a record of its own."""

    verb = "ingest"
    template = "BasicArchive"

    def __init__(self, seed: int) -> None:
        self.expected: Counter[tuple[str, int]] = Counter()
        super().__init__(seed)

    def good(self, name: str, number: int) -> dict[str, Any]:
        self.expected[name, number] += 1
        return a_record(name, number=number)

    def check_stream(self, cdf: LocalCdf, stream_id: str) -> None:
        found = [(name, properties["number"]) for name, properties in cdf.items(stream_id)]
        assert Counter(found) == self.expected


class Deletes(Model):
    """What is named is gone, and what is unknown is no error."""

    verb = "delete"
    THERE = frozenset(f"r{number}" for number in range(0, 2 * IDENTITIES, 2))

    def __init__(self, seed: int) -> None:
        self.deleted: set[str] = set()
        super().__init__(seed)

    def refused_by_server(self, name: str, number: int) -> dict[str, Any]:
        return self.good(name, number)  # there is nothing that only the server finds wrong with an identity

    def good(self, name: str, number: int) -> dict[str, Any]:
        self.deleted.add(name)
        return self.draw.choice([{"space": SPACE, "externalId": name}, a_record(name, number=number)])

    def prepare(self, cdf: LocalCdf, stream_id: str) -> None:
        cdf.upsert(
            stream_id, [a_record(f"r{number}", number=number) for number in range(0, 2 * IDENTITIES, 2)]
        )

    def check_stream(self, cdf: LocalCdf, stream_id: str) -> None:
        assert cdf.held(stream_id).keys() == self.THERE - self.deleted
