"""What `suggest` writes loads without an edit: `check` and the local server are the judges."""

from __future__ import annotations

import shutil
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_cdf_records.local_server import LocalServer
from tests.commands.running import FILES, Commands

# Of each file: how many records, and one of them by its external id.
EXPECTED: dict[str, tuple[int, str, dict[str, Any]]] = {
    "alarms.csv": (
        20,
        "LT-3/2026-01-01 03:00:00",
        {"Tag": "LT-3", "Area": "A1", "Priority": 1, "Alarm_Time": "2026-01-01T03:00:00.000Z"},
    ),
    "ambiguous.csv": (8, "1", {"id": 1, "day": "02/02/2026", "amount": "2,234"}),
    "batches.json": (
        12,
        "001",
        {
            "batch": 1001,
            "product": "Y",
            "started": "2026-02-02T06:30:00.000Z",
            "yield": 97.5,
            "steps": [1, 2, 4],
            "code": "001",
        },
    ),
    "countries.csv": (6, "NA", {"iso": "NA", "name": "Namibia", "population": 2530151}),
    "events.ndjson": (
        20,
        "e-2",
        {
            "id": "e-2",
            "time": "2026-01-01T00:02:00.250Z",
            "pump": {"id": "P-2", "site": "north"},
            "tags": ["a", "b"],
            "value": 1.0,
            "ok": True,
        },
    ),
    "excel_sep.csv": (
        12,
        "PT-2/2026-03-03T02:00:00Z",
        {"Tag": "PT-2", "Time": "2026-03-03T02:00:00Z", "Value": 3.0, "Comment": "a; b 2"},
    ),
    "flights.csv": (
        40,
        "AA/1001/2013-01-02T05:00:00Z",  # the row in which tailnum and two numbers are NA
        {
            "year": 2013,
            "month": 1,
            "day": 2,
            "carrier": "AA",
            "flight": 1001,
            "origin": "LGA",
            "dest": "IAH",
            "time_hour": "2013-01-02T05:00:00Z",
        },
    ),
    "german_export.csv": (
        24,
        "S-0003",
        {
            "Storung": "S-0003",
            "Anlage": "Kühlturm 3",
            "Zeitpunkt": "2026-01-03T02:05:00.000Z",
            "Messwert": 20.2,
            "Energie_kWh": 1074.2,
            "Schwere": "mittel",
        },
    ),
    "history.csv": (
        10,
        "T1/2026-01-01 00:00:00",
        {"tag": "T1", "time": "2026-01-01T00:00:00.000Z", "value": 1},
    ),
    "iot_sensors.csv": (
        32,
        "000001/1767225660000",
        {
            "device_id": "000001",
            "timestamp": "2026-01-01T00:01:00.000Z",
            "temperature": 21.25,
            "humidity": 45,
            "battery": 3.295,
        },
    ),
    "lab.tsv": (16, "L1/Cl", {"Sample": "L1", "Analyte": "Cl", "Result": 7.4, "Unit": "mg/l"}),
    "log_export.csv": (
        16,
        "3",
        {
            "Id": 3,
            "Level": "WARN",
            "When": "2026-01-02T02:03:00.000Z",
            "Message": 'Pump "P-3" said:\nline two, with comma',
        },
    ),
    "logger.csv": (
        14,
        "2026/01/02 12:00",
        {"Date_Time": "2026-01-02T12:00:00.000Z", "Pressure": 2.25, "Temp_C": 21.5, "Flow": 1},
    ),
    "meters.csv": (
        10,
        "00007",
        {"meter": "00007", "reading": 700, "zip": "80331", "big": "12345678901234567897"},
    ),
    "no_header.csv": (
        12,
        "2026-01-01T00:02:00Z",
        {"column_1": "2026-01-01T00:02:00Z", "column_2": "TT-0", "column_3": 2.5},
    ),
    "station.dat": (9, "2", {"station": "S7", "obs": 2, "precip": 0.5}),
    "tickets.csv": (
        15,
        "903",
        {"Ticket": 903, "Opened": "2026-04-12T16:05:00.000Z", "Closed": "2026-04-13", "Cost": 1237.5},
    ),
    "unicode_text.csv": (9, "n1", {"Name": "n1", "Grosse": 1, "column_3": "2026-03-02"}),
    "valves.csv": (10, "V2", {"valve": "V2", "open": True, "locked": True, "alarm": False, "mode": 0}),
}


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_file_loads_as_suggested(
    name: str, commands: Commands, cdf_local_server: LocalServer, tmp_path: Path
) -> None:
    count, external_id, properties = EXPECTED[name]
    records = load_as_suggested(FILES / name, commands, cdf_local_server, tmp_path)
    assert len(records) == count
    assert records[external_id] == properties


def test_all_files_are_tried() -> None:
    assert set(EXPECTED) == {file.name for file in FILES.iterdir()}


def test_a_parquet_file_loads_as_suggested(
    commands: Commands, cdf_local_server: LocalServer, tmp_path: Path
) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)
    table = pa.table(
        {
            "id": pa.array(range(40), pa.int32()),
            "at": pa.array([moment] * 40, pa.timestamp("ns", "UTC")),
            "day": pa.array([moment.date()] * 40),
            "price": pa.array([Decimal("12.50")] * 40, pa.decimal128(10, 2)),
            "kind": pa.array(["a", "b"] * 20).dictionary_encode(),
            "sizes": pa.array([[1.5, 2.5]] * 40),
            "inner": pa.array([{"x": 1, "y": "z"}] * 40),
            "good": pa.array([True, None] * 20),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    records = load_as_suggested(tmp_path / "rows.parquet", commands, cdf_local_server, tmp_path)
    assert len(records) == 40
    assert records["0"] == {
        "id": 0,
        "at": "2026-01-02T03:04:05.678Z",
        "day": "2026-01-02",
        "price": 12.5,
        "kind": "a",
        "sizes": [1.5, 2.5],
        "inner": {"x": 1, "y": "z"},
        "good": True,
    }


def test_a_folder_of_files_loads_as_suggested(
    commands: Commands, cdf_local_server: LocalServer, tmp_path: Path
) -> None:
    folder = tmp_path / "meters"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.csv").write_text(f"meter,kwh\n{number:03d},{number}.5\n")
    records = load_as_suggested(folder, commands, cdf_local_server, tmp_path)
    assert records == {
        f"{number:03d}": {"meter": f"{number:03d}", "kwh": number + 0.5} for number in range(3)
    }


def test_a_compressed_file_loads_as_suggested(
    commands: Commands, cdf_local_server: LocalServer, tmp_path: Path
) -> None:
    import gzip

    with gzip.open(tmp_path / "iot.csv.gz", "wb") as file, (FILES / "iot_sensors.csv").open("rb") as plain:
        shutil.copyfileobj(plain, file)
    assert len(load_as_suggested(tmp_path / "iot.csv.gz", commands, cdf_local_server, tmp_path)) == 32


def load_as_suggested(
    file: Path, commands: Commands, server: LocalServer, tmp_path: Path
) -> dict[str, dict[str, Any]]:
    """Suggest, check, and load; return the properties of the records by external id."""
    suggested = commands.suggest(file)
    checked = commands.check(suggested)
    assert checked.code == 0, checked.out + checked.error
    server.load(suggested.folder / "cdf.yaml")
    summary = suggested.load(tmp_path / "_rejected.ndjson")
    assert summary["rejected"] == 0
    assert summary["read"] == summary["upserted"] + summary["superseded"]
    return {
        record["externalId"]: {
            name: value for name, value in record["properties"]["plant"]["Thing"].items() if value is not None
        }
        for record in server.records(suggested.task["stream_id"])
    }
