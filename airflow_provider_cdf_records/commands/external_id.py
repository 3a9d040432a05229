"""The external id of a suggestion: the one that the user gave, or one that tells all rows apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.commands.file_profile import FileProfile
from airflow_provider_cdf_records.commands.proposal import ID_LIKE, Proposal, words_of
from airflow_provider_cdf_records.commands.unique_columns import Candidate, Identity
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed

LONGEST = 80  # characters of a column that is not free text
LONGEST_NUMBER = 24  # characters
SEPARATORS = ("/", "|", "~", "#")
COST_OF_SPACES = 5  # in texts: names of things rather than ids
COST_OF_A_MOMENT_ALONE = 4
COSTS = {"timestamp": 1, "date": 1, "text": 2, "enum": 2, "direct": 2, "int32": 3, "int64": 3, "boolean": 5}
COST_OF_ID, COST_OF_MEASUREMENT, COST_OF_LONG_TEXT, COST_OF_FLOAT = 0, 10, 20, 40
TIERS = (5, 10, 20, 40)  # costs: a column of a higher one is only used where those below do not suffice
FREE_TEXT = re.compile(r"comment|message|note|desc|remark|text|title|bemerk|melding|kommentar", re.IGNORECASE)
MEASUREMENT = re.compile(
    r"(?:^|[^a-z])(?:value|values|reading|amount|count|total|sum|mean|avg|min|max|level|temp|temperature|pressure|"
    r"flow|speed|price|cost|quantity|qty|duration|delay|distance|weight|score|result|population|wert|verdi)(?:$|[^a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ExternalId:
    """A format string for external ids, and what is known of it."""

    template: str
    note: str


def identity_for(
    profile: FileProfile, proposals: Sequence[Proposal], file_options: Mapping[str, Any], given: str | None
) -> ExternalId:
    """Return the external id.

    :param given: what the user asks for; by default the smallest set of columns that is unique.
    :raises UsageError: when there is none.
    """
    if given is not None:
        _check_columns_of(given, profile)
        return ExternalId(given, "")
    missing = frozenset(file_options.get("null_values", ()))
    candidates = [
        Candidate(
            proposal.column.name,
            _cost(proposal),
            proposal.column.longest or LONGEST_NUMBER,
            COST_OF_A_MOMENT_ALONE if proposal.type["type"] in ("timestamp", "date") else None,
        )
        for proposal in proposals
        if _can_identify(proposal, missing)
    ]
    found = None
    for most in TIERS:
        found = found or profile.keys.find([candidate for candidate in candidates if candidate.cost <= most])
    if found is None:
        msg = (
            "no set of columns that always have a value tells all rows apart. Say with --external-id what "
            "identifies a row, such as '{tag}/{time}'; of several rows with one external id, the last one "
            "is what the stream holds."
        )
        if absent := [name for name in profile.columns if name in profile.absent]:
            msg += f" Not all rows have {listed(absent)}: is a column named differently in some files?"
        raise UsageError(msg)
    thing = _thing_of_a_time(found, proposals, candidates)
    if thing is not None:
        note = f"{found.columns[0]} alone tells the rows apart, but two rows of one time would be one record"
        return ExternalId(_template([thing, *found.columns], proposals), note)
    return ExternalId(_template(found.columns, proposals), _note(found, profile))


def _can_identify(proposal: Proposal, missing: frozenset[str]) -> bool:
    column = proposal.column
    has_all = not column.nulls and not proposal.nulls and not missing.intersection(column.null_texts)
    is_scalar = proposal.type["type"] != "json" and not proposal.type.get("list")
    is_constant = (
        column.distinct is not None and len(column.distinct) == 1 and not column.kinds and column.rows > 1
    )
    return has_all and is_scalar and not is_constant


def field_of(column: str) -> str:
    """Return the field of a format string that stands for a column."""
    plain = f"{{{column}}}"
    try:
        if list(read_mapping(_mapping(plain)).identity_columns) == [column]:
            return plain
    except InvalidArgumentError:
        pass
    quoted = column.replace('"', '""')
    return f'{{"{quoted}"}}'


def _mapping(external_id: str) -> dict[str, Any]:
    source = {"space": "any", "container": "Any", "properties": {}}
    return {"space": "any", "external_id": external_id, "sources": [source]}


def _check_columns_of(template: str, profile: FileProfile) -> None:
    """Refuse a format string over columns that the file does not have.

    :raises UsageError: naming them.
    """
    try:
        columns = read_mapping(_mapping(template)).identity_columns
    except InvalidArgumentError as error:
        msg = f"--external-id {template!r}: {str(error).removeprefix('mapping: external_id: ')}"
        raise UsageError(msg) from None
    for column in columns:
        if column not in profile.columns and column.partition(".")[0] not in profile.columns:
            known = listed(profile.columns)
            msg = f"--external-id {template!r}: the file has no column {column!r}; it has {known}."
            raise UsageError(msg)


def _cost(proposal: Proposal) -> int:
    if proposal.type["type"] in ("float32", "float64"):
        return COST_OF_FLOAT
    if proposal.column.longest > LONGEST:
        return COST_OF_LONG_TEXT
    if ID_LIKE.search(words_of(proposal.column.name)):
        return COST_OF_ID
    if proposal.type["type"] in ("int32", "int64") and MEASUREMENT.search(words_of(proposal.column.name)):
        return COST_OF_MEASUREMENT
    if proposal.type["type"] == "text" and any(" " in text for text in proposal.column.distinct or ()):
        return COST_OF_LONG_TEXT if FREE_TEXT.search(words_of(proposal.column.name)) else COST_OF_SPACES
    return COSTS.get(proposal.type["type"], COST_OF_LONG_TEXT)


def _template(names: Sequence[str], proposals: Sequence[Proposal]) -> str:
    columns = [proposal.column for proposal in proposals if proposal.column.name in names]
    for separator in SEPARATORS:
        having = [one for one in columns if any(separator in text for text in one.distinct or ())]
        if len(having) <= 1:  # else two pairs of values could give one text
            break
    else:
        separator = SEPARATORS[0]
    return separator.join(map(field_of, names))


def _thing_of_a_time(
    found: Identity, proposals: Sequence[Proposal], candidates: Sequence[Candidate]
) -> str | None:
    """Return the column of what the rows are of, where a time is the only column that tells them apart."""
    kinds = {proposal.column.name: proposal.type["type"] for proposal in proposals}
    if len(found.columns) > 1 or kinds[found.columns[0]] not in ("timestamp", "date"):
        return None
    return next((one.name for one in candidates if one.cost == COST_OF_ID), None)


def _note(found: Identity, profile: FileProfile) -> str:
    few = "the fewest columns" if len(found.columns) > 1 else "a column"
    compared = (
        f"all {found.rows:,} rows"
        if profile.is_whole and found.rows == profile.count
        else f"the first {found.rows:,} rows"
    )
    note = f"{few} found that tell{'' if len(found.columns) > 1 else 's'} {compared} apart"
    if found.copies:
        note += f", apart from {found.copies:,} that are copies of others in all columns"
    return note
