"""Paths in every form that Airflow's users have in hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.lineage import uris_of
from airflow_provider_cdf_records.hooks.paths import found_mapping, storage_path
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources.storage import canonical_path
from airflow_provider_cdf_records.version_compat import AirflowFailException, object_storage_path
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM


class Text(str):
    """As templates with their own kinds of text give it."""


FORMS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "a kind of text": Text,
    "Path": Path,
    "UPath": UPath,
    "ObjectStoragePath": object_storage_path,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_argument_takes_a_path_in_any_form(cdf: LocalCdf, tmp_path: Path, form: str) -> None:
    make = FORMS[form]
    rows = [{"id": "a", "number": 1}, {"id": "b", "number": "x"}]
    (tmp_path / "rows.ndjson").write_text("\n".join(map(json.dumps, rows)))
    source = {"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}
    mapping = {"space": SPACE, "external_id": "{id}", "sources": [source]}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    CdfRecordsHook().upsert_file(
        STREAM,
        make(str(tmp_path / "rows.ndjson")),
        mapping=make(str(tmp_path / "mapping.json")),
        max_rejected=1,
        rejected_path=make(str(tmp_path / "rejected.ndjson")),
    )
    assert cdf.held().keys() == {"a"}
    assert len((tmp_path / "rejected.ndjson").read_text().splitlines()) == 1


def test_relative_paths_begin_in_the_working_directory(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows").mkdir()
    Path("rows/a.ndjson").write_text('{"id": "a", "number": 1}\n{"id": "b", "number": "x"}')
    source = {"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}
    mapping = {"space": SPACE, "external_id": "{id}", "sources": [source]}
    Path("mapping.json").write_text(json.dumps(mapping))
    for number, path in enumerate(["rows/a.ndjson", "./rows", "rows/*.ndjson"]):
        rejected = f"rejected{number}.ndjson"
        CdfRecordsHook().upsert_file(
            STREAM, path, mapping="mapping.json", max_rejected=1, rejected_path=rejected
        )
        assert len(Path(rejected).read_text().splitlines()) == 1
    assert cdf.held().keys() == {"a"}


def test_objects_in_other_storage_keep_their_options() -> None:
    given = UPath("memory://bucket/a.ndjson", skip_instance_cache=True)
    assert isinstance(given.fs, MemoryFileSystem)
    assert storage_path(given, "path") is given


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("keeps-all://bucket/a.ndjson", "cannot be opened: no storage has the scheme 'keeps-all'"),
        ("C:\\data\\a.csv", "is a path of Windows, and this worker does not run there"),
        ("C:/data/a.csv", "is a path of Windows, and this worker does not run there"),
        ("/data/a\0.csv", r"must have no null character, got '/data/a\x00.csv'"),
        (Path("/data/a\0.csv"), "must have no null character"),
        (" ", "must be a path or an fsspec URL, got ' ', which is what a template"),
        (pd.DataFrame({"a": [1]}), "got DataFrame; give rows by records=, not by path"),
        ([{"a": 1}], "got [{'a': 1}]; give rows by records=, not by path"),
        (["a.csv"], "name their folder or a pattern"),
        ("None\n", "which is what a template or an upstream task gives where there is nothing"),
    ],
)
def test_a_path_that_leads_nowhere_is_told(path: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        storage_path(path, "path")
    assert str(refused.value).startswith("path ")
    assert message in str(refused.value)


def test_a_name_that_is_too_long_is_told(cdf: LocalCdf) -> None:
    message = r"cannot be accessed: OSError: .*File name too long"
    with pytest.raises(AirflowFailException, match=message):
        CdfRecordsHook().upsert_file(STREAM, f"/{'x' * 300}.csv")


def test_a_path_may_begin_with_the_home_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.csv").write_text("a\n1\n")
    for path in ("~/a.csv", Path("~/a.csv")):
        assert canonical_path(storage_path(path, "path")) == canonical_path(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "form", ["{0}/{1}", "{0}/{1}\n", "\r\n{0}/{1}\r\n", "file://{0}/{1}", "FILE://{0}/{1}", "{0}//{1}"]
)
@pytest.mark.parametrize("name", ["a.csv", "2026-01-02T03:04:05+00:00.csv", "a b.csv", "a%20b.csv"])
def test_a_path_on_this_machine_is_the_same_in_any_form(tmp_path: Path, form: str, name: str) -> None:
    (tmp_path / name).write_text("a\n1\n")
    opened = storage_path(form.format(tmp_path, name), "path")
    assert canonical_path(opened) == canonical_path(tmp_path / name)
    assert uris_of([opened]) == [f"file://{tmp_path}/{name.replace('%', '%25')}"]
    assert opened.exists()


def test_a_path_may_be_text_of_any_class(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    assert canonical_path(storage_path(Text(path), "path")) == canonical_path(path)


@pytest.mark.parametrize("name", ["a.csv.rejected", "rejected", "a.csv", "a.json", "a.parquet", "a.txt.gz"])
@pytest.mark.parametrize("file_options", [None, {"delimiter": ";"}])
def test_rejected_records_load_again_from_a_file_of_any_name(
    cdf: LocalCdf, tmp_path: Path, name: str, file_options: Any
) -> None:
    (tmp_path / "rows.csv").write_text("id;number\na;1\nb;x\n")
    source = {"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}
    mapping = {"space": SPACE, "external_id": "{id}", "sources": [source]}
    rejected = tmp_path / name.removesuffix(".gz")
    CdfRecordsHook().upsert_file(
        STREAM,
        tmp_path / "rows.csv",
        file_options={"delimiter": ";"},
        mapping=mapping,
        max_rejected=1,
        rejected_path=rejected,
    )
    content = rejected.read_bytes().replace(b'"x"', b'"2"')
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    options = {"file_format": "csv", "file_options": file_options} if file_options else {}
    summary = CdfRecordsHook().upsert_file(STREAM, tmp_path / name, mapping=mapping, **options)
    assert summary.read == 1
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}


def test_a_relative_mapping_is_looked_for_in_the_folders_of_the_dag_in_their_order(tmp_path: Path) -> None:
    folders = [str(tmp_path / name) for name in ("dags", "plugins", "more")]
    for folder in folders[1:]:
        Path(folder).mkdir()
        (Path(folder) / "m.json").write_text("{}")
    assert found_mapping("m.json", lambda: folders) == f"{folders[1]}/m.json"
    with pytest.raises(InvalidArgumentError) as caught:
        found_mapping("x.json", lambda: folders[:2])
    assert f"nor beside the DAG's file ({folders[0]} or {folders[1]})." in str(caught.value)
