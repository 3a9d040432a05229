"""Format strings over the columns of a row, such as ``{tag}-{time}``."""

from __future__ import annotations

from string import Formatter

from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.mapping.types import Problems, as_texts
from airflow_provider_cdf_records.records.errors import InvalidArgumentError


class Template:
    """A format string; ``{{`` and ``}}`` stand for braces.

    :ivar columns: the columns that it names, in the order of the text.
    :raises InvalidArgumentError: when the text is not a format string with column names only.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            msg = f"format string {text!r}: {error}"
            raise InvalidArgumentError(msg) from None
        fields = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
        for name, spec, conversion in fields:
            if not name or spec or conversion:
                msg = f"format string {text!r}: use plain {{column}}, without a format or conversion"
                raise InvalidArgumentError(msg)
        self.columns = [name for name, _, _ in fields]
        self._format = "".join(
            literal.replace("{", "{{").replace("}", "}}") + ("{}" if name is not None else "")
            for literal, name, _, _ in parts
        )

    def fill(self, table: Table) -> tuple[list[str], Problems]:
        """Return the text of each row, and the problems of rows without one."""
        columns: list[list[str]] = []
        found = RowProblems()
        for name in self.columns:
            texts, problems_here = as_texts(table.column(name))
            columns.append(texts)
            found.add(problems_here, f"column {name!r}: ")
        problems = found.messages()
        if self._format == "{}":
            return columns[0], problems
        if not columns:
            return [self._format.format()] * len(table.rows), problems
        return list(map(self._format.format, *columns)), problems
