"""A list of changed records that stays short: Airflow keeps it in its metadata database."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Listed:
    """The first changes, up to a number and a size.

    Once one does not fit, none is added any more, so that what is listed is what came first.

    :param max_records: how many to list at most.
    :param max_bytes: how many bytes of JSON to list at most.
    :param with_properties: whether to list properties; CDF may return them unasked.
    :ivar records: ``{"space", "externalId", "status"[, "properties"]}`` each.
    """

    max_records: int = sys.maxsize
    max_bytes: int = sys.maxsize
    with_properties: bool = True
    records: list[dict[str, Any]] = field(default_factory=list)
    is_full: bool = False
    size: int = 0

    def add(self, item: dict[str, Any]) -> None:
        """List a change if it fits; one whose properties alone are too large loses them."""
        if self.is_full:
            return
        record = self._short(item)
        size = _size(record)
        if not self.records and size > self.max_bytes:
            record.pop("properties", None)
            size = _size(record)
        if len(self.records) >= self.max_records or self.size + size > self.max_bytes:
            self.is_full = True
            return
        self.records.append(record)
        self.size += size

    def _short(self, item: dict[str, Any]) -> dict[str, Any]:
        record = {name: item.get(name) for name in ("space", "externalId", "status")}
        if self.with_properties and item.get("properties"):
            record["properties"] = item["properties"]
        return record


def _size(record: dict[str, Any]) -> int:
    import msgspec  # noqa: PLC0415 (costs time when parsed)

    return len(msgspec.json.encode(record))
