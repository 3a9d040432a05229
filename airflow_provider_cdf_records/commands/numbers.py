"""The ways in which texts write numbers, and which of them fit all texts of a column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from airflow_provider_cdf_records.mapping.types import number_pattern

EXACT_DIGITS = 15  # that every float64 holds
SPACES = " \u00a0\u202f"
LONGEST_INTEGER = 20  # characters of an int64, with its sign
INT64 = 2**63


@dataclass(frozen=True)
class DetectedStyle:
    """A way to write numbers, which the texts of a column may have.

    :param decimal: between the whole part and the rest.
    :param thousands: between groups of three digits.
    """

    decimal: str = "."
    thousands: str | None = None

    @property
    def options(self) -> dict[str, str]:
        """What differs from numbers as Python writes them, as options of a file or property."""
        options = {} if self.decimal == "." else {"decimal": self.decimal}
        return options if self.thousands is None else options | {"thousands": self.thousands}

    def accepts(self, text: str) -> bool:
        """Whether a text is a number of this style."""
        return PATTERNS[self].fullmatch(text) is not None

    def plain(self, text: str) -> str:
        """Return a number as Python writes it."""
        if self.thousands is not None:
            text = text.replace(self.thousands, "")
        return text.replace(self.decimal, ".")


DECIMAL_POINT, DECIMAL_COMMA = DetectedStyle(), DetectedStyle(",")
COMMA_THOUSANDS, POINT_THOUSANDS = DetectedStyle(".", ","), DetectedStyle(",", ".")
THOUSANDS = (
    COMMA_THOUSANDS,
    POINT_THOUSANDS,
    *(DetectedStyle(decimal, space) for space in (*SPACES, "'", "\u2019") for decimal in (".", ",")),
)
STYLES = (DECIMAL_POINT, DECIMAL_COMMA, *THOUSANDS)  # the plainest first
PATTERNS = {style: re.compile(number_pattern(style.decimal, style.thousands or "")) for style in STYLES}
LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
WHOLE = re.compile(r"[+-]?[0-9]+")


class Numbers:
    """What is known of the numbers in a column of texts.

    :ivar styles: those that fit all texts so far.
    """

    def __init__(self) -> None:
        self.styles = list(STYLES)
        self._has_point = False  # then what is a number of the plainest style is one of all
        self.has_leading_zeros = False
        self.is_whole = True
        self.smallest: int | None = None
        self.largest: int | None = None
        self.has_too_many_digits = False
        self.is_rounded = False

    def add(self, texts: Iterable[str]) -> None:
        """Look at more texts."""
        for text in texts:
            if not self.styles:
                return
            if not self._accept_all(text):
                self.styles = [style for style in self.styles if style.accepts(text)]
                if not self.styles:
                    return
                self._has_point = DECIMAL_POINT in self.styles and self.decimal == "."
            self._look_at(text)

    def _accept_all(self, text: str) -> bool:
        """Whether a text surely is a number in all styles that are left."""
        if text.isdecimal() and text.isascii():
            return True
        return self._has_point and PATTERNS[DECIMAL_POINT].fullmatch(text) is not None

    def _look_at(self, text: str) -> None:
        if LEADING_ZERO.match(text):
            self.has_leading_zeros = True
        plain = self.styles[0].plain(text)
        if not WHOLE.fullmatch(plain):
            self.is_whole = False
        elif len(plain) <= LONGEST_INTEGER:
            number = int(plain)
            self.smallest = number if self.smallest is None else min(self.smallest, number)
            self.largest = number if self.largest is None else max(self.largest, number)
        if len(plain) > EXACT_DIGITS and not self.has_too_many_digits:
            self.has_too_many_digits = _does_not_fit(plain)
        if len(plain) > EXACT_DIGITS and not self.is_rounded:
            self.is_rounded = _is_rounded(plain)

    @property
    def are_numbers(self) -> bool:
        """Whether all texts are numbers, and not such as ``007``, which lose something as a number."""
        return bool(self.styles) and not self.has_leading_zeros and not self.has_too_many_digits

    @property
    def is_ambiguous(self) -> bool:
        """Whether the texts may be thousands as well as fractions, such as ``1,234``."""
        fitting = set(self.styles)
        return {DECIMAL_COMMA, COMMA_THOUSANDS} <= fitting and DECIMAL_POINT not in fitting

    @property
    def may_be_thousands(self) -> bool:
        """Whether the texts are fractions, but may be thousands, such as ``1.234``."""
        fitting = set(self.styles)
        return {DECIMAL_POINT, POINT_THOUSANDS} <= fitting and DECIMAL_COMMA not in fitting

    @property
    def decimal(self) -> str | None:
        """The decimal point of the column; ``None`` where its texts do not tell."""
        if not self.styles or len(decimals := {style.decimal for style in self.styles}) > 1:
            return None
        return decimals.pop()

    def style(self, decimal: str | None) -> DetectedStyle:
        """Return the style of the column.

        :param decimal: the decimal point of the file, which decides where the texts leave a choice.
        """
        if DECIMAL_POINT in self.styles and DECIMAL_COMMA in self.styles:
            return DECIMAL_POINT  # digits alone
        fitting = [style for style in self.styles if style.decimal == decimal]
        return [*fitting, *self.styles][0]

    def is_whole_in(self, style: DetectedStyle) -> bool:
        """Whether all texts are whole numbers in a style of the column."""
        return self.is_whole or (style.thousands is not None and style != self.styles[0])


def _does_not_fit(plain: str) -> bool:
    """Whether a number is too long for an int64, or loses what is before its decimal point as a float64."""
    if WHOLE.fullmatch(plain):
        return len(plain) > LONGEST_INTEGER or not -INT64 <= int(plain) < INT64
    return len(plain.lstrip("+-").partition(".")[0]) > EXACT_DIGITS


def is_number(text: str) -> bool:
    """Whether a text is a number in any style."""
    return any(style.accepts(text) for style in STYLES)


def _is_rounded(plain: str) -> bool:
    """Whether a float64 has fewer digits than a number."""
    return Decimal(plain) != Decimal(repr(float(plain)))
