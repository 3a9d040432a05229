"""The YAML of a suggestion: space, container and stream, with a comment wherever something was guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from airflow_provider_cdf_records.commands.proposal import Proposal
from airflow_provider_cdf_records.commands.suggestion import Suggestion

UNQUOTED = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
# What parsers of YAML take for a boolean or null where it is not quoted.
BOOLEANS_AND_NULL = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def definitions_text(suggestion: Suggestion) -> str:
    """Return the YAML, as the local server and ``check`` take it."""
    return "\n".join(_lines(suggestion)) + "\n"


def _lines(suggestion: Suggestion) -> Iterator[str]:
    profile = suggestion.profile
    yield f"# What the records of {_one_line(suggestion.path)} need in CDF."
    if profile.is_whole:
        yield f"# Types and nullable by all of its {profile.count:,} rows."
        if not all(proposal.nullable for proposal in suggestion.proposals):
            yield "# Leave out 'nullable: false' where values may be missing in later files."
    else:
        seen = f"first {profile.count:,} rows"
        yield f"# Types by its {seen}; with --all, also enums, and what is never missing."
    yield f"spaces: [{_quoted(suggestion.space)}]"
    yield "containers:"
    yield f"  - space: {_quoted(suggestion.space)}"
    yield f"    externalId: {_quoted(suggestion.container)}"
    yield "    usedFor: record"
    yield "    properties:"
    for proposal in suggestion.proposals:
        yield f"      {_quoted(proposal.name)}: {_property(proposal)}{_comment(proposal)}"
    yield f"streams: [{_quoted(suggestion.stream)}]  # from a mutable template"


def _property(proposal: Proposal) -> str:
    name = proposal.type["type"]
    values = proposal.type.get("values")
    parts = [f"type: {name}"]
    if proposal.type.get("list"):
        parts.append("list: true")
    if values:
        parts.append(f"values: {{{', '.join(f'{_quoted(key)}: {{}}' for key in values)}}}")
    if not proposal.nullable:
        parts.append("nullable: false")
    if len(parts) == 1:
        return str(name)
    return f"[{name}]" if parts == [f"type: {name}", "list: true"] else f"{{{', '.join(parts)}}}"


def _comment(proposal: Proposal) -> str:
    column = proposal.column.name
    notes = [] if column == proposal.name else [f"column {json.dumps(column, ensure_ascii=False)}"]
    text = "; ".join(notes + proposal.notes)
    return f"  # {_one_line(text)}" if text else ""


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _quoted(text: str) -> str:
    needs_no_quotes = UNQUOTED.fullmatch(text) and text.lower() not in BOOLEANS_AND_NULL
    return text if needs_no_quotes else json.dumps(text, ensure_ascii=False)
