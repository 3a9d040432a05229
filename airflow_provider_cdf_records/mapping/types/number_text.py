"""Numbers that come as text, with a decimal comma or with separators between thousands."""

from __future__ import annotations

import re

from airflow_provider_cdf_records.mapping.types.property_type import InvalidValueError
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.number_style import (
    POINT,
    NumberStyle,
    is_decimal_sign,
    is_separator,
)

OTHER_NUMBER = re.compile(
    r"[+-]?[0-9]{1,3}(?:[., '\u00a0\u2009\u202f\u2019][0-9]{3})*(?:[.,][0-9]+)?|[+-]?[0-9]+,[0-9]+"
)
# Digits with signs between them, wherever these stand: the style may be the mistake.
LIKE_NUMBER = re.compile(
    r"[+-]?[., '\u00a0\u2009\u202f\u2019_]*[0-9][0-9., '\u00a0\u2009\u202f\u2019_]*(?:[eE][+-]?[0-9]+)?"
)
MISSING = frozenset({"nan", "na", "n/a", "#n/a", "<na>", "null", "none", "nil", "-", "--", "?", r"\n"})
MISSING_HINT = "if it means that there is no value, add it to 'null_values' in the mapping"
OTHER_HINT = "to read it, set 'decimal' or 'thousands' in the mapping"
ALIKE = {" ": " \u00a0\u2009\u202f", "'": "'\u2019"}  # characters that look alike stand for each other


def check_number_style(style: NumberStyle) -> None:
    """Refuse a style in which a number could not be told from another one.

    :raises InvalidArgumentError: naming the option.
    """
    for name, character in style._asdict().items():
        if character is not None and not is_separator(character):
            msg = f"{name}: must be one character, and no letter, digit or sign, got {character!r}"
            raise InvalidArgumentError(msg)
    if style.decimal is not None and not is_decimal_sign(style.decimal):
        msg = f"decimal: must not be white space, got {style.decimal!r}"
        raise InvalidArgumentError(msg)
    if style.has_one_sign_for_both:
        hint = "" if style.decimal else "; set 'decimal' too"
        msg = f"thousands: must differ from decimal, which is {style.thousands!r}{hint}"
        raise InvalidArgumentError(msg)


def number_pattern(decimal: str, thousands: str = "") -> str:
    """Return a regular expression of numbers.

    :param thousands: the characters that may stand between groups of three digits.
    """
    point, whole = re.escape(decimal), "[0-9]+"
    if thousands:
        whole = f"(?:[1-9][0-9]{{0,2}}(?:[{re.escape(thousands)}][0-9]{{3}})+|[0-9]+)"
    return f"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"


class NumberText:
    """Turns texts of numbers in a style into the form with a point, which Python reads.

    Separators of thousands must stand between groups of three digits: ``12.34`` is not 1234.
    """

    def __init__(self, style: NumberStyle) -> None:
        self._decimal = style.decimal or POINT
        self._thousands = ALIKE.get(style.thousands, style.thousands) if style.thousands else ""
        self.is_plain = self._decimal == POINT and not self._thousands
        number = number_pattern(self._decimal, self._thousands)
        self._number = re.compile(number)
        self._lines = re.compile(rf"(?:{number}\n)*")
        self._to_plain = str.maketrans(
            {self._decimal: POINT, **dict.fromkeys(self._thousands, "")} if not self.is_plain else {}
        )
        self._hint = "" if self.is_plain else f"numbers have decimal {self._decimal!r}"
        if style.thousands:
            self._hint += f" and thousands {style.thousands!r}"

    def plain(self, text: str) -> str:
        """Return a number in the form with a point.

        :raises InvalidValueError: when it is no number in this style.
        """
        text = text.strip()
        if not self._number.fullmatch(text):
            if text.casefold() in MISSING:
                raise InvalidValueError(MISSING_HINT)
            if self.is_plain:
                raise InvalidValueError(OTHER_HINT if OTHER_NUMBER.fullmatch(text) else "")
            raise InvalidValueError(self._hint if LIKE_NUMBER.fullmatch(text) else "")
        return text if self.is_plain else text.translate(self._to_plain)

    def all_plain(self, texts: list[str]) -> list[str] | None:
        """Return many numbers in the form with a point; ``None`` if one of them may be unusual."""
        if self.is_plain:
            return texts
        joined = "\n".join(texts)
        if not texts or not self._lines.fullmatch(joined + "\n"):
            return None
        plain = joined.translate(self._to_plain).split("\n")
        return plain if len(plain) == len(texts) else None


USUAL_NUMBERS = NumberText(NumberStyle())
