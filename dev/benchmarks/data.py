"""The data: the same alarms as API-shaped NDJSON, flat NDJSON, CSV and Parquet; the same on every machine."""

from __future__ import annotations

import csv
import json
import random
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from dev.benchmarks.facts import ASSETS, CONTAINER, SPACE, WORK

VERSION = 1  # of what is generated; files of another one are not reused
SEED = 20260102
START = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
ROW_GROUP = 50_000
WARM_UP = 10  # records of the small load that precedes each measured one
MISSING = 0.01  # share of alarms without a reading
COLUMNS = ("id", "tag", "time", "severity", "reading", "acknowledged", "pump_id")
SEVERITIES, WEIGHTS = ("low", "medium", "high", "critical"), (60, 25, 12, 3)
UNITS = ("PT", "TT", "FT", "LT", "XV", "VT")

Row = tuple[str, str, datetime, str, "float | None", bool, str]


@dataclass(frozen=True)
class Files:
    """One set of rows, in each of the shapes."""

    folder: Path

    @property
    def api(self) -> Path:
        """NDJSON of records in the API's form."""
        return self.folder / "api.ndjson"

    @property
    def flat(self) -> Path:
        """NDJSON of flat rows."""
        return self.folder / "flat.ndjson"

    @property
    def csv(self) -> Path:
        """CSV with a header; a missing value is an empty field."""
        return self.folder / "flat.csv"

    @property
    def parquet(self) -> Path:
        """Parquet with natural types, in row groups."""
        return self.folder / "flat.parquet"


def files(records: int, repeated: float = 0.0) -> Files:
    """Return the files of so many rows; they are created if they do not exist.

    :param repeated: the share of rows that repeat the identity of an earlier one.
    """
    name = f"{records}" + (f"-repeated-{repeated:g}" if repeated else "")
    folder = WORK / "data" / f"v{VERSION}" / name
    if not folder.exists():
        print(f"Generating {records:,} records in {folder.parent.name}/{name} ...", file=sys.stderr)
        partial = folder.with_name(f"{name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write(Files(partial), records, repeated)
        partial.rename(folder)
    return Files(folder)


def _rows(records: int, repeated: float) -> Iterator[Row]:
    chance = random.Random(SEED)  # noqa: S311 (data to measure with)
    time = START
    for at in range(records):
        number = chance.randrange(at) if at and chance.random() < repeated else at
        time += timedelta(milliseconds=chance.randrange(1, 2000))
        pump = chance.randrange(500)
        tag = f"23-{UNITS[pump % len(UNITS)]}-{90_000 + pump}"
        reading = None if chance.random() < MISSING else round(chance.gauss(50, 20), 3)
        severity = chance.choices(SEVERITIES, WEIGHTS)[0]
        yield f"alarm-{number:010d}", tag, time, severity, reading, chance.random() < 0.5, f"pump-{pump:04d}"  # noqa: PLR2004


def _write(target: Files, records: int, repeated: float) -> None:
    """Write all shapes in one go, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = (pa.string(), pa.string(), pa.timestamp("ms", "UTC"), pa.string(), pa.float64(), pa.bool_())
    schema = pa.schema(list(zip(COLUMNS, (*types, pa.string()), strict=True)))
    rows = _rows(records, repeated)
    with ExitStack() as stack:
        api, flat, table = (
            stack.enter_context(path.open("w", encoding="utf-8", newline=""))
            for path in (target.api, target.flat, target.csv)
        )
        parquet = stack.enter_context(pq.ParquetWriter(target.parquet, schema))
        separated = csv.writer(table, lineterminator="\n")
        separated.writerow(COLUMNS)
        while group := [row for _, row in zip(range(ROW_GROUP), rows, strict=False)]:
            texts = [(row, _text(row[2])) for row in group]
            api.writelines(_line(_record(row, time)) for row, time in texts)
            flat.writelines(
                _line(dict(zip(COLUMNS, (*row[:2], time, *row[3:]), strict=True))) for row, time in texts
            )
            separated.writerows(
                (*row[:2], time, row[3], row[4], str(row[5]).lower(), row[6]) for row, time in texts
            )
            parquet.write_table(pa.table(list(zip(*group, strict=True)), schema=schema))


def _record(row: Row, time: str) -> dict[str, Any]:
    number, tag, _, severity, reading, acknowledged, pump = row
    properties = {
        "tag": tag,
        "time": time,
        "severity": severity,
        "value": reading,
        "acknowledged": acknowledged,
        "pump": {"space": ASSETS, "externalId": pump},
    }
    source = {"type": "container", "space": SPACE, "externalId": CONTAINER}
    return {
        "space": SPACE,
        "externalId": number,
        "sources": [{"source": source, "properties": properties}],
    }


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(item: dict[str, Any]) -> str:
    return json.dumps(item, separators=(",", ":")) + "\n"
