"""The feed of a stream's changes, and the cursors to read it with."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from airflow_provider_cdf_records.local_server.checks.reading import bad_request
from airflow_provider_cdf_records.local_server.language.filters import Fields
from airflow_provider_cdf_records.local_server.language.selection import Select

AGO = re.compile(r"(\d{1,6})([smhdw])-ago")
UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
MAX_SEQ = 2**62


def start_of(stream_id: str, query: dict[str, Any], seq_ago: Callable[[int], int]) -> int:
    """Return the ``seq`` after which the changes that ``cursor`` or ``initializeCursor`` asks for begin.

    :param seq_ago: returns that ``seq`` for changes since so many milliseconds ago.
    """
    cursor, ago = query.get("cursor"), query.get("initializeCursor")
    if (cursor is None) == (ago is None):
        raise bad_request("expected either cursor or initializeCursor.")
    if cursor is not None:
        return _seq_in(stream_id, cursor)
    parts = AGO.fullmatch(ago) if isinstance(ago, str) else None
    if parts is None:
        raise bad_request(f"initializeCursor: expected a duration such as '7d-ago', got {ago!r}.")
    return seq_ago(int(parts[1]) * UNIT_MS[parts[2]])


def cursor_at(stream_id: str, seq: int) -> str:
    """Return the cursor that asks for the changes after a ``seq``."""
    return base64.urlsafe_b64encode(f"{stream_id}:{seq}".encode()).decode()


def change(fields: Fields, select: Select, *, deleted: bool) -> dict[str, Any]:
    """Return a change as it is answered; a tombstone has no properties."""
    if deleted:
        return {name: value for name, value in fields.items() if name != "properties"} | {"status": "deleted"}
    status = "created" if fields["createdTime"] == fields["lastUpdatedTime"] else "updated"
    return fields | {"properties": select(fields["properties"]), "status": status}


def _seq_in(stream_id: str, cursor: object) -> int:
    try:
        of_stream, _, seq = base64.urlsafe_b64decode(str(cursor)).decode().rpartition(":")
        if of_stream == stream_id and 0 <= int(seq) <= MAX_SEQ:
            return int(seq)
    except (ValueError, binascii.Error):
        pass
    raise bad_request("cursor: not a cursor of this stream.")
