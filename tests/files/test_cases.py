"""Each file of the corpus, loaded into the local server, gives what ``cases.yaml`` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.client import sync_records
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.version_compat import AirflowFailException
from tests.files.corpus import CASES, FOLDER, ROW, SOURCE, lines_of, mapping_of
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import SPACE, STREAM

KEYS = {
    *("file", "file_format", "file_options", "id", "properties", "mapping"),
    *("records", "not_stored", "rejected", "loads_again", "shows", "error", "counts"),
}
WHOLE_SECOND = re.compile(r"(T\d\d:\d\d:\d\d)Z$")
each_case = pytest.mark.parametrize("name", CASES, ids=lambda name: re.sub(r"\W+", "-", name))


@pytest.fixture(scope="module")
def server() -> Iterator[LocalCdf]:
    """One server for all cases, with the container that they fill."""
    with pytest.MonkeyPatch.context() as patch, local_cdf(patch) as cdf:
        cdf.client.post("/models/containers", {"items": [ROW]})
        cdf.client.post("/models/spaces", {"items": [{"space": "assets"}]})
        yield cdf


@pytest.fixture
def stream(server: LocalCdf) -> Iterator[LocalCdf]:
    """The stream, which is empty before and after each case."""
    yield server
    if ids := [{"space": SPACE, "externalId": external_id} for external_id in held(server)]:
        server.client.delete_records(STREAM, json.dumps({"items": ids}).encode())


def held(cdf: LocalCdf) -> dict[str, dict[str, Any]]:
    """Return all that the stream holds."""
    return {
        item["externalId"]: item["properties"].get(SPACE, {}).get("Row", {})
        for page in sync_records(cdf.client, STREAM, sources=[SOURCE])
        for item in page.items
        if item["status"] != "deleted"
    }


def load(case: dict[str, Any], path: Path, rejected_path: Path, **more: Any) -> Summary:
    return CdfRecordsHook().upsert_file(
        STREAM,
        path,
        mapping=mapping_of(case),
        rejected_path=rejected_path,
        max_rejected=100,
        **more,
    )


@each_case
def test_a_case(name: str, stream: LocalCdf, tmp_path: Path) -> None:
    case, rejected_path = CASES[name], tmp_path / "rejected.ndjson"
    path = FOLDER / case["file"]
    options = {key: case[key] for key in ("file_format", "file_options") if key in case}
    if "error" in case:
        with pytest.raises(AirflowFailException) as failure:
            load(case, path, rejected_path, **options)
        assert re.search(case["error"], str(failure.value)), failure.value
        if not str(failure.value).startswith("file_options: "):
            assert path.name in str(failure.value), "the message must name the file or the folder"
    else:
        summary = load(case, path, rejected_path, **options)
        numbers = summary.as_dict()
        assert numbers["read"] == numbers["upserted"] + numbers["superseded"] + numbers["rejected"]
        assert numbers["rejected"] == len(case.get("rejected", ()))
        assert {key: numbers[key] for key in case.get("counts", {})} == case.get("counts", {})
        check_rejected(case, lines_of(rejected_path))
    stored = held(stream)
    if "records" in case:
        assert exact(stored) == exact(case["records"])
    assert not stored.keys() & set(case.get("not_stored", ()))
    if case.get("rejected") and "loads_again" not in case:
        check_that_rejected_rows_load_again(case, rejected_path, tmp_path, stream)


def check_rejected(case: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Compare positions and reasons of the rejected rows."""
    expected: dict[str, str] = case.get("rejected", {})
    for line, (where, why) in zip(lines, expected.items(), strict=True):
        assert re.match(rf"{where}(?= of |$)", line["where"]), line
        assert re.search(why, line["message"], re.DOTALL), line
    for text in case.get("shows", ()):
        assert any(text in json.dumps(line["record"], ensure_ascii=False) for line in lines), lines


def check_that_rejected_rows_load_again(
    case: dict[str, Any], rejected_path: Path, folder: Path, cdf: LocalCdf
) -> None:
    """Load the file of rejected rows as it is: each is rejected again, and nothing changes in the stream."""
    before, again = held(cdf), folder / "again.ndjson"
    summary = load(case, rejected_path, again)
    assert summary.rejected == len(case["rejected"])
    assert summary.accepted == 0
    assert exact(held(cdf)) == exact(before)


def exact(value: Any) -> Any:
    """Return a value in which ``1`` and ``true`` differ; ``1`` and ``1.0`` do not, nor forms of a time."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return WHOLE_SECOND.sub(r"\1.000Z", value) if isinstance(value, str) else value


def test_each_file_has_a_case() -> None:
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.parent != FOLDER}
    named = [FOLDER / case["file"] for case in CASES.values()]
    without = [path for path in files if "__pycache__" not in path.parts and not is_named(path, named)]
    assert not without


def is_named(path: Path, named: list[Path]) -> bool:
    return any(one in (path, path.parent) for one in named)


def test_each_case_has_a_file_and_says_what_is_expected() -> None:
    for name, case in CASES.items():
        assert not case.keys() - KEYS, name
        assert case.keys() & {"records", "not_stored", "error"}, name
        assert (FOLDER / case["file"]).exists(), name
