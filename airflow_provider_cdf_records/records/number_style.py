"""How numbers are written in texts."""

from __future__ import annotations

from typing import NamedTuple

POINT = "."
IN_NUMBERS_OR_QUOTES = frozenset('+-\r\n\0"')  # characters that would not separate digits


class NumberStyle(NamedTuple):
    """How the numbers in the texts of a file are written; ``None`` stands for the usual way.

    :param decimal: before the fraction, by default a point.
    :param thousands: between groups of three digits, by default nothing.
    """

    decimal: str | None = None
    thousands: str | None = None

    @property
    def has_one_sign_for_both(self) -> bool:
        """Whether fractions and thousands could not be told apart."""
        return self.thousands is not None and self.thousands == (self.decimal or POINT)


NUMBER_STYLE_KEYS = tuple(NumberStyle.__annotations__)


def is_separator(value: object) -> bool:
    """Whether a value is a character that can stand between the digits of a number."""
    if not isinstance(value, str) or len(value) != 1:
        return False
    return not value.isalnum() and value not in IN_NUMBERS_OR_QUOTES


def is_decimal_sign(value: object) -> bool:
    """Whether a value is a character that can stand before a fraction: white space can not."""
    return is_separator(value) and not str(value).isspace()
