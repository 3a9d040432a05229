"""What is known of a column: how many values it has, and what all of them have in common."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from airflow_provider_cdf_records.commands.moments import Moments
from airflow_provider_cdf_records.commands.numbers import Numbers

NULL_TEXTS = frozenset(
    (
        *("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "NaT", "-", "--", "---", ".", "?", "\\N"),
        *("NULL", "Null", "null", "(null)", "None", "none", "NIL", "nil", "missing"),
    )
)
MOST_DISTINCT = 1000  # values that are told apart
MOST_KEPT = 20_000  # texts


class Column:
    """A column of a file.

    :ivar texts: texts that are not among ``NULL_TEXTS``.
    :ivar null_texts: how often each of those stands in the column.
    :ivar kinds: the names of the JSON types of the other values.
    :ivar kept: the texts, each with its position, unless they are many.
    :ivar odd: of those, the ones that were left out, since nearly all others are of one type.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self.nulls = 0
        self.texts = 0
        self.null_texts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.distinct: Counter[str] | None = Counter()
        self.longest = 0
        self.numbers = Numbers()
        self.moments = Moments(name)
        self.integers: tuple[int, int] | None = None  # the smallest and the largest
        self.loses_digits = False
        self.json = Counter[str]()  # the types of texts that hold JSON
        self.items: set[str] = set()  # the types of the items of arrays
        self.longest_list = 0
        self.kept: list[tuple[int, str]] | None = []
        self.odd: list[tuple[int, str]] = []

    def add(self, values: list[Any], positions: Iterable[int] = ()) -> None:
        """Look at more values.

        :param positions: theirs in the source, where odd ones are to be found.
        """
        if self.kept is not None:
            self.kept += [pair for pair in zip(positions, values, strict=False) if isinstance(pair[1], str)]
            if len(self.kept) > MOST_KEPT:
                self.kept = None
        self.rows += len(values)
        present = [value for value in values if value is not None]
        self.nulls += len(values) - len(present)
        texts = [value for value in present if isinstance(value, str)]
        self._add_texts(texts)
        if len(texts) < len(present):
            for value in present:
                if not isinstance(value, str):
                    self._add_other(value)

    @property
    def values(self) -> int:
        """How many values there are, those that may stand for none included."""
        return self.rows - self.nulls

    @property
    def is_empty(self) -> bool:
        """Whether there is no value at all."""
        return not self.values

    def _add_texts(self, texts: list[str]) -> None:
        self.longest = max(self.longest, max(map(len, texts), default=0))
        if self.distinct is not None:
            self.distinct.update(texts)
            if len(self.distinct) > MOST_DISTINCT:
                self.distinct = None
        stripped = [text.strip() for text in texts]
        known = [text for text in stripped if text not in NULL_TEXTS and text]
        if len(known) < len(texts):
            self.null_texts.update(
                raw for raw, text in zip(texts, stripped, strict=True) if text in NULL_TEXTS or not text
            )
        self.texts += len(known)
        one_each = list(dict.fromkeys(known))
        self.numbers.add(one_each)
        self.moments.add(one_each)
        if self.json.total() == self.texts - len(known):
            for text in known:
                if text[0] not in "[{":
                    break
                self._add_json(text)

    def _add_json(self, text: str) -> None:
        try:
            value = json.loads(text)
        except ValueError:
            return
        self.json[kind_of(value)] += 1
        if isinstance(value, list):
            self._add_items(value)

    def _add_other(self, value: Any) -> None:
        kind = kind_of(value)
        self.kinds[kind] += 1
        if kind == "integer":
            smallest, largest = self.integers or (value, value)
            self.integers = min(smallest, value), max(largest, value)
        elif kind == "decimal":
            self.loses_digits = self.loses_digits or Decimal(repr(float(value))) != value
        elif kind == "array":
            self._add_items(value)

    def _add_items(self, items: Iterable[Any]) -> None:
        items = list(items)
        self.longest_list = max(self.longest_list, len(items))
        self.items.update(map(kind_of, items))


def kind_of(value: Any) -> str:
    """Return what a value is, as JSON calls it."""
    if value is None:
        return "null"
    for types, name in KINDS:
        if isinstance(value, types):
            return name
    return type(value).__name__


KINDS: tuple[tuple[Any, str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
    (Decimal, "decimal"),
    (datetime, "timestamp"),
    (date, "date"),
    (Mapping, "object"),
    ((list, tuple), "array"),
)
