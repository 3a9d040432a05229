"""Finds the fewest columns that tell all rows apart."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, islice
from typing import Any

MOST_CELLS = 8_000_000  # of 8 bytes
MOST_COLUMNS = 5  # of an identity that is searched for among all
MOST_CANDIDATES = 20
MOST_LOOKS = 400  # at all rows
MOST_CHARACTERS = 256  # of an external id
TOO_MANY = 10  # columns of an identity, however it is found


@dataclass(frozen=True)
class Identity:
    """Columns that tell rows apart.

    :param rows: how many rows were compared.
    :param copies: how many of them are the same as another one in all columns.
    """

    columns: tuple[str, ...]
    rows: int
    copies: int


@dataclass(frozen=True)
class Candidate:
    """A column that may be part of an identity.

    :param cost: how little it looks like one.
    :param cost_alone: the same for an identity of this column only, where it differs.
    """

    name: str
    cost: int
    longest: int
    cost_alone: int | None = None


class RowKeys:
    """Hashes of the values of rows, as many as fit into bounded memory."""

    def __init__(self) -> None:
        self._hashes: dict[str, array[int]] = {}
        self.rows = 0
        self.is_full = False

    def add(self, columns: Mapping[str, list[Any]]) -> None:
        """Add rows, column by column."""
        if self.is_full or not columns:
            return
        rows = len(next(iter(columns.values())))
        for name, values in columns.items():
            known = self._hashes.setdefault(name, array("q", [0]) * self.rows)
            known.extend(map(_hash, values))
        for name in self._hashes.keys() - columns.keys():
            self._hashes[name].extend([0] * rows)
        self.rows += rows
        self.is_full = self.rows * len(self._hashes) >= MOST_CELLS

    def find(self, candidates: Sequence[Candidate]) -> Identity | None:
        """Return the best of the smallest sets of columns in which no two rows are equal.

        Rows that are equal in all columns count as one.
        """
        unique = list(self._first_of_each())
        copies = self.rows - len(unique)
        best = sorted(candidates, key=lambda candidate: candidate.cost)[:MOST_CANDIDATES]
        hashes = [self._hashes[candidate.name] for candidate in best]
        if copies:
            hashes = [array("q", (column[row] for row in unique)) for column in hashes]
        found = _Search(hashes, best).smallest()
        if found is None:
            return None
        names = [best[number].name for number in found]
        in_order = tuple(name for name in self._hashes if name in names)
        return Identity(in_order, self.rows, copies)

    def _first_of_each(self) -> Iterator[int]:
        seen: set[int] = set()
        for row, key in enumerate(map(hash, zip(*self._hashes.values(), strict=True))):
            if key not in seen:
                seen.add(key)
                yield row


class _Search:
    """A search in which each pair of rows that some columns do not tell apart rules out others at once."""

    def __init__(self, hashes: list[array[int]], candidates: Sequence[Candidate]) -> None:
        self._hashes = hashes
        self._candidates = candidates
        self._pairs: list[int] = []  # for two rows, the bits of the columns in which they differ
        self._looks = 0

    def smallest(self) -> tuple[int, ...] | None:
        numbers = range(len(self._candidates))
        for size in range(1, min(MOST_COLUMNS, len(numbers)) + 1):
            for chosen in sorted(combinations(numbers, size), key=self._cost):
                if self._looks > MOST_LOOKS:
                    return self._greedy()
                if self._tells_all_apart(chosen):
                    return chosen
        return self._greedy()

    def _cost(self, chosen: tuple[int, ...]) -> tuple[int, int]:
        costs = [self._candidates[number].cost for number in chosen]
        if len(chosen) == 1 and (alone := self._candidates[chosen[0]].cost_alone) is not None:
            costs = [alone]
        return max(costs), sum(costs)

    def _greedy(self) -> tuple[int, ...] | None:
        """Return some set, made of the column that tells most pairs apart, and so on."""
        chosen: tuple[int, ...] = ()
        while len(chosen) < min(TOO_MANY, len(self._candidates)):
            bits = _bits(chosen)
            left = [pair for pair in self._pairs if not pair & bits]
            if not left and self._tells_all_apart(chosen):
                return tuple(sorted(chosen))
            others = [number for number in range(len(self._candidates)) if number not in chosen]
            chosen = (*chosen, max(others, key=partial(_pairs_told_apart, left or self._pairs)))
        return tuple(sorted(chosen)) if self._tells_all_apart(chosen) else None

    def _tells_all_apart(self, chosen: tuple[int, ...]) -> bool:
        bits = _bits(chosen)
        if not chosen or any(not pair & bits for pair in self._pairs):
            return False
        length = sum(self._candidates[number].longest + 1 for number in chosen) - 1
        if length > MOST_CHARACTERS:
            return False
        self._looks += 1
        columns = [self._hashes[number] for number in chosen]
        seen: set[int] = set()
        for row, key in enumerate(map(hash, zip(*columns, strict=True))):
            if key in seen:
                self._remember(columns, row)
                return False
            seen.add(key)
        return True

    def _remember(self, columns: list[array[int]], row: int) -> None:
        """Remember in which columns a row differs from the one before it that is equal in some."""
        values = tuple(column[row] for column in columns)
        before = zip(*(islice(column, row) for column in columns), strict=True)
        other = next((number for number, key in enumerate(before) if key == values), None)
        if other is not None:
            differing = [n for n, column in enumerate(self._hashes) if column[row] != column[other]]
            self._pairs.append(_bits(differing))


def _pairs_told_apart(pairs: Sequence[int], number: int) -> int:
    """Return how many pairs of rows differ in a column."""
    return sum(pair >> number & 1 for pair in pairs)


def _bits(numbers: Sequence[int]) -> int:
    return sum(1 << number for number in numbers)


def _hash(value: Any) -> int:
    try:
        return hash(value)
    except TypeError:
        return hash(repr(value))
