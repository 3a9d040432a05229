"""The file that the demo loads: rows whose identities repeat, near each other and far apart."""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta, timezone
from pathlib import Path

REPEATS = 4  # rows an identity, about
STEP = 1_000_003  # a prime: one row's identity is far from the next one's
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NONE = -1  # of an identity that no row has


def name_of(identity: int) -> str:
    return f"meter-{identity:07d}"


def value_of(row: int) -> float:
    return row / 8  # exact as text and as a float


def write_rows(path: Path, rows: int) -> array[int]:
    """Write a CSV file, and return of each identity the number of its last row."""
    identities = max(rows // REPEATS, 1) | 1
    last = array("q", [NONE]) * identities
    with path.open("w", encoding="utf-8") as file:
        file.write("meter,value,unit,number,time\n")
        for row in range(rows):
            identity = (row - (row % 10 == 9)) * STEP % identities  # each tenth repeats the one before  # noqa: PLR2004
            last[identity] = row
            moment = START + timedelta(seconds=row)
            file.write(f"{name_of(identity)},{value_of(row)},m3,{row},{moment.isoformat()}\n")
    return last
