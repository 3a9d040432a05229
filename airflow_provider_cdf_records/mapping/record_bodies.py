"""Writes the records that a mapping has made as JSON, and refuses the rows that have problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, NamedTuple

import msgspec

from airflow_provider_cdf_records.mapping.row_problems import RowProblems
from airflow_provider_cdf_records.mapping.table import Column, Table
from airflow_provider_cdf_records.mapping.types import JsonTexts, written
from airflow_provider_cdf_records.records.bodies import Bodies
from airflow_provider_cdf_records.records.chunk import Records, Refusal
from airflow_provider_cdf_records.records.encoding import CANNOT_ENCODE
from airflow_provider_cdf_records.records.identifiers import identities_of, identity_of
from airflow_provider_cdf_records.records.request import (
    MAX_REQUEST_BYTES,
    REQUEST_END,
    REQUEST_START,
    check_size,
)

FilledColumn = JsonTexts | Column  # as JSON, or values of which some cannot be encoded

RECORDS_AT_ONCE = 100  # whose texts are put together

encode = msgspec.json.Encoder().encode


class Filled(NamedTuple):
    """The properties of the records in one container.

    :param source: the container, as JSON.
    :param columns: the properties by their names, each with a value for every record.
    """

    source: str
    columns: Mapping[str, FilledColumn]


def encode_records(
    table: Table,
    spaces: list[str],
    external_ids: list[str],
    sources: Sequence[Filled] | None,
    problems: RowProblems,
) -> Records:
    """Return the records of the rows of a table, encoded.

    :param sources: their properties; ``None`` for records that are an identity alone.
    :param problems: of the rows; those that have any are refused.
    """
    positions, rows, refusals = table.positions, table.rows, list(table.refusals)
    request = _together(spaces, external_ids, sources)
    bodies: Sequence[bytes] = () if request is None else Bodies(request, len(rows))
    if request is None:
        bodies = _one_by_one(spaces, external_ids, sources, problems)
    if problems:
        refusals += [
            Refusal(
                positions[index],
                rows[index],
                why,
                None if index in problems.unidentified else identity_of(spaces[index], external_ids[index]),
            )
            for index, why in problems.messages().items()
        ]
        is_good = [index not in problems for index in range(len(rows))]
        positions, rows, spaces, external_ids, bodies = (
            list(compress(column, is_good)) for column in (positions, rows, spaces, external_ids, bodies[:])
        )
        request = None
    identities = identities_of(spaces, external_ids)
    return Records(positions, identities, bodies, rows, refusals, request)


def _together(spaces: list[str], external_ids: list[str], sources: Sequence[Filled] | None) -> bytes | None:
    """Return the body of a request with all records; ``None`` where that is not possible.

    It is put together from the columns, so that little Python runs for each record.
    """
    pieces = _Pieces()
    pieces.add(",{")
    if not (spaces and pieces.add_fields({"space": written(spaces), "externalId": written(external_ids)})):
        return None
    for number, source in enumerate(sources or ()):
        pieces.add("," if number else ',"sources":[')
        pieces.add(f'{{"source":{source.source},"properties":{{')
        if not pieces.add_fields(source.columns):
            return None
        pieces.add("}}")
    pieces.add("}" if sources is None else "]}")
    request = pieces.request(len(spaces))
    return request if len(request) <= MAX_REQUEST_BYTES else None


class _Pieces:
    """The pieces of which each record's JSON consists: a text of all records, or a list of one for each."""

    def __init__(self) -> None:
        self._pieces: list[str | list[str]] = []

    def add(self, text: str) -> None:
        """Add a text that all records have."""
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, str):
            self._pieces[-1] = last + text
        else:
            self._pieces.append(text)

    def add_fields(self, fields: Mapping[str, FilledColumn | None]) -> bool:
        """Add the fields of an object, and return whether all of them are JSON.

        Where one has no value, neither it nor a comma may be left. So the commas stand around the first field
        that all records have.
        """
        columns = {f"{encode(name).decode()}:": column for name, column in fields.items()}
        have_field = False
        before: list[list[str]] = []
        for name, column in columns.items():
            if not isinstance(column, JsonTexts):
                return False
            if column.missing:
                if not have_field:
                    before.append(column.within(name, ","))
                elif column.lacks_few:
                    self._add_where_present(f",{name}{column.before}", column)
                else:
                    self._pieces.append(column.within(f",{name}", ""))
                continue
            self._pieces += before
            before = []
            self.add(f"{',' if have_field else ''}{name}{column.before}")
            self._pieces.append(column.texts)
            self.add(column.after)
            have_field = True
        if before:  # without the comma at the end
            self._pieces.append([text[:-1] for text in map("".join, zip(*before, strict=True))])
        return True

    def _add_where_present(self, before: str, column: JsonTexts) -> None:
        """Add what stands before a field, the field, and what stands after it, except where it is missing."""
        last = self._pieces[-1]
        start = last if isinstance(last, str) else ""
        if start:
            self._pieces.pop()
        count = len(column.texts)
        pieces = [([start + before] * count, start), ([*column.texts], "")]
        if column.after:
            pieces.append(([column.after] * count, ""))
        for texts, rest in pieces:
            for index in column.missing:
                texts[index] = rest
            self._pieces.append(texts)

    def request(self, count: int) -> bytes:
        """Return the body of a request of so many records; each piece of them begins with a comma."""
        size = len(self._pieces)
        parts: list[str] = [""] * (size * count)
        for number, piece in enumerate(self._pieces):
            parts[number::size] = [piece] * count if isinstance(piece, str) else piece
        parts[0] = parts[0][1:]
        step = size * RECORDS_AT_ONCE  # large texts are slow, since the system has to find memory for them
        texts = ("".join(parts[start : start + step]).encode() for start in range(0, len(parts), step))
        return b"".join((REQUEST_START, *texts, REQUEST_END))


def _one_by_one(
    spaces: list[str], external_ids: list[str], sources: Sequence[Filled] | None, problems: RowProblems
) -> list[bytes]:
    """Return the bodies of the records, empty ones of those that have problems; new problems are added."""
    every = [
        (
            msgspec.Raw(source.source.encode()),
            {
                name: column.raws() if isinstance(column, JsonTexts) else column
                for name, column in source.columns.items()
            },
        )
        for source in sources or ()
    ]
    bodies = []
    for index, (space, external_id) in enumerate(zip(spaces, external_ids, strict=True)):
        record: dict[str, Any] = {"space": space, "externalId": external_id}
        if sources is not None:
            record["sources"] = [
                {"source": source, "properties": _properties(columns, index)} for source, columns in every
            ]
        bodies.append(b"" if index in problems else _encode_one(record, index, problems))
    return bodies


def _properties(columns: Mapping[str, Column], index: int) -> dict[str, Any]:
    values = ((name, column[index]) for name, column in columns.items())
    return {name: value for name, value in values if value is not msgspec.UNSET}


def _encode_one(record: Any, index: int, problems: RowProblems) -> bytes:
    try:
        body = encode(record)
        check_size(body)
    except CANNOT_ENCODE as error:
        problems.add({index: str(error)})
        return b""
    return body
