"""How many values the rows of a CSV file must have, and which rows are blank."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Values = list[str]


class Shape:
    """Fits rows to the columns: surplus values that are empty are cut, blank rows are left out.

    :param names: of the columns, as the header has them; those at the end may be empty, and rows need no
        values for them.
    :param nulls: texts that stand for no value.
    :param is_given: whether the user named the columns, not the file.
    """

    def __init__(self, names: Sequence[str], nulls: Collection[str], *, is_given: bool = False) -> None:
        self.width = len(names)
        self._names = names
        self._least = max((number for number, name in enumerate(names, start=1) if name.strip()), default=1)
        self._nulls = nulls
        self._are_empty_rows_blank = "" in nulls
        self._is_given = is_given

    def fit_all(self, rows: list[Values]) -> list[Values] | None:
        """Return rows that fit, without the blank ones; ``None`` when one of them does not fit."""
        if not all(map(any, rows)):
            rows = [row for row in rows if not self.is_blank(row)]
        if set(map(len, rows)) <= {self.width}:
            return rows
        fitted = []
        for row in rows:
            fitting = self.fit(row)
            if fitting is None:
                return None
            fitted.append(fitting)
        return fitted

    def fit(self, row: Values) -> Values | None:
        """Return a row with a value for each column; ``None`` when it has more or fewer."""
        width, surplus = self.width, len(row) - self.width
        if not surplus:
            return row
        if surplus > 0:
            is_padded = not any(value.strip() and value not in self._nulls for value in row[width:])
            return row[:width] if is_padded else None
        return [*row, *[""] * -surplus] if len(row) >= self._least else None

    def is_blank(self, row: Values) -> bool:
        """Whether a row is a blank line, or has nothing but empty values, as in ``;;;``."""
        if not any(row):
            return self._are_empty_rows_blank or len(row) != self.width
        return len(row) == 1 < self.width and not row[0].strip()

    def name_of(self, number: int) -> str:
        """Return a column in words; the first one has the number 0."""
        return f"column {self._names[number]!r}" if number < self.width else f"column {number + 1}"

    def problem_of(self, row: Values) -> str:
        """Return why a row does not fit."""
        if self._is_given:
            return (
                f"must have {self.width} values, as header in file_options names columns, got {len(row)}; "
                "name every column of the file"
            )
        return f"must have {self.width} values, as the header has, got {len(row)}"
