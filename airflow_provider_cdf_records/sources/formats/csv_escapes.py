"""What stands after the escapechar of a CSV file."""

from __future__ import annotations

import re


class Escapes:
    """Tells escapes that Python's ``csv`` reads as they are meant from those that it does not.

    It drops the escapechar, whatever follows. That is right before a quote, a delimiter, a line end and the
    escapechar itself. Databases write more: ``\\N`` alone for a missing value, ``\\n`` for a line end.
    """

    def __init__(self, escapechar: str, delimiter: str) -> None:
        escape, between = re.escape(escapechar), re.escape(delimiter)
        self._null = re.compile(rf"(?:\A|(?<=[\r\n])|(?<={between})){escape}N(?=[\r\n]|{between}|\Z)")
        self._kept = f"{escapechar}{escapechar}N".replace("\\", "\\\\")
        self._letter = re.compile(rf"(?<!{escape})(?:{escape}{escape})*({escape}[0-9A-Za-z])")

    def keep_nulls(self, text: str) -> str:
        """Return lines in which ``\\N`` alone stays what it is, for ``null_values`` to name it."""
        return self._null.sub(self._kept, text)

    def letter_in(self, text: str) -> str | None:
        """Return an escape of a letter or digit in a text; ``None`` where it has none."""
        found = self._letter.search(text)
        return None if found is None else found[1]
