"""Groups records into batches: at most 1000 records and 10 MB a request."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate

from airflow_provider_cdf_records.records.chunk import Identity, Mark, Records, Row
from airflow_provider_cdf_records.records.request import (
    MAX_REQUEST_BYTES,
    REQUEST_END,
    REQUEST_START,
    request_body,
)

MAX_RECORDS = 1000
MAX_BYTES_HELD = 10_000_000  # of rows as they were read, whose columns may be in no record
MAX_HELD = 10 * MAX_RECORDS  # rows of a batch in memory, with the earlier ones of each identity


class Batch:
    """Rows of one request, and of those after it that send other rows of the same identities.

    The earlier rows are kept until the batch is settled: when CDF refuses the last row of an identity, the
    one before can take its place.

    :param may_repeat: whether one request may hold an identity several times.
    :ivar latest: the index of each identity's last row in the lists.
    :ivar earlier: the indexes of each identity's rows before that one.
    :ivar bytes_held: what the rows take in memory, as far as their sources know.
    """

    def __init__(self, *, may_repeat: bool = False) -> None:
        self._may_repeat = may_repeat
        self._request: bytes | None = None
        self.positions: Sequence[int] = ()
        self.bodies: Sequence[bytes] = ()
        self.identities: Sequence[Identity] = ()
        self.rows: Sequence[Row] = ()
        self.latest: dict[Identity, int] = {}
        self.earlier: dict[Identity, list[int]] = {}
        self.bytes_held = 0
        self._bytes = len(REQUEST_START) + len(REQUEST_END) - 1  # one comma less than there are records

    def __len__(self) -> int:
        return len(self.bodies)

    @property
    def exclusive_identities(self) -> Collection[Identity]:
        """The identities that no other batch under way may hold."""
        return () if self._may_repeat else self.latest.keys()

    def turns(self) -> list[list[int]]:
        """Return the first row of each identity, then the second row of each that has one, and so on."""
        if not self.earlier:
            return [list(range(len(self)))]
        turns: list[list[int]] = []
        for identity, last in self.latest.items():
            for turn, row in enumerate([*self.earlier.get(identity, ()), last]):
                if turn == len(turns):
                    turns.append([])
                turns[turn].append(row)
        return turns

    def identities_of(self, rows: list[int]) -> Sequence[Identity]:
        """Return the identities of some rows of the batch."""
        return self.identities if len(rows) == len(self) else [self.identities[row] for row in rows]

    def body_of(self, rows: list[int]) -> bytes:
        """Return the body of a request with some rows of the batch."""
        if self._request is not None and len(rows) == len(self):
            return self._request
        return request_body([self.bodies[row] for row in rows])

    def take(self, records: Records, start: int) -> int:
        """Take records from ``start`` on, and return how many. An empty batch takes at least one."""
        taken = 0
        while start + taken < len(records.bodies):
            fitting, size = self._fitting(records, start + taken)
            if not fitting:
                break
            self._add(records, start + taken, start + taken + fitting, size)
            taken += fitting
        return taken

    def _fitting(self, records: Records, start: int) -> tuple[int, int]:
        """Return how many records fit for certain, and their size; where identities repeat, more may fit."""
        if self._may_repeat:
            room = MAX_RECORDS - len(self)
        else:
            room = min(MAX_RECORDS - len(self.latest), MAX_HELD - len(self))
        if room <= 0 and not self._may_repeat:
            is_later_row = len(self) < MAX_HELD and records.identities[start] in self.latest
            if not is_later_row:
                return 0, 0
            room = 1
        left = MAX_REQUEST_BYTES - self._bytes
        count = len(records.bodies)
        if records.request is not None and not start and count <= room:
            size = len(records.request) - len(REQUEST_START) - len(REQUEST_END) + 1
            if size <= left:
                return count, size
        bodies = records.bodies[start : start + room]
        size = sum(map(len, bodies)) + len(bodies)
        if size <= left:
            return len(bodies), size
        sizes = [*accumulate(len(body) + 1 for body in bodies)]
        fitting = bisect_right(sizes, left) or (0 if len(self) else 1)
        return fitting, sizes[fitting - 1] if fitting else 0

    def _add(self, records: Records, start: int, end: int, size: int) -> None:
        at = len(self)
        identities = records.identities[start:end]
        if not at and end - start == len(records.bodies):  # the usual case, in which nothing is copied
            self.positions, self.bodies, self.rows = records.positions, records.bodies, records.rows
            self.identities, self._request = identities, records.request
        else:
            self.positions = [*self.positions, *records.positions[start:end]]
            self.bodies = [*self.bodies, *records.bodies[start:end]]
            self.rows = [*self.rows, *records.rows[start:end]]
            self.identities = [*self.identities, *identities]
            self._request = None
        self._bytes += size
        latest = dict(zip(identities, range(at, at + len(identities)), strict=True))
        if len(latest) < len(identities) or not self.latest.keys().isdisjoint(latest):
            for index, identity in enumerate(identities, start=at):
                before = self.latest.get(identity)
                if before is not None:
                    self.earlier.setdefault(identity, []).append(before)
                self.latest[identity] = index
        elif self.latest:
            self.latest.update(latest)
        else:
            self.latest = latest


class Batcher:
    """Turns chunks of records into full batches, in the order of the source.

    :param may_repeat: whether one request may hold an identity several times.
    """

    def __init__(self, *, may_repeat: bool = False) -> None:
        self._may_repeat = may_repeat
        self._batch = self._new_batch()
        self._end: Mark | None = None

    def feed(self, records: Records, end: Mark, size: int = 0) -> Iterator[tuple[Batch, Mark | None]]:
        """Add records, and yield the batches that are full.

        Each comes with a mark (an ``end`` of an earlier call): all rows before it are in that batch or in
        batches before it.

        :param size: bytes that the rows of the records take in memory.
        """
        start, count = 0, len(records.bodies)
        if self._batch.bytes_held and self._batch.bytes_held + size > MAX_BYTES_HELD:
            yield self._batch, self._end
            self._batch = self._new_batch()
        while start < count:
            taken = self._batch.take(records, start)
            self._batch.bytes_held += size * taken // count
            start += taken
            if start < count:
                yield self._batch, self._end
                self._batch = self._new_batch()
        self._end = end

    def flush(self) -> Batch | None:
        """Return the last batch; ``None`` if it is empty."""
        batch, self._batch = self._batch, self._new_batch()
        return batch if len(batch) else None

    def _new_batch(self) -> Batch:
        return Batch(may_repeat=self._may_repeat)
