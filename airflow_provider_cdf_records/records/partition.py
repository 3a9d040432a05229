"""A part of all rows, chosen by their identities: ``2/8`` is the second of eight parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import NamedTuple
from zlib import crc32

from airflow_provider_cdf_records.records.chunk import Chunk, Convert, Identity, Refusal, Row
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.lazy_lists import ColumnRows

TEXT = re.compile(r"\s*([0-9]{1,6})\s*/\s*([0-9]{1,6})\s*")
PRIME = 16_777_213  # of a CRC alone, the last bits are much alike in identities that differ in few characters


class Partition(NamedTuple):
    """One of several parts, to which each identity belongs in the same way in every process.

    A row without an identity belongs to a part by its position, so that one part alone rejects it.

    :param number: of the part, from 1 on.
    :param parts: how many there are.
    """

    number: int
    parts: int

    @classmethod
    def of(cls, text: object) -> Partition:
        """Read a text such as ``2/8``.

        :raises InvalidArgumentError: when it is no such text.
        """
        found = TEXT.fullmatch(text) if isinstance(text, str) else None
        number, parts = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= parts:
            msg = (
                "partition must be the number of a part and how many parts there are, such as '2/8', "
                f"from '1/8' to '8/8', got {text!r}."
            )
            raise InvalidArgumentError(msg)
        return cls(number, parts)

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}"

    def holds(self, identity: Identity | None, position: int) -> bool:
        """Return whether a row belongs to the part.

        :param identity: ``None`` where the row has none.
        """
        at = position if identity is None else crc32(identity.encode(errors="surrogatepass")) % PRIME
        return at % self.parts == self.number - 1

    def rows_held(self, identities: Sequence[Identity | None], positions: Sequence[int]) -> list[bool]:
        """Return of each row whether it belongs to the part."""
        part, parts = self.number - 1, self.parts
        try:
            hashes = map(crc32, map(str.encode, identities))  # type: ignore[arg-type]
            return [hashed % PRIME % parts == part for hashed in hashes]
        except (TypeError, UnicodeEncodeError):  # no identity, or half of a surrogate pair in one
            return list(map(self.holds, identities, positions))


class RowIdentities(NamedTuple):
    """The identities of the rows of a chunk.

    :param identities: one for each row, ``None`` where it has none.
    :param may_be_lines: indexes of rows that may be lines of a rejected-records file.
    """

    identities: Sequence[Identity | None]
    may_be_lines: Iterable[int] = ()


def of_part(convert: Convert, rows_of_part: RowsOfPart) -> Convert:
    """Return a converter that takes the rows of one part."""
    return lambda chunk: convert(rows_of_part(chunk))


def check_partition(partition: object) -> None:
    """Refuse what is no part; ``None`` stands for all rows.

    :raises InvalidArgumentError: with what it was.
    """
    if partition is not None:
        Partition.of(partition)


class RowsOfPart:
    """Leaves out of a chunk the rows of other parts, before anything but their identities is looked at.

    :param identities_of: finds the identities of the rows of a chunk.
    :param is_line: whether a row is a line of a rejected-records file, whose identity is that of the row in
        it; such a line is handed on as refused, for the converter around this one to take the row out of it.
    """

    def __init__(
        self,
        partition: Partition,
        identities_of: Callable[[Chunk], RowIdentities],
        is_line: Callable[[Row], bool] = lambda _: False,
    ) -> None:
        self._partition = partition
        self._identities_of = identities_of
        self._is_line = is_line

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with only the rows of the part."""
        rows, positions = chunk.rows, chunk.positions
        if not rows:
            return chunk
        identities, may_be_lines = self._found(chunk)
        lines = [index for index in may_be_lines if self._is_line(rows[index])]
        is_held = self._partition.rows_held(identities, positions)
        for index in lines:
            is_held[index] = False
        refused = [Refusal(positions[index], rows[index], "a rejected row") for index in lines]
        return chunk._replace(
            rows=rows.only(is_held) if isinstance(rows, ColumnRows) else list(compress(rows, is_held)),
            positions=list(compress(positions, is_held)),
            refusals=[*chunk.refusals, *refused] if refused else chunk.refusals,
        )

    def _found(self, chunk: Chunk) -> RowIdentities:
        try:
            return self._identities_of(chunk)
        except Exception as error:
            if len(chunk.rows) > 1 or isinstance(error, MemoryError) or hasattr(error, "retryable"):
                raise  # to be tried with the rows one by one, or the end of the load
            return RowIdentities([None], [0])
