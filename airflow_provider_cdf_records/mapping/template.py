"""Format strings over the columns of a row, such as ``{tag}-{time}``."""

from __future__ import annotations

from string import Formatter

from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.mapping.types.values import as_texts
from airflow_provider_cdf_records.records.errors import InvalidArgumentError


class Template:
    """A format string; ``{{`` and ``}}`` stand for braces.

    :ivar columns: the columns that it names, in the order of the text.
    :raises InvalidArgumentError: when it is none.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            parts = list(Formatter().parse(text))
        except ValueError as error:
            msg = f"format string {text!r}: {error}"
            raise InvalidArgumentError(msg) from None
        named = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
        for name, spec, conversion in named:
            if not name or spec or conversion:
                msg = f"format string {text!r}: use plain {{column}}, without a format or conversion"
                raise InvalidArgumentError(msg)
        self.columns = [name for name, _, _ in named]
        self._format = "".join(
            literal.replace("{", "{{").replace("}", "}}") + ("{}" if name is not None else "")
            for literal, name, _, _ in parts
        )

    def fill(self, table: Table) -> tuple[list[str], dict[int, str]]:
        """Return the text of each row, and by index what is wrong with the others."""
        texts: list[list[str]] = []
        wrong: dict[int, str] = {}
        for name in self.columns:
            column, wrong_here = as_texts(table.column(name))
            texts.append(column)
            wrong |= {at: f"column {name!r}: {why}" for at, why in wrong_here.items()}
        if self._format == "{}":
            return texts[0], wrong
        if not texts:
            return [self._format.format()] * len(table.rows), wrong
        return list(map(self._format.format, *texts)), wrong
