"""Numbers with a decimal comma in a file, and in the rejected-records file of its load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.guard import Guarded
from airflow_provider_cdf_records.load.verbs import DELETE, UPSERT
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.records.chunk import Chunk, Records
from airflow_provider_cdf_records.rejected.contents import begins_with_rejected
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import FileSource
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM

OPTIONS = {"delimiter": ";", "decimal": ",", "thousands": "."}


def load(cdf: LocalCdf, path: Path, rejected: Path, verb: Any = UPSERT, **arguments: Any) -> dict[str, Any]:
    options = arguments.pop("options", {})
    properties = {"number": "n", "value": {"column": "v", **arguments.pop("keys", {})}}
    mapping = {
        "space": SPACE,
        "external_id": "{id}",
        "sources": [{"space": SPACE, "container": CONTAINER, "properties": properties}],
    } | arguments
    source = FileSource(path, file_options=options, holds_rejected=begins_with_rejected)
    load = Load(
        cdf.client, verb, STREAM, source, read_mapping(mapping), max_rejected=10, rejected_path=rejected
    )
    return load.run().as_dict()


@pytest.fixture
def rejected(cdf: LocalCdf, tmp_path: Path) -> Path:
    """A rejected-records file with two of three rows whose numbers have a decimal comma."""
    (tmp_path / "a.csv").write_text("id;n;v\na;1.234;1.234,5\nb;no;1.234\nc;1;1.23.4\n")
    summary = load(cdf, tmp_path / "a.csv", tmp_path / "rejected.ndjson", options=OPTIONS)
    assert (summary["upserted"], summary["rejected"]) == (1, 2)
    assert dict(cdf.items())["a"] == {"number": 1234, "value": 1234.5}
    return tmp_path / "rejected.ndjson"


def mend(path: Path, old: str, new: str) -> Path:
    path.write_text(path.read_text().replace(old, new))
    return path


def test_a_rejected_row_says_how_its_numbers_are_written(rejected: Path) -> None:
    lines = list(map(json.loads, rejected.read_text().splitlines()))
    assert [line["record"] for line in lines] == [
        {"id": "b", "n": "no", "v": "1.234"},
        {"id": "c", "n": "1", "v": "1.23.4"},
    ]
    assert [(line["decimal"], line["thousands"]) for line in lines] == [(",", ".")] * 2


def test_a_rejected_row_is_read_again_as_it_was_written(cdf: LocalCdf, rejected: Path) -> None:
    mend(rejected, '"no"', '"7"')
    summary = load(cdf, rejected, rejected.with_name("again.ndjson"))
    assert (summary["upserted"], summary["rejected"]) == (1, 1)
    assert dict(cdf.items())["b"] == {"number": 7, "value": 1234}


def test_a_row_that_is_rejected_again_keeps_its_style(cdf: LocalCdf, rejected: Path) -> None:
    again, third = rejected.with_name("again.ndjson"), rejected.with_name("third.ndjson")
    load(cdf, rejected, again)
    assert [json.loads(line)["decimal"] for line in again.read_text().splitlines()] == [",", ","]
    mend(again, '"no"', '"7"')
    mend(again, '"1.23.4"', "1.5")
    assert load(cdf, again, third)["upserted"] == 2
    assert dict(cdf.items())["b"] == {"number": 7, "value": 1234}
    assert dict(cdf.items())["c"] == {"number": 1, "value": 1.5}


def test_what_the_mapping_says_counts_before_the_line(cdf: LocalCdf, rejected: Path) -> None:
    mend(rejected, '"no"', '"7"')
    assert load(cdf, rejected, rejected.with_name("again.ndjson"), keys={"decimal": "."})["upserted"] == 1
    assert dict(cdf.items())["b"] == {"number": 7, "value": 1.234}


def test_options_do_not_change_how_rejected_rows_are_read(cdf: LocalCdf, rejected: Path) -> None:
    mend(rejected, '"no"', '"7"')
    line = json.loads(rejected.read_text().splitlines()[0])
    usual = {name: value for name, value in line.items() if name not in ("decimal", "thousands")}
    usual |= {"record": {"id": "u", "n": "7", "v": "1.234"}}
    wrong = usual | {"record": {"id": "w", "n": "no", "v": "1.234"}}
    path = rejected.with_suffix(".csv")
    path.write_text("".join(json.dumps(one) + "\n" for one in (line, usual, wrong)))
    again = rejected.with_name("again.ndjson")
    assert (
        load(cdf, path, again, options={"delimiter": ";", "decimal": "\u00b7", "thousands": "."})["upserted"]
        == 2
    )
    items = dict(cdf.items())
    assert (items["b"]["value"], items["u"]["value"]) == (1234, 1.234)
    assert json.loads(again.read_text()).keys() & {"decimal", "thousands"} == set()


def test_rows_of_several_styles_stay_in_their_order(cdf: LocalCdf, rejected: Path) -> None:
    german = json.loads(rejected.read_text().splitlines()[0])
    plain = {name: value for name, value in german.items() if name not in ("decimal", "thousands")}
    lines = []
    for number, line in enumerate([german, plain] * 3):
        lines.append(line | {"record": {"id": "b", "n": str(number), "v": "1.234"}})
    for last, value in ((6, 1.234), (5, 1234)):
        rejected.write_text("".join(json.dumps(line) + "\n" for line in lines[:last]))
        summary = load(cdf, rejected, rejected.with_name("again.ndjson"))
        assert (summary["read"], summary["superseded"]) == (last, last - 1)
        assert dict(cdf.items())["b"] == {"number": last - 1, "value": value}


def test_a_line_whose_style_makes_no_sense_is_refused_alone(cdf: LocalCdf, rejected: Path) -> None:
    line = json.loads(rejected.read_text().splitlines()[0])
    good = line | {"record": {"id": "g", "n": "1", "v": "2,5"}}
    rejected.write_text(json.dumps(line | {"decimal": "x"}) + "\n" + json.dumps(good) + "\n")
    again = rejected.with_name("again.ndjson")
    summary = load(cdf, rejected, again)
    assert (summary["upserted"], summary["rejected"]) == (1, 1)
    assert "decimal: must be one character" in json.loads(again.read_text())["message"]


def test_a_delete_keeps_the_style_too(cdf: LocalCdf, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;n;v\n;1;1.234\n")
    load(cdf, tmp_path / "a.csv", tmp_path / "rejected.ndjson", verb=DELETE, options=OPTIONS)
    assert json.loads((tmp_path / "rejected.ndjson").read_text())["thousands"] == "."


def test_a_row_that_no_converter_can_take_keeps_the_style_of_its_file(tmp_path: Path) -> None:
    def fail(chunk: Chunk) -> Records:
        raise RuntimeError(chunk)

    (tmp_path / "a.csv").write_text("v\n1.234\n")
    [chunk] = FileSource(tmp_path / "a.csv", file_options=OPTIONS)
    [refusal] = Guarded(fail)(chunk).refusals
    assert json.loads(rejection_of("row 1", *refusal[:3]).as_line())["decimal"] == ","
