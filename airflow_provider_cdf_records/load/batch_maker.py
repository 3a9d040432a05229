"""Chunks of rows to batches, with the rejected rows counted and written down."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

from airflow_provider_cdf_records.load.batches import Batch, Batcher
from airflow_provider_cdf_records.load.guard import Guarded
from airflow_provider_cdf_records.load.tally import Tally
from airflow_provider_cdf_records.load.verbs import Repeats
from airflow_provider_cdf_records.records.chunk import Chunk, Convert, Mark, Records
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.rejected.lines import rejection_of

MarkedBatch = tuple[Batch, Mark | None]  # all rows before the mark are in this batch or in those before it


class BatchMaker:
    """Converts the rows of each chunk, and hands out batches as they become full.

    Once too many rows are rejected, it takes no more.

    :param convert: makes checked records of rows.
    :param tally: told of every row that was read, and of the rejected ones.
    :param where: a position of the source in words.
    :param repeats: what several rows of one identity mean.
    :param partition: the part whose rows alone ``convert`` takes; of those that the source cannot read, a row
        belongs to it by its position.
    :param on_read: called with the number of rows read so far by this try.
    """

    def __init__(
        self,
        convert: Convert,
        tally: Tally,
        where: Callable[[int], str],
        repeats: Repeats,
        *,
        partition: Partition | None = None,
        on_read: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._convert = Guarded(convert)
        self._tally = tally
        self._where = where
        self._partition = partition
        self._on_read = on_read
        self._read_before = tally.read  # by earlier tries
        self._batcher = Batcher(may_repeat=repeats is Repeats.ALL_COUNT)

    def __call__(self, chunk: Chunk) -> list[MarkedBatch]:
        """Return the batches that are full now."""
        tally = self._tally
        if tally.passed_max_rejected:
            tally.is_cut_short |= bool(chunk.rows or chunk.refusals)
            return []
        records = self._convert(chunk)
        tally.has_seen_rows |= bool(chunk.rows or chunk.refusals)
        unreadable = {refusal.position for refusal in chunk.refusals}
        size = chunk.size
        if self._partition is not None:
            records = _of_part(records, self._partition, unreadable)
            size = size * len(records.bodies) // max(1, len(chunk.rows))
        tally.read += len(records.bodies) + len(records.refusals)
        self._on_read(tally.read - self._read_before)
        for refusal in sorted(records.refusals, key=attrgetter("position")):
            position, row, message, identity = refusal
            rejection = rejection_of(self._where(position), position, row, message, identity=identity)
            tally.reject(rejection, is_unreadable=position in unreadable)
        return list(self._batcher.feed(records, chunk.end._replace(read=tally.read), size))

    def has_nothing(self, batches: list[MarkedBatch]) -> bool:
        """Whether the chunk of these batches had no rows that the load leaves out."""
        return not batches and not self._tally.is_cut_short

    def last(self) -> Batch | None:
        """Return the batch that is not full, if there is anything in it."""
        return self._batcher.flush()


def _of_part(records: Records, partition: Partition, unreadable: set[int]) -> Records:
    """Return records without the rows of other parts among those that the source could not read."""
    if not unreadable:
        return records
    refusals = [
        refusal
        for refusal in records.refusals
        if refusal.position not in unreadable or partition.holds(None, refusal.position)
    ]
    return records._replace(refusals=refusals)
