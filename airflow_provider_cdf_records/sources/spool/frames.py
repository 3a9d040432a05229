"""The file of a spool: a beginning, chunks of rows, and an end without which it is not whole.

Each is a frame: the length and the checksum of what follows. The very last bytes say where the end begins.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from airflow_provider_cdf_records.records.chunk import Chunk, Columns, Mark, Refusal
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources.spool.values import (
    UnkeptValueError,
    column_of,
    decode,
    encode,
    kept,
    packed,
    packed_column,
)

MAGIC = b"cdf-records-spool 1\n"
HEAD = struct.Struct(">QI")  # length and CRC-32
TAIL = struct.Struct(">Q20s")  # where the last frame begins


class DamagedSpoolError(Exception):
    """A spool whose bytes are not those that were written."""

    retryable = True


class Beginning(NamedTuple):
    """What stands before the rows.

    :param id: of this very spool, which no other has.
    :param time: when it was begun, in ISO 8601.
    """

    id: str
    time: str
    columns: Columns


class End(NamedTuple):
    """What stands after the rows.

    :param rows: how many there are.
    :param notes: what else is known of them.
    """

    rows: int
    notes: Any


class SpoolWriter:
    """Writes a spool into a file that is open.

    :ivar size: bytes written so far.
    """

    def __init__(self, file: IO[bytes], beginning: Beginning) -> None:
        self._file = file
        self._columns = beginning.columns
        self.rows = 0
        self.size = file.write(MAGIC)
        self._frame(encode(beginning._asdict()))

    def write(self, chunk: Chunk) -> None:
        """Write the rows of a chunk, and those that the source itself cannot read.

        :raises SourceError: naming the column of a value that cannot be kept exactly.
        """
        try:
            content = encode(self._packed(chunk, may_be_plain=True))
        except (OverflowError, UnicodeEncodeError, RecursionError):  # a value less plain than its type
            content = encode(self._packed(chunk, may_be_plain=False))
        self._frame(content)
        self.rows = chunk.end.position

    def finish(self, notes: Any) -> None:
        """Write the end."""
        at = self.size
        self._frame(encode(End(self.rows, packed(notes))._asdict()))
        self.size += self._file.write(TAIL.pack(at, MAGIC))

    def _packed(self, chunk: Chunk, *, may_be_plain: bool) -> list[Any]:
        rows = chunk.rows
        positions = chunk.positions
        if isinstance(positions, range) and positions.step == 1:
            placed: Any = positions.start
        else:
            placed = list(positions)
        columns: Any = None
        if set(map(len, rows)) == {len(self._columns)}:
            columns = []
            for name, values in zip(self._columns, zip(*rows, strict=True), strict=True):
                try:
                    columns.append(packed_column(values, may_be_plain=may_be_plain))
                except UnkeptValueError:
                    raise _unkept(name, values) from None
        else:
            columns = {"rows": [list(map(kept, row)) for row in rows]}
        refusals = [[refusal.position, kept(refusal.row), refusal.message] for refusal in chunk.refusals]
        return [placed, chunk.end.position, columns, refusals, chunk.size]

    def _frame(self, content: bytes) -> None:
        self.size += self._file.write(HEAD.pack(len(content), zlib.crc32(content)))
        self.size += self._file.write(content)


def _unkept(column: str, values: Any) -> SourceError:
    for value in values:
        try:
            kept(value)
        except UnkeptValueError:
            kind = f"{type(value).__module__}.{type(value).__qualname__}"
            break
    msg = (
        f"Column {column!r} of the query has a value of type {kind}, which a spool cannot keep exactly; cast "
        "the column to a type of its own in the query, or leave out spool."
    )
    return SourceError(msg)


class SpoolReader:
    """Reads a spool that is whole.

    :param file: open for reading; closed by whoever opened it.
    :raises DamagedSpoolError: when it is not a whole spool.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self.offset = 0
        self.size = file.seek(0, os.SEEK_END)
        if self.size < len(MAGIC) + TAIL.size:
            raise self._damaged()
        file.seek(self.size - TAIL.size)
        self._ends_at, magic = TAIL.unpack(self._read(TAIL.size))
        file.seek(0)
        if magic != MAGIC or self._read(len(MAGIC)) != MAGIC:
            raise self._damaged()
        first = self._frame()
        self.beginning = Beginning(first["id"], first["time"], tuple(first["columns"]))
        self._first_chunk = self.offset
        self.end = End(**self._frame_at(self._ends_at))
        self.offset = self._first_chunk

    def chunks(self, after: Mark) -> Iterator[Chunk]:
        """Yield the rows after a mark, whose offset is where the next chunk begins, if it has one."""
        self._file.seek(after.offset or self._first_chunk)
        self.offset = after.offset or self._first_chunk
        while self.offset < self._ends_at:
            chunk = self._chunk(self._frame())
            if chunk.end.position > after.position:
                yield _rows_after(chunk, after.position)

    def _chunk(self, content: Any) -> Chunk:
        placed, last, columns, refused, size = content
        if isinstance(columns, dict):
            rows: list[Any] = list(map(tuple, columns["rows"]))
        else:
            rows = list(zip(*map(column_of, columns), strict=True))
        positions = range(placed, placed + len(rows)) if isinstance(placed, int) else placed
        refusals = [Refusal(*refusal) for refusal in refused]
        end = Mark(last, self.offset)
        return Chunk(positions, rows, end, self.beginning.columns, refusals=refusals, size=size)

    def _frame_at(self, offset: int) -> Any:
        self._file.seek(offset)
        self.offset = offset
        return self._frame()

    def _frame(self) -> Any:
        length, checksum = HEAD.unpack(self._read(HEAD.size))
        if length > self.size:
            raise self._damaged()
        content = self._read(length)
        if zlib.crc32(content) != checksum:
            raise self._damaged()
        self.offset = self._file.tell()
        return decode(content)

    def _read(self, size: int) -> bytes:
        parts = []
        while size and (part := self._file.read(size)):  # storage may give less than it is asked for
            parts.append(part)
            size -= len(part)
        if size:
            raise self._damaged()
        return b"".join(parts)

    def _damaged(self) -> DamagedSpoolError:
        return DamagedSpoolError(f"{self._name} is not the whole spool that was written.")


def _rows_after(chunk: Chunk, position: int) -> Chunk:
    if chunk.positions and chunk.positions[0] > position and not chunk.refusals:
        return chunk
    kept = [number for number, at in enumerate(chunk.positions) if at > position]
    return chunk._replace(
        positions=[chunk.positions[number] for number in kept],
        rows=[chunk.rows[number] for number in kept],
        refusals=[refusal for refusal in chunk.refusals if refusal.position > position],
    )
