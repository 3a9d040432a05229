"""Proposes a property for each column: its type, how the mapping fills it, and what was guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.commands.booleans import boolean_words
from airflow_provider_cdf_records.commands.columns import Column
from airflow_provider_cdf_records.commands.moments import (
    DAY_FIRST,
    MONTH_FIRST,
    decided_by,
    epoch_unit,
    suggests_time,
)
from airflow_provider_cdf_records.commands.numbers import DECIMAL_POINT, DetectedStyle
from airflow_provider_cdf_records.commands.proposal import ID_LIKE, Proposal, words_of

INT32 = 1_000_000_000  # a largest number that leaves room in an int32
INT64 = 2**63
MOST_ENUM_VALUES = 12
LEAST_ROWS, ROWS_PER_ENUM_VALUE = 20, 5
ENUM_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
NOT_ENUM_KEYS = frozenset({"true", "false", "null"})
MOST_JSON = 20_000  # characters; CDF takes 40,960 bytes
MOST_ITEMS = 1000  # of a list
SCALARS = frozenset({"text", "integer", "number", "boolean"})
LOCAL_TIME = "without a time zone, taken as UTC; of local time, say which: --time-zone Europe/Oslo"
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
ITEM_TYPES = {
    frozenset({"integer"}): "int64",
    frozenset({"number"}): "float64",
    frozenset({"integer", "number"}): "float64",
    frozenset({"boolean"}): "boolean",
    frozenset({"text"}): "text",
}


@dataclass(frozen=True)
class Proposer:
    """Proposes properties for the columns of a file.

    :param is_text: whether all values of the format are texts.
    :param is_whole: whether all rows were read.
    :param direct: the space of each column of relations.
    :param time_zone: of times that name none.
    :param decimal: the decimal point of the file, as far as its columns agree on one.
    :param order: of day and month, as far as the file's columns agree on one.
    """

    is_text: bool
    is_whole: bool
    direct: Mapping[str, str]
    time_zone: str
    decimal: str | None = None
    order: str | None = None

    @classmethod
    def of(cls, columns: Sequence[Column], **settings: Any) -> Proposer:
        """Return one that knows what the columns have in common."""
        return cls(
            decimal=_decimal_of(columns), order=decided_by(c.moments for c in columns if c.texts), **settings
        )

    def propose(self, column: Column, name: str) -> Proposal:
        """Return the property for a column."""
        proposal = Proposal(column, name)
        if space := self.direct.get(column.name):
            proposal.type, proposal.options = {"type": "direct"}, {"direct": space}
        elif not column.texts and not column.kinds:
            proposal.nulls = list(column.null_texts)
            proposal.notes = ["without any value: a guess"]
        elif column.kinds:
            self._of_values(proposal)
        elif not (self.is_text and self._of_words(proposal)) and not self._of_moments(proposal):
            self._of_texts(proposal)
        if (
            proposal.type["type"] != "text"
            and column.null_texts
            and not proposal.nulls
            and "direct" not in proposal.options
        ):
            proposal.nulls = list(column.null_texts)
        if not self.is_text and column.nulls:
            proposal.options["optional"] = True
        proposal.nullable = not (self.is_whole and column.rows and not column.nulls and not proposal.nulls)
        return proposal

    def _of_values(self, proposal: Proposal) -> None:
        """Propose a type for values that are more than texts."""
        column, kinds = proposal.column, set(proposal.column.kinds)
        if column.texts:
            proposal.type = {"type": "text" if kinds <= SCALARS else "json"}
            proposal.notes = [f"texts and {_listed(kinds)}"]
        elif kinds == {"integer"}:
            self._of_integers(proposal, *(column.integers or (0, 0)))
        elif kinds <= {"integer", "number", "decimal"}:
            if column.loses_digits:
                proposal.notes = ["more digits than a float64 holds"]
            else:
                proposal.type = {"type": "float64"}
        elif kinds == {"array"}:
            proposal.type = _list_type(column)
        elif kinds in ({"boolean"}, {"date"}, {"timestamp"}):
            proposal.type = {"type": kinds.pop()}
        elif kinds <= {"date", "timestamp"}:
            proposal.type = {"type": "timestamp"}
        elif kinds <= {"object", "array", *SCALARS} and kinds & {"object", "array"}:
            proposal.type = {"type": "json"}
        else:
            proposal.notes = [f"values of type {_listed(kinds)}"]

    def _of_integers(self, proposal: Proposal, smallest: int, largest: int) -> None:
        unit = epoch_unit(smallest, largest) if suggests_time(proposal.column.name) else None
        if unit is not None:
            proposal.type, proposal.options = {"type": "timestamp"}, {"timestamp": unit}
            proposal.notes = [f"{UNITS[unit]} since 1970, by the name and the size of the numbers"]
        elif not -INT64 <= smallest <= largest < INT64:
            proposal.notes = ["more digits than an int64 holds"]
        elif self.is_whole and -INT32 <= smallest <= largest <= INT32:
            proposal.type = {"type": "int32"}
        else:
            proposal.type = {"type": "int64"}

    def _of_words(self, proposal: Proposal) -> bool:
        """Propose a type for texts that write something else; return whether they do."""
        column, numbers = proposal.column, proposal.column.numbers
        words = set(column.distinct or ()) - set(column.null_texts)
        if (options := boolean_words(words)) is not None:
            proposal.type, proposal.options = {"type": "boolean"}, options
            return True
        if numbers.styles:
            return self._of_numbers(proposal)
        if column.json.total() == column.texts:
            proposal.type = {"type": "json"}
            if set(column.json) == {"array"}:
                proposal.type = _list_type(column)
            if proposal.type["type"] == "json" and column.longest > MOST_JSON:
                proposal.become_text("JSON that is long: CDF takes 40,960 bytes in a json property")
            return True
        return False

    def _of_numbers(self, proposal: Proposal) -> bool:
        numbers = proposal.column.numbers
        if numbers.largest is not None and numbers.is_whole and self._is_compact_date(proposal):
            return False
        if numbers.has_leading_zeros:
            proposal.notes = ["digits with leading zeros, which a number would lose"]
            return True
        if numbers.has_too_many_digits:
            proposal.notes = ["more digits than a number of CDF holds"]
            return True
        if numbers.is_ambiguous and self.decimal is None:
            proposal.notes = [
                "numbers such as 1,234: 'decimal' or 'thousands' in the mapping would say which is meant"
            ]
            return True
        if numbers.may_be_thousands and self.decimal is None:
            proposal.notes = ["numbers such as 1.234, taken as fractions: 'thousands' would say otherwise"]
        proposal.style = numbers.style(self.decimal)
        if not numbers.is_whole_in(proposal.style):
            proposal.type = {"type": "float64"}
            if numbers.is_rounded:
                proposal.notes += ["some have more digits than a float64, which rounds them"]
        elif (
            proposal.style.thousands is None and numbers.largest is not None and numbers.smallest is not None
        ):
            self._of_integers(proposal, numbers.smallest, numbers.largest)
        else:
            proposal.type = {"type": "int64"}
        if proposal.style != DECIMAL_POINT:
            proposal.notes.append(_in_words(proposal.style))
        return True

    def _is_compact_date(self, proposal: Proposal) -> bool:
        orders = proposal.column.moments.orders
        return suggests_time(proposal.column.name) and bool(orders) and not proposal.column.moments.is_iso

    def _of_moments(self, proposal: Proposal) -> bool:
        """Propose a type for texts that are points in time; return whether they are."""
        moments = proposal.column.moments
        kind = moments.kind
        if kind is None:
            return False
        if not moments.is_iso:
            orders = moments.orders or {}
            order = self._order_of(list(orders), orders)
            if order is None:
                both = " or ".join(next(iter(patterns)) for patterns in orders.values())
                proposal.notes = [f"{both}? 'timestamp' in the mapping would say which is meant"]
                return True
            patterns = list(orders[order])
            proposal.options = {"timestamp": patterns[0] if len(patterns) == 1 else patterns}
            proposal.notes = [" or ".join(patterns)]
        proposal.type = {"type": kind}
        if kind == "timestamp" and not moments.has_time_zone:
            proposal.notes.append(f"without a time zone: taken as {self.time_zone}")
            if self.time_zone == "UTC":
                proposal.warnings.append(LOCAL_TIME)
        return True

    def _order_of(self, orders: Sequence[str], patterns: Mapping[str, Iterable[str]]) -> str | None:
        """Return the order of day, month and year; ``None`` where nothing tells."""
        if len(orders) == 1:
            return orders[0]
        if self.order in orders:
            return self.order
        first = next(iter(patterns[orders[0]]))
        if MONTH_FIRST in orders and "%p" in first:
            return MONTH_FIRST
        if DAY_FIRST in orders and first.startswith("%d."):
            return DAY_FIRST
        return None

    def _of_texts(self, proposal: Proposal) -> None:
        column = proposal.column
        if not column.distinct or not 1 < len(column.distinct) <= MOST_ENUM_VALUES:
            return
        is_repeated = column.values >= max(LEAST_ROWS, ROWS_PER_ENUM_VALUE * len(column.distinct))
        are_keys = all(
            ENUM_KEY.fullmatch(key) and key.lower() not in NOT_ENUM_KEYS for key in column.distinct
        )
        if not is_repeated or not are_keys or column.null_texts or ID_LIKE.search(words_of(column.name)):
            return
        if self.is_whole:
            proposal.type = {"type": "enum", "values": {key: {} for key in sorted(column.distinct)}}
        else:
            proposal.notes = [f"{len(column.distinct)} values in the sample; with --all it may be an enum"]


def _list_type(column: Column) -> dict[str, Any]:
    item = ITEM_TYPES.get(frozenset(column.items))
    if item is None or column.longest_list > MOST_ITEMS:
        return {"type": "json"}
    return {"type": item, "list": True}


def _decimal_of(columns: Iterable[Column]) -> str | None:
    """Return the one decimal point that the columns of a file have in common."""
    found = {column.numbers.decimal for column in columns if column.texts and column.numbers.are_numbers}
    found.discard(None)
    return found.pop() if len(found) == 1 else None


def _in_words(style: DetectedStyle) -> str:
    return f"decimal {style.decimal!r}" + (f", thousands {style.thousands!r}" if style.thousands else "")


def _listed(kinds: Iterable[str]) -> str:
    return " and ".join(sorted(kinds))
