"""Converts the rows with the suggested mapping, and takes as text what the mapping would refuse."""

from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_cdf_records.commands.console import progress
from airflow_provider_cdf_records.commands.conversion import converter
from airflow_provider_cdf_records.commands.opening import source_of
from airflow_provider_cdf_records.commands.proposal import Proposal
from airflow_provider_cdf_records.commands.suggestion import Suggestion
from airflow_provider_cdf_records.load.first_rows import FirstRows
from airflow_provider_cdf_records.mapping import Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Refusal
from airflow_provider_cdf_records.sources.storage import StoragePath

NESTED = frozenset({"object", "array"})
FOLD = (
    "some local times occur twice, or not at all, when clocks change: "
    '"fold": "first" takes them by the clock before it'
)


def correct(suggestion: Suggestion, files: Sequence[StoragePath], most: int | None) -> None:
    """Try a suggestion, and let each property whose values it refuses take them as text.

    :param most: how many rows to try; by default all.
    """
    refusal = _first_refusal(suggestion, files, most)
    while refusal is not None:
        refused = [
            proposal
            for proposal in suggestion.proposals
            if _can_give_way(proposal) and f".{proposal.name}: " in refusal.message
        ]
        if not refused:
            return  # other types would not help; the command ``check`` shows why it is refused
        for proposal in refused:
            _give_way(proposal, suggestion.time_zone)
        refusal = _first_refusal(suggestion, files, most)


def _can_give_way(proposal: Proposal) -> bool:
    """Whether other types take more values; as text, every object and array would be refused."""
    kind = proposal.type["type"]
    return kind not in ("text", "direct") and not (
        kind == "json" and NESTED.intersection(proposal.column.kinds)
    )


def _give_way(proposal: Proposal, time_zone: str) -> None:
    """Take values as they are; of local times, first those that exist twice or not at all."""
    kind = proposal.type["type"]
    if kind == "timestamp" and time_zone != "UTC" and "fold" not in proposal.options:
        proposal.options["fold"] = "first"
        proposal.notes.append("when clocks change, the time by the clock before it (fold)")
        proposal.warnings.append(FOLD)
    elif NESTED.intersection(proposal.column.kinds):
        proposal.type, proposal.notes = {"type": "json"}, [f"not all values are lists of {kind}"]
    else:
        proposal.become_text(f"not all values are {kind}")


def _first_refusal(suggestion: Suggestion, files: Sequence[StoragePath], most: int | None) -> Refusal | None:
    """Return the first row that is refused for the value of one of the properties."""
    source = source_of(files, suggestion.file_format, suggestion.file_options)
    schema = Schema([suggestion.definition], complete=True)
    convert = converter(read_mapping(suggestion.mapping), schema, source, is_whole=most is None)
    marks = [f".{proposal.name}: " for proposal in suggestion.proposals if _can_give_way(proposal)]
    odd = {
        position for proposal in suggestion.proposals for position, _ in proposal.column.odd
    }  # their rows are to be rejected
    count = 0
    with progress("Trying", source.share) as update:
        for chunk in source if most is None else FirstRows(source, most):
            for refusal in convert(chunk).refusals:
                if refusal.position not in odd and any(mark in refusal.message for mark in marks):
                    return refusal
            count += len(chunk.positions)
            update(count)
    return None
