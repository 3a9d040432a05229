"""Converts the rows with the suggested mapping, and takes as text what the mapping would refuse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from airflow_provider_cdf_records.commands.console import progress
from airflow_provider_cdf_records.commands.conversion import converter
from airflow_provider_cdf_records.commands.opening import source_of
from airflow_provider_cdf_records.commands.proposal import Proposal
from airflow_provider_cdf_records.commands.reading import first_chunks
from airflow_provider_cdf_records.commands.suggestion import Suggestion
from airflow_provider_cdf_records.mapping import Schema, read_mapping
from airflow_provider_cdf_records.records.chunk import Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.storage import StoragePath


def correct(suggestion: Suggestion, files: Sequence[StoragePath], most: int | None) -> None:
    """Try a suggestion, and let each property whose values it refuses take them as text.

    :param most: how many rows to try; by default all.
    """
    refusal = _first_refusal(suggestion, suggestion.proposals, files, most)
    while refusal is not None:
        guilty = [
            proposal
            for proposal in suggestion.proposals
            if proposal.type["type"] not in ("text", "direct") and f".{proposal.name}: " in refusal.message
        ]
        if not guilty:
            return  # not a matter of types; `check` tells it
        for proposal in guilty:
            kind = proposal.type["type"]
            proposal.become_text(f"not all values are {kind}")
        refusal = _first_refusal(suggestion, suggestion.proposals, files, most)


def _first_refusal(
    suggestion: Suggestion, proposals: Iterable[Proposal], files: Sequence[StoragePath], most: int | None
) -> Refusal | None:
    """Return the first row that is refused for the value of one of the properties."""
    source = source_of(files, suggestion.file_format, suggestion.file_options)
    schema = Schema([suggestion.definition], complete=True)
    convert = converter(read_mapping(suggestion.mapping), schema, source)
    marks = [
        f".{proposal.name}: " for proposal in proposals if proposal.type["type"] not in ("text", "direct")
    ]
    count = 0
    with progress("Trying", source.share) as update:
        for chunk in first_chunks(source, most):
            try:
                refusals = convert(chunk).refusals
            except InvalidArgumentError:
                return None
            for refusal in refusals:
                if any(mark in refusal.message for mark in marks):
                    return refusal
            count += len(chunk.positions)
            update(count)
    return None
