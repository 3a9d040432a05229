"""A query whose rows are all fetched to a file first, and loaded from there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import IO, Any
from uuid import uuid4

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.errors import LoadStoppedError
from airflow_provider_cdf_records.sources.highest import WatchedQuery
from airflow_provider_cdf_records.sources.queries import QuerySource
from airflow_provider_cdf_records.sources.source import START, open_chunks
from airflow_provider_cdf_records.sources.spool.frames import (
    Beginning,
    DamagedSpoolError,
    SpoolReader,
    SpoolWriter,
)
from airflow_provider_cdf_records.sources.spool.places import SpoolPlace

log = logging.getLogger(__name__)

MEGABYTE = 1_000_000


class SpooledQuery:
    """The rows of a query, by way of a spool, from which the next try goes on.

    The connection to the database is closed before the first row is loaded. A spool that an earlier try has
    finished is taken instead of the query.

    :param place: where the spool is kept; the same for all tries of one load, and for no other.
    :param log: a logger for what is fetched.
    :param is_found_again: whether another try may look at the place; else nothing stays there.
    """

    def __init__(
        self,
        query: QuerySource | WatchedQuery,
        place: SpoolPlace,
        log: Any = log,
        *,
        is_found_again: bool = True,
    ) -> None:
        self._query = query
        self._place = place
        self._log = log
        self._is_found_again = is_found_again
        self._limit: int | None = None
        self._after = START
        self._id = ""
        self._file: IO[bytes] | None = None
        self._reader: SpoolReader | None = None
        self._writer: SpoolWriter | None = None
        self._started = time.monotonic()
        self._is_stopped = threading.Event()
        self.where = query.where

    def fingerprint(self) -> dict[str, Any]:
        """Return what differs for any other spool, also one of the same query."""
        if not self._id:
            self._open()
            if self._reader is not None:
                self._id = self._reader.beginning.id
                self._log.info(
                    "Going on with the %s rows of the query that an earlier try fetched to %s at %s.",
                    f"{self._reader.end.rows:,}",
                    self._place,
                    self._reader.beginning.time,
                )
            self._close()
        self._id = self._id or uuid4().hex
        return {"spool": self._id}

    def resume_after(self, mark: Mark) -> None:
        """Leave out all before a mark."""
        self._after = mark

    def limit_rows(self, limit: int) -> None:
        """Fetch no more than the first rows."""
        self._limit = limit

    def share(self) -> float | None:
        reader = self._reader
        return min(1.0, reader.offset / reader.size) if reader else None

    def cancel(self) -> None:
        self._is_stopped.set()
        self._query.cancel()

    def progress(self) -> str | None:
        """Return how far the spool is in words; ``None`` when no rows are fetched."""
        writer = self._writer
        if writer is None or self._reader is not None:
            return None
        rate = writer.rows / max(time.monotonic() - self._started, 0.001)
        return f"{writer.rows:,} rows fetched to {self._place} ({_size(writer.size)}); {rate:,.0f} rows/s."

    def __iter__(self) -> Iterator[Chunk]:
        self.fingerprint()
        try:
            self._open()
            if self._reader is None and self._after == START:
                yield from self._fetched()
            reader = self._whole()
            if isinstance(self._query, WatchedQuery):
                highest = self._query.highest
                highest.value, highest.without = reader.end.notes
            for chunk in reader.chunks(self._after):
                if self._is_stopped.is_set():
                    raise LoadStoppedError
                yield chunk
        except DamagedSpoolError:
            self.discard()
            raise
        finally:
            self._close()
            if not self._is_found_again:
                self.discard()

    def loaded(self) -> None:
        """Note that all rows are loaded: the spool is removed."""
        if isinstance(self._query, WatchedQuery):
            self._query.loaded()
        self.discard()

    def discard(self) -> None:
        """Remove the spool, since no try will go on with it."""
        try:
            self._place.remove()
        except Exception as error:
            self._log.warning("The spool %s could not be removed: %s", self._place, error)

    def _whole(self) -> SpoolReader:
        if self._reader is None or self._reader.beginning.id != self._id:
            msg = f"{self._place} was removed or replaced by another load meanwhile; fetch the rows anew."
            raise DamagedSpoolError(msg)
        return self._reader

    def _open(self) -> None:
        """Open the spool that is there, unless there is none that is whole."""
        self._file = self._place.open()
        if self._file is None:
            return
        try:
            self._reader = SpoolReader(self._file, str(self._place))
        except DamagedSpoolError:
            self._log.warning(
                "%s was not finished by an earlier try; the rows are fetched anew.", self._place
            )
            self._close()

    def _fetched(self) -> Iterator[Chunk]:
        """Fetch all rows; yield the columns alone, so that they are checked before that."""
        self._started = time.monotonic()
        with open_chunks(self._query) as chunks:
            first = next(chunks, None)
            if first is not None and first.columns is not None:
                yield Chunk([], [], Mark(0), first.columns)
            self._write(first, chunks)
        self._open()

    def _write(self, first: Chunk | None, chunks: Iterator[Chunk]) -> None:
        columns = () if first is None or first.columns is None else first.columns
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        with self._place.writing() as file:
            writer = self._writer = SpoolWriter(file, Beginning(self._id, now, columns))
            chunk = first
            while chunk is not None and not self._is_full(writer):
                if self._is_stopped.is_set():
                    raise LoadStoppedError
                writer.write(chunk)
                chunk = None if self._is_full(writer) else next(chunks, None)
            writer.finish(self._notes())
        seconds = time.monotonic() - self._started
        self._log.info(
            "Fetched %s rows of the query to %s (%s) in %.2f s; loading them from there.",
            f"{writer.rows:,}",
            self._place,
            _size(writer.size),
            seconds,
        )

    def _is_full(self, writer: SpoolWriter) -> bool:
        return self._limit is not None and writer.rows >= self._limit

    def _notes(self) -> Any:
        if not isinstance(self._query, WatchedQuery):
            return None
        return [self._query.highest.value, self._query.highest.without]

    def _close(self) -> None:
        if self._file is not None:
            with suppress(Exception):
                self._file.close()
        self._file = self._reader = None


def _size(count: int) -> str:
    return f"{count / MEGABYTE:,.1f} MB"
