"""What must have come of the demo for it to end well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dev.demo.in_airflow import NotAsShown


def expect(holds: bool, otherwise: str) -> None:
    """:raises NotAsShown: it does not hold."""
    if not holds:
        raise NotAsShown(otherwise)


def check_rejected(summary: Mapping[str, Any], lines: list[dict[str, Any]], rejected: int) -> None:
    """All rows but so many are stored, and the file has those, each with its place and a reason."""
    expect(
        summary["rejected"] == rejected and summary["upserted"] == summary["read"] - rejected,
        f"{summary['upserted']} rows are stored and {summary['rejected']} rejected, of {summary['read']}",
    )
    expect(len(lines) == rejected, f"the rejected-records file has {len(lines)} rows")
    expect(all(line["where"] and line["message"] for line in lines), "a rejected row has no reason")


def check_mended(summary: Mapping[str, Any], rows: int) -> None:
    expect(
        summary["read"] == summary["upserted"] == rows and not summary["rejected"],
        f"of {rows} mended rows, {summary['upserted']} are stored",
    )


def check_waited(accepted: datetime, seen: datetime, delay: float) -> None:
    """A sensor must not end before queries can see the records."""
    waited = (seen - accepted).total_seconds()
    expect(waited >= delay, f"the sensor ended after {waited:.1f} s, before the records could be queried")


def check_nothing_lost(summary: Mapping[str, Any], faults: int, before: int, stored: int) -> None:
    """There were faults and retries, and the stream holds every row that was not rejected."""
    expect(faults > 0, "no request failed")
    expect(summary["retries"] > 0, f"there were no retries, but {faults} faults")
    parts = summary["upserted"] + summary["superseded"] + summary["rejected"]
    expect(summary["read"] == parts, f"{summary['read']} rows were read, and {parts} are accounted for")
    expect(
        stored == before + summary["identities"],
        f"the stream holds {stored} records, not {before + summary['identities']}",
    )


def check_event(events: list[tuple[str, str]], due: list[str], loads: int, uri: str, dag_id: str) -> None:
    expect(
        [asset for asset, _ in events] == [uri] * loads,
        f"{loads} loads made these events of assets: {events}",
    )
    expect(due == [dag_id], f"due by these events are {due or 'no DAGs'}, not {dag_id}")


def rejected_lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a rejected-records file."""
    expect(path.exists(), f"there is no {path.name}")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
