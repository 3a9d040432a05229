"""Collects what a load would do with the rows of a file, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from airflow_provider_cdf_records.records.chunk import Identity, Records, Row
from airflow_provider_cdf_records.rejected import rejection_of

MOST_IDENTITIES = 1_000_000  # that are remembered, in about 70 MB
MOST_REASONS = 100
EXAMPLES = 3  # of each reason
OTHERS = "other reasons"
PROBLEMS = re.compile(r"; (?=column |space: |external_id: |externalId: |and \d)")  # between those of one row
# What is different from row to row in messages about the same problem: values, and numbers.
VARYING = re.compile(r"\bgot .*?(?=;|$)|'[^']*'(?= is)|\b\d[\d,.]*\b")


@dataclass
class Reason:
    """A reason for which rows would be rejected.

    :param examples: position, message and row.
    """

    count: int = 0
    examples: list[tuple[str, str, str]] = field(default_factory=list)


class Findings:
    """What a load would do.

    :param where: a position in words.
    :param shown: how many records to keep.
    """

    def __init__(self, where: Callable[[int], str], shown: int) -> None:
        self._where = where
        self._shown = shown
        self.records: list[dict[str, Any]] = []
        self.rows = 0
        self.rejected = 0
        self.reasons: dict[str, Reason] = {}
        self.repeated = 0
        self.repeated_identities: list[Identity] = []
        self._identities: set[int] = set()
        self.compared = 0

    def add(self, records: Records) -> None:
        """Look at the records and refusals of a chunk."""
        self.rows += len(records.bodies) + len(records.refusals)
        for body in records.bodies[: self._shown - len(self.records)]:
            self.records.append(msgspec.json.decode(body))
        for refusal in records.refusals:
            self._refuse(refusal.position, refusal.row, refusal.message)
        if len(self._identities) < MOST_IDENTITIES:
            self._compare(records.identities)

    def _refuse(self, position: int, row: Row, message: str) -> None:
        """Count each problem of a row by what is wrong, whatever the value."""
        self.rejected += 1
        for problem in PROBLEMS.split(message):
            key = VARYING.sub("...", problem)
            if key not in self.reasons and len(self.reasons) >= MOST_REASONS:
                key = OTHERS
            reason = self.reasons.setdefault(key, Reason())
            reason.count += 1
            if len(reason.examples) < EXAMPLES:
                rejection = rejection_of(self._where(position), position, row, problem)
                text = rejection.record if isinstance(rejection.record, str) else rejection.record.decode()
                reason.examples.append((rejection.where, problem, text))

    def _compare(self, identities: list[Identity]) -> None:
        self.compared += len(identities)
        known = self._identities
        for identity in identities:
            key = hash(identity)
            if key in known:
                self.repeated += 1
                if len(self.repeated_identities) < EXAMPLES:
                    self.repeated_identities.append(identity)
            else:
                known.add(key)
