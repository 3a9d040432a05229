"""The feed of a stream's changes, and the cursors that it is read with."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from airflow_provider_cdf_records.local_server.checks.reading import bad_request
from airflow_provider_cdf_records.local_server.language.filters import Fields
from airflow_provider_cdf_records.local_server.language.selection import Select
from airflow_provider_cdf_records.local_server.state.store import Store, StoredRecord

AGO = re.compile(r"(\d{1,6})([smhdw])-ago")
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
MAX_POSITION = 2**62


def start_of(store: Store, stream_id: str, query: dict[str, Any]) -> int:
    """Return the position that ``cursor`` or ``initializeCursor`` names."""
    cursor, ago = query.get("cursor"), query.get("initializeCursor")
    if (cursor is None) == (ago is None):
        raise bad_request("expected either cursor or initializeCursor.")
    if cursor is not None:
        return _position(stream_id, cursor)
    parts = AGO.fullmatch(ago) if isinstance(ago, str) else None
    if parts is None:
        raise bad_request(f"initializeCursor: expected a duration such as '7d-ago', got {ago!r}.")
    since = store.clock.now_ms() - int(parts[1]) * UNIT_MS[parts[2]]
    return store.seq_before(stream_id, since)


def cursor_at(stream_id: str, position: int) -> str:
    """Return a cursor to go on from a position with."""
    return base64.urlsafe_b64encode(f"{stream_id}:{position}".encode()).decode()


def change(record: StoredRecord, fields: Fields, select: Select) -> dict[str, Any]:
    """Return a change as it is answered; a tombstone has no properties."""
    if record.deleted:
        return {name: value for name, value in fields.items() if name != "properties"} | {"status": "deleted"}
    status = "created" if record.created == record.updated else "updated"
    return fields | {"properties": select(fields["properties"]), "status": status}


def _position(stream_id: str, cursor: object) -> int:
    try:
        of_stream, _, position = base64.urlsafe_b64decode(str(cursor)).decode().rpartition(":")
        if of_stream == stream_id and 0 <= int(position) <= MAX_POSITION:
            return int(position)
    except (ValueError, binascii.Error):
        pass
    raise bad_request("cursor: not a cursor of this stream.")
