"""What loads tell Airflow's collector of lineage, which is the real one."""

from __future__ import annotations

import logging
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.lineage import MOST_FILES, uris_of
from airflow_provider_cdf_records.sources.web import WebPath
from airflow_provider_cdf_records.version_compat import AirflowException, object_storage_path
from tests.lineage.collector import Collected, use_real_collector
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
}


class InStorage(str):
    """As an ``ObjectStoragePath``; making one needs the storage."""

    protocol, conn_id = "s3", "aws_default"


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Collected:
    return use_real_collector(monkeypatch)


@pytest.fixture
def stream(cdf: LocalCdf) -> str:
    """The URI of the stream."""
    return f"cdf://{cdf.server.url.partition('://')[2]}/{cdf.client.project}/{STREAM}"


def csv(path: Path, *numbers: Any) -> Path:
    path.write_text("id,number\n" + "".join(f"r{n},{number}\n" for n, number in enumerate(numbers)))
    return path


def test_a_file_is_what_was_read_and_the_stream_what_was_written(
    stream: str, collected: Collected, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    csv(tmp_path / "rows #1.csv", 1)
    monkeypatch.chdir(tmp_path)
    CdfRecordsHook().upsert_file(STREAM, "rows #1.csv", mapping=MAPPING)
    assert (collected.inputs, collected.outputs) == ([f"file://{tmp_path}/rows %231.csv"], [stream])


def test_airflow_is_told_once_of_what_an_object_storage_path_opens(
    stream: str, collected: Collected, tmp_path: Path
) -> None:
    path = object_storage_path(f"file://{csv(tmp_path / 'rows.csv', 1)}")
    CdfRecordsHook().upsert_file(STREAM, path, mapping=MAPPING)
    assert collected.inputs == [f"file://{tmp_path}/rows.csv"]


def test_each_file_of_a_folder_is_told_until_there_are_many(
    stream: str, collected: Collected, tmp_path: Path
) -> None:
    for number in range(3):
        csv(tmp_path / f"{number}.csv", number)
    CdfRecordsHook().upsert_file(STREAM, tmp_path, mapping=MAPPING)
    assert collected.inputs == [f"file://{tmp_path}/{number}.csv" for number in range(3)]
    many = [tmp_path / str(number % 2) / f"{number}.csv" for number in range(MOST_FILES + 1)]
    assert uris_of(many) == [f"file://{tmp_path}/0", f"file://{tmp_path}/1"]


def test_the_files_of_an_archive_are_the_archive(stream: str, collected: Collected, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("a.csv", "b.csv"):
            archive.write(csv(tmp_path / name, 1), name)
    CdfRecordsHook().upsert_file(STREAM, tmp_path / "all.zip", mapping=MAPPING)
    assert collected.inputs == [f"file://{tmp_path}/all.zip"]


def test_files_that_a_failed_load_did_not_come_to_are_not_told(
    stream: str, collected: Collected, tmp_path: Path
) -> None:
    csv(tmp_path / "1.csv", 1)
    csv(tmp_path / "2.csv", *["none"] * 20_000)
    csv(tmp_path / "3.csv", 3)
    with pytest.raises(AirflowException, match="max_rejected"):
        CdfRecordsHook().upsert_file(STREAM, tmp_path, mapping=MAPPING)
    assert collected.inputs == [f"file://{tmp_path}/1.csv", f"file://{tmp_path}/2.csv"]
    assert set(collected.outputs) <= {stream}


@pytest.mark.parametrize(
    ("stream_id", "name"), [("nowhere", "rows.csv"), (STREAM, "missing.csv")], ids=["no stream", "no file"]
)
def test_nothing_is_told_of_a_load_that_does_not_begin(
    cdf: LocalCdf, collected: Collected, tmp_path: Path, stream_id: str, name: str
) -> None:
    csv(tmp_path / "rows.csv", 1)
    hook = CdfRecordsHook()
    with pytest.raises(AirflowException):
        hook.upsert_file(stream_id, tmp_path / name, mapping=MAPPING)
    assert (collected.inputs, collected.outputs) == ([], [])
    load = hook.last_load
    assert load is not None, "links lead to the project, however the load ends"
    assert (load.base_url, load.project) == (cdf.client.base_url, cdf.client.project)
    assert (load.has_read, load.has_written) == (False, False)


def test_a_load_that_fails_after_the_first_record_has_written(stream: str, collected: Collected) -> None:
    with pytest.raises(AirflowException):
        CdfRecordsHook().upsert_records(
            STREAM, [a_record("a"), a_record("b", number="none")], check_schema=False
        )
    assert (collected.inputs, collected.outputs) == ([], [stream])


def test_a_load_that_fails_before_the_first_record_has_not_written(
    stream: str, collected: Collected, tmp_path: Path
) -> None:
    with pytest.raises(AirflowException):
        CdfRecordsHook().upsert_file(STREAM, csv(tmp_path / "a.csv", "none"), mapping=MAPPING)
    assert (collected.inputs, collected.outputs) == ([f"file://{tmp_path}/a.csv"], [])


def test_validating_only_writes_nothing(stream: str, collected: Collected, tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", 1)
    CdfRecordsHook().upsert_file(STREAM, path, mapping=MAPPING, validate_only=True)
    assert (collected.inputs, collected.outputs) == ([f"file://{path}"], [])


@pytest.mark.parametrize("method", ["query_records", "sync_records"])
@pytest.mark.parametrize("count", [0, 2])
def test_a_stream_that_is_queried_or_synced_is_read(
    cdf: LocalCdf, stream: str, collected: Collected, method: str, count: int
) -> None:
    if count:
        cdf.upsert(STREAM, [a_record(f"r{n}") for n in range(count)])
    answers = getattr(CdfRecordsHook(), method)(STREAM)
    assert collected.inputs == []  # nothing is read yet
    list(answers)
    assert (collected.inputs, collected.outputs) == ([stream], [])


def test_a_stream_that_cannot_be_read_is_not(cdf: LocalCdf, collected: Collected) -> None:
    with pytest.raises(AirflowException):
        list(CdfRecordsHook().query_records("nowhere"))
    assert collected.inputs == []


def test_a_delete_by_filter_reads_and_writes_the_stream(
    cdf: LocalCdf, stream: str, collected: Collected
) -> None:
    cdf.upsert(STREAM, [a_record("a")])
    all_of_space = {"equals": {"property": ["space"], "value": SPACE}}
    assert CdfRecordsHook().delete_filter(STREAM, all_of_space).deleted == 1
    assert (collected.inputs, collected.outputs) == ([stream], [stream])


def test_a_collector_that_fails_fails_no_load(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def add_input_asset(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("no room")

        add_output_asset = add_input_asset

    use_real_collector(monkeypatch, Broken)
    hook = CdfRecordsHook()
    monkeypatch.setattr(hook, "_log", logging.getLogger("hook"))
    assert hook.upsert_records(STREAM, [a_record("a")]).upserted == 1
    assert [one["externalId"] for one in hook.query_records(STREAM)] == ["a"]
    assert caplog.text.count("collector of lineage") == 2


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (UPath("memory://folder/a b.csv"), "memory://folder/a b.csv"),
        (InStorage("s3://key:secret@bucket/a?b.csv"), "s3://bucket/a%3Fb.csv"),
        (WebPath("https://me:secret@host/a.csv?sig=secret"), "https://host/a.csv"),
        (InStorage("simplecache::https://me:secret@host/a.csv?sig=secret"), "https://host/a.csv"),
        (InStorage("zip://a.csv::https://host/a.zip?sig=secret"), "https://host/a.zip"),
        (UPath("memory:///a.csv"), "memory://a.csv"),
        (Path("a.csv"), f"file://{os.getcwd()}/a.csv"),
    ],
    ids=str,
)
def test_a_uri_has_no_secret(path: Any, uri: str) -> None:
    assert uris_of([path]) == [uri]


def test_a_uri_has_no_connection() -> None:
    assert uris_of([InStorage("s3://aws_default@bucket/dir/a.csv")]) == ["s3://bucket/dir/a.csv"]


@pytest.mark.parametrize("path", ["s3://aws_default@/a.csv", "s3://key:/secret@bucket/a.csv"])
def test_what_says_no_place_has_no_uri(path: str) -> None:
    assert uris_of([InStorage(path)]) == []


def test_no_import_of_lineage_comes_with_the_hook() -> None:
    import subprocess
    import sys

    code = (
        "import sys, airflow_provider_cdf_records.hooks.cdf_records\n"
        "print(*{'openlineage', 'airflow.sdk.lineage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_without_a_plugin_that_reads_the_collector_no_libraries_are_imported_for_it(
    stream: str, collected: Collected, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = pytest.importorskip("airflow.sdk.plugins_manager")
    monkeypatch.setattr(plugins, "get_hook_lineage_readers_plugins", list)
    CdfRecordsHook().upsert_records(STREAM, [a_record("a")])
    assert (collected.inputs, collected.outputs) == ([], [])
