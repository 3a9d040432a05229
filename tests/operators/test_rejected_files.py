"""One task that loads a file, and later its mended rejected-records file, with the same arguments."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM

MAPPING = {
    "space": SPACE,
    "external_id": "{tag}",
    "sources": [
        {"space": SPACE, "container": CONTAINER, "properties": {"value": "v", "number": "n", "text": "note"}}
    ],
}
OPTIONS = {
    "delimiter": ";",
    "decimal": ",",
    "thousands": ".",
    "encoding": "cp1252",
    "null_values": ["", "NA"],
    "skip_rows": 1,
    "header": ["tag", "v", "n", "note"],
}
ROWS = "from the plant\nå;1.234,5;7;NA\nb;2,5;many;gr\u00f6n\nc;1.234,5;few;NA\n"
STORED = {
    "å": {"value": 1234.5, "number": 7},
    "b": {"value": 2.5, "number": 8, "text": "gr\u00f6n"},
    "c": {"value": 1234.5, "number": 9},
}


def load(path: Path, rejected: Path, **arguments: Any) -> dict[str, Any]:
    """Run the task that a DAG with ``params.path`` has."""
    with DAG("d", schedule=None):
        task = CdfRecordsUpsertOperator(
            task_id="load",
            stream_id=STREAM,
            path="{{ params.path }}",
            mapping=MAPPING,
            max_rejected=10,
            rejected_path="{{ params.rejected }}",
            **{"file_options": OPTIONS} | arguments,
        )
    task.render_template_fields({"params": {"path": str(path), "rejected": str(rejected)}})
    return task.execute({})


@pytest.fixture
def mended(cdf: LocalCdf, tmp_path: Path) -> Path:
    """The rejected-records file of a CSV, with its two rows mended."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text(ROWS, encoding="cp1252")
    path = tmp_path / "rejected" / "a.rejected.ndjson"
    summary = load(folder / "a.csv", path)
    assert (summary["upserted"], summary["rejected"]) == (1, 2)
    path.write_text(path.read_text().replace('"many"', '"8"').replace('"few"', '"9"'))
    return path


def test_a_task_loads_a_file_and_later_its_mended_rejected_file(
    cdf: LocalCdf, mended: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        summary = load(mended, mended.with_name("again.ndjson"))
    assert (summary["upserted"], summary["rejected"]) == (2, 0)
    assert cdf.held() == STORED
    said = [record.getMessage() for record in caplog.records if "do not apply" in record.getMessage()]
    assert len(said) == 1
    assert str(mended) in said[0]
    assert "file_options (delimiter, decimal, thousands, encoding, null_values, skip_rows, header)" in said[0]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("a.rejected.ndjson", {"file_format": "csv"}),
        ("a.rejected.json", {}),
        ("a.rejected.csv", {"file_options": {"items": "data.records"}}),
        ("a.rejected", {"file_format": "csv"}),
        ("a.rejected", {}),
    ],
    ids=str,
)
def test_a_rejected_file_is_known_whatever_its_name_and_format_say(
    cdf: LocalCdf, mended: Path, name: str, arguments: dict[str, Any]
) -> None:
    path = mended.rename(mended.with_name(name))
    assert load(path, mended.with_name("again.ndjson"), **arguments)["upserted"] == 2
    assert cdf.held() == STORED


def test_a_packed_rejected_file_needs_no_other_options(cdf: LocalCdf, mended: Path) -> None:
    path = mended.with_name("a.rejected.ndjson.gz")
    path.write_bytes(gzip.compress(mended.read_bytes()))
    assert load(path, mended.with_name("again.ndjson"))["upserted"] == 2
    assert cdf.held() == STORED


def test_a_folder_may_hold_files_and_rejected_files(cdf: LocalCdf, mended: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    mended.rename(folder / "b.rejected.ndjson")
    (folder / "c.csv").write_text("from the plant\nd;3,5;1;NA\n", encoding="cp1252")
    summary = load(folder, tmp_path / "rejected" / "again.ndjson")
    assert (summary["read"], summary["upserted"], summary["rejected"]) == (6, 4, 2)
    assert cdf.held() == STORED | {"d": {"value": 3.5, "number": 1}}


def test_an_emptied_rejected_file_is_a_load_of_nothing(cdf: LocalCdf, mended: Path) -> None:
    mended.write_text("\n")
    assert load(mended, mended.with_name("again.ndjson"))["read"] == 0


def test_options_that_another_file_does_not_have_are_still_an_error(cdf: LocalCdf, tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(json.dumps({"tag": "a", "v": 1}) + "\n")
    with pytest.raises(AirflowFailException) as caught:
        load(path, tmp_path / "rejected.ndjson")
    assert str(caught.value) == (
        "file_options: 'delimiter' is not an option of ndjson; it has encoding, encoding_errors, "
        "null_values. "
        f"It was given for {path}, which is ndjson by its name."
    )


def test_a_format_and_options_that_contradict_each_other_are_an_error(cdf: LocalCdf, mended: Path) -> None:
    with pytest.raises(ValueError, match="'delimiter' is not an option of ndjson"):
        load(mended, mended.with_name("again.ndjson"), file_format="ndjson")


def test_the_options_may_be_a_template_of_a_dict(cdf: LocalCdf, mended: Path, tmp_path: Path) -> None:
    text = "{{ " + json.dumps(OPTIONS) + " | tojson }}"
    load(tmp_path / "in" / "a.csv", tmp_path / "again.ndjson", file_options=text)
    assert cdf.held() == {"å": STORED["å"]}
