"""Sequences whose items are made only when they are needed alone, as most never are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, TypeVar

T = TypeVar("T")


class LazyList(Sequence[T]):
    """A sequence that makes its items when they are needed; it equals a list of the same ones."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)


class ColumnRows(LazyList[Any]):
    """Rows whose values are held in columns; each row is a tuple.

    :param columns: of one length; there is at least one.
    """

    def __init__(self, columns: Sequence[list[Any]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, index: Any) -> Any:
        taken = [column[index] for column in self.columns]
        return ColumnRows(taken) if isinstance(index, slice) else tuple(taken)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.columns, strict=True)


class PairedRows(LazyList[Any]):
    """Rows, each in a pair with what all of them need besides their values."""

    def __init__(self, rows: Sequence[Any], context: object) -> None:
        self._rows = rows
        self._context = context

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        taken = self._rows[index]
        return PairedRows(taken, self._context) if isinstance(index, slice) else (taken, self._context)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return zip(self._rows, repeat(self._context), strict=False)
