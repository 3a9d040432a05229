"""The rejected files of the parts of a load, one a part, are loaded again as one load from their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

PARTS = 12  # more than ten, whose numbers sort as texts only where they are padded


def mapping(number: str) -> dict[str, Any]:
    source = {"space": SPACE, "container": CONTAINER, "properties": {"number": number, "text": "text"}}
    return {"space": SPACE, "external_id": "{id}", "sources": [source]}


def load(**arguments: Any) -> dict[str, Any]:
    task: Any = CdfRecordsUpsertOperator(task_id="load", stream_id=STREAM, **arguments)
    return dict(task.execute({}))


@pytest.fixture
def rejected(tmp_path: Path) -> Path:
    folder = tmp_path / "rejected"
    folder.mkdir()
    return folder


def reject_parts(folder: Path, parts: int = PARTS) -> None:
    """Load parts of a CSV file whose rows are all rejected, for a column that holds no numbers."""
    for part in range(parts):
        file = folder.parent / f"{part}.csv"
        file.write_text(f"id,bad,number,text\nsame,x,{part},p{part}\nown-{part},x,{part},p{part}\n")
        path = str(folder / f"{part:03}.ndjson")
        summary = load(path=str(file), mapping=mapping("bad"), max_rejected=2, rejected_path=path)
        assert (summary["rejected"], summary["rejected_path"]) == (2, path)


def test_the_files_of_mapped_parts_are_one_load_in_the_order_of_the_parts(
    cdf: LocalCdf, rejected: Path
) -> None:
    reject_parts(rejected)
    assert cdf.held() == {}
    summary = load(path=f"{rejected}/", mapping=mapping("number"))
    assert (summary["read"], summary["upserted"] + summary["superseded"]) == (2 * PARTS, 2 * PARTS)
    held = cdf.held()
    assert held.keys() == {"same", *(f"own-{part}" for part in range(PARTS))}
    assert held["same"] == {"number": PARTS - 1, "text": f"p{PARTS - 1}"}


def test_what_is_rejected_again_is_in_one_file_that_is_loaded_again(
    cdf: LocalCdf, rejected: Path, tmp_path: Path
) -> None:
    reject_parts(rejected, parts=3)
    again = tmp_path / "again.ndjson"
    assert (
        load(path=str(rejected), mapping=mapping("bad"), max_rejected=6, rejected_path=str(again))["rejected"]
        == 6
    )
    load(path=str(again), mapping=mapping("number"))
    assert cdf.held()["same"] == {"number": 2, "text": "p2"}


def test_rejected_records_of_the_api_are_loaded_again_from_a_folder(cdf: LocalCdf, rejected: Path) -> None:
    for part in range(3):
        rows = [a_record("same", number="x"), a_record(f"own-{part}", number="x")]
        load(records=rows, max_rejected=2, rejected_path=str(rejected / f"{part}.ndjson"))
    for file in rejected.iterdir():
        file.write_text(file.read_text().replace('"number":"x"', f'"number":{file.stem}'))
    load(path=str(rejected))
    assert {name: held["number"] for name, held in cdf.held().items()} == {
        "same": 2,
        **{f"own-{part}": part for part in range(3)},
    }


def test_rejected_rows_and_a_plain_file_of_the_same_columns_share_a_folder(
    cdf: LocalCdf, rejected: Path
) -> None:
    reject_parts(rejected, parts=2)
    (rejected / "002.ndjson").write_text('{"id": "same", "number": 9, "text": "mended"}\n')
    summary = load(path=str(rejected), mapping=mapping("number"))
    assert summary["read"] == 5
    assert cdf.held()["same"] == {"number": 9, "text": "mended"}
