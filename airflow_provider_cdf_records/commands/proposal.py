"""A property that is proposed for a column."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_cdf_records.commands.columns import Column
from airflow_provider_cdf_records.commands.numbers import DECIMAL_POINT, DetectedStyle
from airflow_provider_cdf_records.records.identifiers import shortened

MOST_DOUBTFUL = 3  # texts that are named
ID_LIKE = re.compile(
    r"#|(?:^|[^a-z])(?:id|ids|key|uuid|guid|code|tag|serial|no|nr|number|identifier)(?:$|[^a-z])",
    re.IGNORECASE,
)


def words_of(name: str) -> str:
    """Return a name such as ``pumpId`` with its words apart."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)


@dataclass
class Proposal:
    """A property, and where its values come from.

    :param type: as a container's definition has it.
    :param options: what the mapping says beside the column.
    :param style: how its numbers are written.
    :param nulls: texts that stand for no value.
    :param notes: what was guessed, and why.
    :param warnings: what a load will reject, or may shift without a word; a terminal shows it.
    """

    column: Column
    name: str
    type: dict[str, Any] = field(default_factory=lambda: {"type": "text"})
    options: dict[str, Any] = field(default_factory=dict)
    style: DetectedStyle = DECIMAL_POINT
    nulls: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    nullable: bool = True

    @property
    def odd(self) -> list[tuple[int, str]]:
        """The values that a load will reject, with their positions."""
        return [] if self.type["type"] in ("text", "direct") else self.column.odd

    def say_what_is_odd(self, where: Callable[[int], str]) -> None:
        """Note the values that do not fit, which a load will reject.

        :param where: says where a position is.
        """
        if odd := self.odd:
            position, text = odd[0]
            kind, count = self.type["type"], len(odd)
            place, _, _ = where(position).partition(" of ")
            values = f"{self.column.texts + count:,} values"
            said = (
                f"{count:,} of {values} {'is' if count == 1 else 'are'} no {kind}, "
                f"such as {shortened(text)!r} in {place}: rejected"
            )
            self.notes.append(f"{said}; write text to keep {'it' if count == 1 else 'them'}")
            self.warnings.append(said)

    def become_text(self, why: str) -> None:
        """Take the values as they are."""
        self.type, self.options, self.style, self.nulls = {"type": "text"}, {}, DECIMAL_POINT, []
        self.notes, self.warnings = [why], []


def common_nulls(proposals: Sequence[Proposal]) -> tuple[list[str], list[str]]:
    """Return the texts that stand for no value in the whole file, and those that do so in some columns only.

    A text that is missing where numbers are expected is missing in columns of text too, unless these hold
    other codes that look like it, such as ``NA`` for Namibia among countries.
    """
    counts = Counter(text for proposal in proposals for text in proposal.nulls)
    texts = [proposal.column for proposal in proposals if not proposal.nulls]
    everywhere = [text for text in counts if not any(_looks_like_a_code(text, column) for column in texts)]
    return everywhere, [text for text in counts if text not in everywhere]


def doubtful_nulls(proposal: Proposal, everywhere: Collection[str]) -> list[str]:
    """Return the texts that stay texts in a column, and yet may stand for no value; the most frequent few."""
    if proposal.nulls:
        return []
    column = proposal.column
    found = [text for text, _ in column.null_texts.most_common() if text.strip() and text not in everywhere]
    return [text for text in found if not _looks_like_a_code(text, column)][:MOST_DOUBTFUL]


def _looks_like_a_code(text: str, column: Column) -> bool:
    """Whether a text is like most others of a column, such as ``none`` among ``low`` and ``high``."""
    if not column.null_texts.get(text) or not text.isalpha():
        return False
    others = [value for value in column.distinct or () if value != text and value]
    alike = [
        value
        for value in others
        if value.isalpha()
        and (value.islower() if text.islower() else value.isupper() and len(value) == len(text))
    ]
    return 2 * len(alike) > len(others)
