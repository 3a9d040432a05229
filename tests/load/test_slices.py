"""Slices are loaded, rejected and resumed as files are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load import checkpoint as checkpoint_module
from airflow_provider_cdf_records.sources import split_source
from airflow_provider_cdf_records.sources.formats import ndjson
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import local_cdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.state_store import Memory

BAD = {3, 12, 57}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rows = [a_record(str(n), number="bad" if n in BAD else n) for n in range(100)]
    path = tmp_path / "in" / "a.ndjson"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines_of(rejected: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in rejected.read_text().splitlines()]


def test_all_slices_together_are_the_load_of_the_file_and_their_rejected_rows_one_folder(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rejected").mkdir()
    content = path.read_bytes()
    with local_cdf(monkeypatch) as cdf:
        parts = split_source(path, 3, by="position")
        assert len(parts) == 3
        summaries = [
            CdfRecordsHook().upsert_file(
                STREAM, **part, max_rejected=5, rejected_path=tmp_path / "rejected" / f"{number}.ndjson"
            )
            for number, part in enumerate(parts)
        ]
        assert sum(summary.read for summary in summaries) == 100
        assert {int(name) for name in cdf.held()} == set(range(100)) - BAD
        files = sorted((tmp_path / "rejected").iterdir())
        assert [len(lines_of(file)) for file in files] == [2, 1]
        assert f"line 4 of {path}" in files[0].read_text()
        (line,) = lines_of(files[1])
        assert json.loads(content[line["position"] :].split(b"\n")[0])["externalId"] == "57"
        assert f"the line at byte {line['position']:,} of {path}" in files[1].read_text()
        for file in files:
            file.write_text(file.read_text().replace('"bad"', "7"))
        again = CdfRecordsHook().upsert_file(STREAM, tmp_path / "rejected")
        assert (again.read, again.upserted) == (3, 3)
        assert {int(name) for name in cdf.held()} == set(range(100))


def test_a_slice_is_resumed_where_it_stopped_and_not_by_another_slice(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_RECORDS", 10)
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 10)
    monkeypatch.setattr(checkpoint_module, "INTERVAL", 0)
    path.write_text(path.read_text().replace('"bad"', "7"))
    begin = path.read_bytes().index(b'"externalId": "50"')

    def load(server: ScriptedServer, store: Memory, part: str) -> Any:
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p"}
        fields["extra"] = {"token": "ready", "max_attempts": 1}  # type: ignore[assignment]
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        return CdfRecordsHook(max_concurrency=1).upsert_file(
            STREAM, f"{path}{part}", check_schema=False, state_store=store
        )

    for then, read in ((f"#bytes={begin}-", 49), (f"#bytes={begin + 1}-", 49)):
        store = Memory()
        with ScriptedServer() as server:
            server.answer("/upsert", Answer(), Answer(), Answer(503))
            with pytest.raises(AirflowException, match="503"):
                load(server, store, f"#bytes={begin}-")
            server.answer("/upsert", Answer())
            summary = load(server, store, then)
        assert summary.read == read
        assert (summary.resumed_from is None) == (then != f"#bytes={begin}-")
        if summary.resumed_from is not None:
            line = path.read_bytes()[summary.resumed_from :].split(b"\n")[0]
            assert int(json.loads(line)["externalId"]) == 70


def test_rejected_rows_never_overwrite_a_part(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with local_cdf(monkeypatch):
        for given in (f"{path}#bytes=0-5", [str(path), f"{path}#bytes=0-5"]):
            with pytest.raises(AirflowFailException, match="is one of the files to load"):
                CdfRecordsHook().upsert_file(STREAM, given, rejected_path=path)
        with pytest.raises(AirflowFailException, match="belongs to the folder"):
            CdfRecordsHook().upsert_file(STREAM, [path.parent], rejected_path=path.parent / "r.ndjson")
