"""A suggestion: what is to be written, as data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.commands.external_id import ExternalId
from airflow_provider_cdf_records.commands.file_profile import FileProfile
from airflow_provider_cdf_records.commands.numbers import DECIMAL_POINT, DetectedStyle
from airflow_provider_cdf_records.commands.proposal import Proposal, common_nulls, doubtful_nulls
from airflow_provider_cdf_records.commands.sniffing import FileKind

NOT_EVERYWHERE = "not in all files"
EMPTY = ""  # what stands for no value in a text file by default


@dataclass
class Suggestion:
    """All that ``suggest`` has found out about a file."""

    path: str
    space: str
    container: str
    stream: str
    file_format: str | None
    file_options: dict[str, Any]
    time_zone: str
    identity: ExternalId
    proposals: Sequence[Proposal]
    profile: FileProfile
    notes: list[str]

    @property
    def not_everywhere(self) -> list[str]:
        """The columns that some files do not have, though all rows of a file have the same."""
        return [one.column.name for one in self.proposals if NOT_EVERYWHERE in one.notes]

    @property
    def misfits(self) -> int:
        """How many of the rows that were read a load will reject."""
        odd = {position for proposal in self.proposals for position, _ in proposal.odd}
        return len(odd) + self.profile.unreadable

    @property
    def max_rejected(self) -> float:
        """What a load of the file needs to end well: of a sample a share, since the file has more rows."""
        if self.profile.is_whole:
            return math.ceil(self.misfits / 10) * 10
        return math.ceil(100 * self.misfits / (self.profile.count + self.profile.unreadable)) / 100

    @property
    def mapping(self) -> dict[str, Any]:
        """The mapping, as the operators take it."""
        properties = {proposal.name: _mapped(proposal) for proposal in self.proposals}
        source = {"space": self.space, "container": self.container, "properties": properties}
        mapping: dict[str, Any] = {"space": self.space, "external_id": self.identity.template}
        if self.time_zone != "UTC":
            mapping["time_zone"] = self.time_zone
        return mapping | {"sources": [source]}

    @property
    def definition(self) -> dict[str, Any]:
        """The container, in the API's own form."""
        return {
            "space": self.space,
            "externalId": self.container,
            "usedFor": "record",
            "properties": {
                proposal.name: {"type": proposal.type} | ({} if proposal.nullable else {"nullable": False})
                for proposal in self.proposals
            },
        }


def file_level_options(proposals: Sequence[Proposal], kind: FileKind) -> dict[str, Any]:
    """Return what holds for all columns of a text file, and leave the rest in the proposals."""
    if not kind.is_text:
        for proposal in proposals:
            if proposal.nulls:
                proposal.options["null_values"] = proposal.nulls
        return {}
    options: dict[str, Any] = {}
    everywhere, somewhere = common_nulls(proposals)
    if everywhere:
        options["null_values"] = [EMPTY, *everywhere]
    for proposal in proposals:
        if somewhere and (own := [text for text in proposal.nulls if text in somewhere]):
            proposal.options["null_values"] = [EMPTY, *everywhere, *own]
        if (
            everywhere
            and not proposal.nulls
            and (missing := set(everywhere) & set(proposal.column.null_texts))
        ):
            proposal.notes.append(f"{' and '.join(map(repr, sorted(missing)))} counts as missing here, too")
            proposal.nullable = True
        if doubtful := doubtful_nulls(proposal, everywhere):
            listed = " and ".join(map(repr, doubtful))
            proposal.notes.append(f"{listed} as text: if that means missing, add it to null_values")
    if style := _common_style(proposals):
        return options | style.options
    for proposal in proposals:
        proposal.options |= proposal.style.options
    return options


def _common_style(proposals: Sequence[Proposal]) -> DetectedStyle | None:
    """Return the style in which all numbers with a decimal point or separators are written."""
    styles = {one.style for one in proposals if one.style != DECIMAL_POINT or one.type["type"] == "float64"}
    decimals = {style.decimal for style in styles}
    thousands = {style.thousands for style in styles} - {None}
    if len(decimals) != 1 or len(thousands) > 1:
        return None
    return DetectedStyle(decimals.pop(), next(iter(thousands), None))


def _mapped(proposal: Proposal) -> Any:
    return {"column": proposal.column.name} | proposal.options if proposal.options else proposal.column.name
