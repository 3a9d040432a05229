"""Format strings over the columns of a row, such as ``{tag}-{time}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.table import Table
from airflow_provider_cdf_records.mapping.types import NOTHING_MISSING, Missing, Problems, as_texts
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import shortened

PART = re.compile(
    r"""
    (?P<literal> (?: [^{}] | \{\{ | \}\} )+ )
    | \{ (?: "(?P<quoted> (?: [^"] | "" )* )" | (?P<plain> [^{}":!] [^{}:!]* ) )
         (?: : (?P<spec> [^{}]* ) )? \}
    """,
    re.VERBOSE | re.DOTALL,
)
TEXT_SPEC = re.compile(r"(?:[^{}]?[<>^])?(?:[1-9][0-9]{0,2})?", re.DOTALL)
INTEGER_SPEC = re.compile(r"0?(?:[1-9][0-9]{0,2})?d?")
INTEGER = re.compile(r"[+-]?[0-9]{1,256}")
HOW = (
    "use plain {column}, or a width such as {column:0>2} or {column:02d}; "
    'put a name with : ! or braces into quotes: {"a:b"}'
)


class _Column(NamedTuple):
    name: str
    spec: str


class Template:
    """A format string; ``{{`` and ``}}`` stand for braces.

    After a colon, a field may say how to fill the value's text up to a width: ``{month:0>2}``, with any
    character and ``<``, ``>`` or ``^``; ``{number:05d}`` does so for integers, and refuses other values. A
    name between quotes stands as it is, with quotes in it doubled: ``{"Time:UTC"}``.

    :ivar columns: the columns that it names, in the order of the text.
    :raises InvalidArgumentError: when the text is no such format string.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        parts = list(self._parts())
        self._columns = [part for part in parts if isinstance(part, _Column)]
        self.columns = [column.name for column in self._columns]
        self._format = "".join("{}" if isinstance(part, _Column) else part for part in parts)

    def _parts(self) -> Iterator[str | _Column]:
        """Yield literal texts, in which braces are doubled, and columns."""
        end = 0
        while end < len(self.text):
            found = PART.match(self.text, end)
            if found is None:
                self._refuse(HOW)
            end = found.end()
            if found["literal"] is not None:
                yield found["literal"]
                continue
            quoted, spec = found["quoted"], found["spec"] or ""
            name = found["plain"] if quoted is None else quoted.replace('""', '"')
            if not name:
                self._refuse(HOW)
            if not TEXT_SPEC.fullmatch(spec) and not INTEGER_SPEC.fullmatch(spec):
                self._refuse(f"format {spec!r} is not supported; {HOW}")
            yield _Column(name, spec)

    def _refuse(self, why: str) -> NoReturn:
        msg = f"format string {shortened(self.text)!r}: {why}"
        raise InvalidArgumentError(msg)

    def fill(self, table: Table, missing: Missing = NOTHING_MISSING) -> tuple[list[str], Problems]:
        """Return the text of each row, and the problems of rows without one.

        :param missing: finds the values that mean that there is none.
        """
        columns: list[list[str]] = []
        found = RowProblems()
        for name, spec in self._columns:
            texts, problems_here = as_texts(missing.clean(table.column(name, exact=True)))
            if spec:
                texts = _formatted(texts, spec, problems_here)
            columns.append(texts)
            found.add(problems_here, f"column {name!r}: ")
        problems = found.messages()
        if self._format == "{}":
            return columns[0], problems
        if not columns:
            return [self._format.format()] * len(table.rows), problems
        return list(map(self._format.format, *columns)), problems


def _formatted(texts: list[str], spec: str, problems: Problems) -> list[str]:
    """Return texts in a format; the problems of those that it is not for are added."""
    if TEXT_SPEC.fullmatch(spec):
        return [format(text, spec) for text in texts]
    result = []
    for index, text in enumerate(texts):
        is_integer = INTEGER.fullmatch(text.strip()) is not None
        if not is_integer and index not in problems:
            problems[index] = f"expected an integer for the format {spec!r}, got {shortened(text)!r}"
        result.append(format(int(text), spec) if is_integer else "")
    return result
