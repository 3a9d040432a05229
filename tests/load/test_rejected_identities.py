"""Lines of the rejected-records file name the record, where its identity is known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

Load = Callable[..., Any]
HEADER = ("tag", "value", "area")
ROWS = [("a", "1", "plant"), ("b", "much", "plant"), (None, "much", "plant"), ("d", "much", "node")]
MAPPING = {
    "space": "{area}",
    "external_id": "{tag}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"value": "value"}}],
}
NOTHING = (None, None)


def load_csv(folder: Path, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> None:
    lines = (",".join(cell or "" for cell in row) for row in [HEADER, *ROWS])
    (folder / "rows.csv").write_text("\n".join(lines))
    CdfRecordsHook().upsert_file(STREAM, folder / "rows.csv", **arguments)


def load_ndjson(folder: Path, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> None:
    rows = (json.dumps(dict(zip(HEADER, row, strict=True))) for row in ROWS)
    (folder / "rows.ndjson").write_text("\n".join(rows))
    CdfRecordsHook().upsert_file(STREAM, folder / "rows.ndjson", **arguments)


def load_sql(folder: Path, monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> None:
    path = folder / "rows.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE rows (tag, value, area)")
        connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", ROWS)
    CdfRecordsHook().upsert_query(STREAM, "SELECT * FROM rows ORDER BY rowid", conn_id="lite", **arguments)


mapped_rows = pytest.mark.parametrize("load", [load_csv, load_ndjson, load_sql])


def identities(path: Path) -> list[tuple[str | None, str | None]]:
    return [(line["space"], line["externalId"]) for line in map(json.loads, path.read_text().splitlines())]


@mapped_rows
def test_a_mapped_row_is_named_unless_its_identity_is_what_is_wrong(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load: Load
) -> None:
    rejected, again = tmp_path / "rejected.ndjson", tmp_path / "again.ndjson"
    load(tmp_path, monkeypatch, mapping=MAPPING, rejected_path=rejected, max_rejected=3)
    assert identities(rejected) == [(SPACE, "b"), NOTHING, NOTHING]
    assert cdf.held() == {"a": {"value": 1.0}}

    arguments: dict[str, Any] = {"mapping": MAPPING, "max_rejected": 3}
    CdfRecordsHook().upsert_file(STREAM, rejected, rejected_path=again, **arguments)
    assert identities(again) == identities(rejected)
    again.write_text(again.read_text().replace("much", "2"))
    CdfRecordsHook().upsert_file(STREAM, again, **arguments)
    assert cdf.held() == {"a": {"value": 1.0}, "b": {"value": 2.0}}


class Lines(list[str]):
    """What a hook logs, in place of Airflow's logger."""

    def info(self, line: str, *values: Any) -> None:
        self.append(line % values)

    warning = info


def test_the_log_and_the_error_name_a_mapped_row(cdf: LocalCdf) -> None:
    lines = Lines()

    class Hook(CdfRecordsHook):
        log = lines

    rows = [{"tag": "b", "value": "much", "area": SPACE}]
    Hook().upsert_records(STREAM, rows, mapping=MAPPING, max_rejected=1)
    assert any(line.startswith("records[0] (plant/b): ") for line in lines)
    with pytest.raises(AirflowFailException, match=r"records\[0\] \(plant/b\): "):
        Hook().upsert_records(STREAM, rows, mapping=MAPPING)


def test_the_identity_is_the_one_that_the_mapping_makes(cdf: LocalCdf, tmp_path: Path) -> None:
    row = a_record("of the row") | {"id": "pump/7", "value": "much"}
    rejected = tmp_path / "rejected.ndjson"
    mapping = MAPPING | {"space": SPACE, "external_id": "{id}"}
    CdfRecordsHook().upsert_records(STREAM, [row], mapping=mapping, rejected_path=rejected, max_rejected=1)
    assert identities(rejected) == [(SPACE, "pump/7")]


@pytest.mark.parametrize("check_schema", [True, False])
@pytest.mark.parametrize("as_file", [True, False])
def test_an_api_shaped_record_with_a_value_that_its_property_does_not_take_is_named(
    cdf: LocalCdf, tmp_path: Path, as_file: bool, check_schema: bool
) -> None:
    rows = [a_record("a", value=1), a_record("b", value="much"), {"space": SPACE, "sources": []}]
    rejected = tmp_path / "rejected.ndjson"
    arguments: dict[str, Any] = {"rejected_path": rejected, "max_rejected": 2, "check_schema": check_schema}
    if as_file:
        (tmp_path / "rows.ndjson").write_text("\n".join(map(json.dumps, rows)))
        CdfRecordsHook().upsert_file(STREAM, tmp_path / "rows.ndjson", **arguments)
    else:
        CdfRecordsHook().upsert_records(STREAM, rows, **arguments)
    assert sorted(identities(rejected), key=str) == [(SPACE, "b"), NOTHING]
