"""Files on a local disk, in memory, and on S3 (moto's server), by the URLs that Airflow takes."""

from __future__ import annotations

import gzip
import io
import json
import logging
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import parquet

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.records.chunk import Mark
from airflow_provider_cdf_records.records.errors import FileChangedError
from airflow_provider_cdf_records.sources import FileSource, files_of
from airflow_provider_cdf_records.sources.storage import StoragePath, canonical_path
from airflow_provider_cdf_records.version_compat import (
    AIRFLOW_3,
    AirflowException,
    AirflowFailException,
    object_storage_path,
)
from tests.lineage.collector import use_real_collector
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.scripted_server import Answer, ScriptedServer
from tests.sources.changing import MAPPING, NAMES, ROWS, ChangingSource, content
from tests.stalling import StallingProxy
from tests.state_store import Memory
from tests.waiting import PATIENCE, SOON

BUCKET = "data"
KEYS = {"aws_access_key_id": "some-key", "aws_secret_access_key": "some-secret", "region_name": "us-east-1"}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


class Store:
    """A folder somewhere, written to by others than the code under test."""

    def __init__(self, url: str) -> None:
        self.url = url

    def write(self, name: str, content: bytes) -> str:
        path = object_storage_path(f"{self.url}/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(content)
        return str(path)

    def remove_file(self, name: str) -> None:
        object_storage_path(f"{self.url}/{name}").unlink()

    def read(self, name: str) -> bytes | None:
        path = object_storage_path(f"{self.url}/{name}")
        return path.read_bytes() if path.exists() else None


class S3(Store):
    def __init__(self, endpoint: str) -> None:
        super().__init__(f"s3://aws_test@{BUCKET}/folder")
        self.client: Any = boto3.client("s3", endpoint_url=endpoint, **KEYS)
        self.client.create_bucket(Bucket=BUCKET)

    def write(self, name: str, content: bytes) -> str:
        self.client.put_object(Bucket=BUCKET, Key=f"folder/{name}", Body=content)
        return f"{self.url}/{name}"

    def read(self, name: str) -> bytes | None:
        try:
            answer = self.client.get_object(Bucket=BUCKET, Key=f"folder/{name}")
        except self.client.exceptions.NoSuchKey:
            return None
        content: bytes = answer["Body"].read()
        return content

    def remove_file(self, name: str) -> None:
        self.client.delete_object(Bucket=BUCKET, Key=f"folder/{name}")

    def remove(self) -> None:
        for found in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
            self.client.delete_object(Bucket=BUCKET, Key=found["Key"])
        self.client.delete_bucket(Bucket=BUCKET)


@pytest.fixture
def s3(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    extra = {"endpoint_url": s3_server, "region_name": KEYS["region_name"]}
    fields = {"conn_type": "aws", "login": KEYS["aws_access_key_id"], "extra": extra}
    fields["password"] = KEYS["aws_secret_access_key"]
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", json.dumps(fields))
    store = S3(s3_server)
    yield store
    store.remove()


@pytest.fixture(params=["file", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "s3":
        found: Store = request.getfixturevalue("s3")
        return found
    return Store(f"file://{tmp_path}/data" if request.param == "file" else f"memory://{tmp_path.name}/data")


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def upsert(path: str, **arguments: Any) -> Any:
    return CdfRecordsHook().upsert_file(STREAM, path, **arguments)


def test_a_file_is_loaded(cdf: LocalCdf, store: Store) -> None:
    upsert(store.write("a.ndjson", lines(a_record("a"), a_record("b"))))
    assert cdf.held().keys() == {"a", "b"}


def test_lineage_names_what_was_read_once_without_its_connection(
    cdf: LocalCdf, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.write("a.ndjson", lines(a_record("a"), a_record("b")))
    collected = use_real_collector(monkeypatch)
    upsert(path)
    scheme, _, place = store.url.partition("://")
    assert collected.inputs == [f"{scheme}://{place.removeprefix('aws_test@')}/a.ndjson"]


def test_a_pattern_stands_for_its_files_in_the_order_of_their_names(cdf: LocalCdf, store: Store) -> None:
    for name, number in (("2.ndjson.gz", 2), ("1.ndjson.gz", 1), ("3.csv", 3)):
        store.write(name, gzip.compress(lines(a_record("same", number=number), a_record(name))))
    summary = upsert(f"{store.url}/*.ndjson.gz")
    assert summary.read == 4
    assert cdf.held().keys() == {"same", "1.ndjson.gz", "2.ndjson.gz"}
    assert cdf.held()["same"] == {"number": 2}


def test_a_folder_stands_for_its_files_without_the_hidden_ones(cdf: LocalCdf, store: Store) -> None:
    for name in ("a.ndjson", "b.ndjson", "_SUCCESS", ".hidden.ndjson", "deeper/c.ndjson"):
        store.write(name, lines(a_record(name)))
    upsert(store.url)
    assert cdf.held().keys() == {"a.ndjson", "b.ndjson"}


def test_a_parquet_file_is_loaded(cdf: LocalCdf, store: Store) -> None:
    table = pa.table({"id": [f"r{n}" for n in range(3000)], "number": range(3000)})
    content = io.BytesIO()
    parquet.write_table(table, content, row_group_size=1000)
    upsert(store.write("a.parquet", content.getvalue()), mapping=MAPPING)
    assert len(cdf.held()) == 3000
    assert cdf.held()["r2999"] == {"number": 2999}


@pytest.mark.parametrize("name", ["a.zip", "download"])
def test_a_zip_archive_is_loaded(cdf: LocalCdf, store: Store, name: str) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("b.csv", b"id,number\nb,2\n")
        archive.writestr("in/a.csv.gz", gzip.compress(b"id,number\na,1\n"))
    upsert(store.write(name, content.getvalue()), mapping=MAPPING)
    assert cdf.held() == {"a": {"number": 1}, "b": {"number": 2}}


def test_columns_are_checked_in_each_file(cdf: LocalCdf, store: Store) -> None:
    store.write("1.csv", b"id,number\na,1\n")
    store.write("2.csv", b"id,Number\nb,2\n")
    with pytest.raises(AirflowFailException, match=r"2\.csv.* have no column 'number'.*mean 'Number'\?"):
        upsert(store.url, mapping=MAPPING)
    assert "b" not in cdf.held()


def test_rejected_records_go_where_the_files_are(cdf: LocalCdf, store: Store) -> None:
    path = store.write("a.ndjson", lines(a_record("a"), a_record("b", number="none")))
    rejected = f"{store.url}/out/rejected.ndjson"
    upsert(path, rejected_path=rejected, max_rejected=1)
    content = store.read("out/rejected.ndjson")
    assert content is not None
    (line,) = map(json.loads, content.splitlines())
    assert (line["externalId"], line["where"]) == ("b", f"line 2 of {path}")


def test_rejected_records_of_an_earlier_load_stay_until_a_load_ends_well(cdf: LocalCdf, store: Store) -> None:
    rejected = f"{store.url}/out/rejected.ndjson"
    upsert(
        store.write("a.ndjson", lines(a_record("a", number="none"))), rejected_path=rejected, max_rejected=1
    )
    before = store.read("out/rejected.ndjson")
    assert before
    with pytest.raises(AirflowFailException, match="does not exist"):
        upsert(f"{store.url}/missing.ndjson", rejected_path=rejected)
    assert store.read("out/rejected.ndjson") == before
    upsert(store.write("a.ndjson", lines(a_record("a"))), rejected_path=rejected)
    assert store.read("out/rejected.ndjson") is None


def test_a_file_of_something_else_is_not_written_over(cdf: LocalCdf, store: Store) -> None:
    path = store.write("a.ndjson", lines(a_record("a", number="none"), a_record("b")))
    store.write("notes.txt", b"notes")
    with pytest.raises(AirflowFailException, match=r"notes\.txt' holds something else than rejected records"):
        upsert(path, rejected_path=f"{store.url}/notes.txt", max_rejected=1)
    assert store.read("notes.txt") == b"notes"
    assert not cdf.held(), "it is looked at before the first record is sent"


def test_a_mapping_is_read_from_there_too(cdf: LocalCdf, store: Store) -> None:
    mapping = store.write("mapping.json", json.dumps(MAPPING).encode())
    upsert(store.write("a.csv", b"id,number\na,1\n"), mapping=mapping)
    assert cdf.held() == {"a": {"number": 1}}


def test_a_pattern_in_a_folder_whose_own_name_has_brackets(cdf: LocalCdf, store: Store) -> None:
    for name in ("plant [1]/a.ndjson", "plant 1/b.ndjson", "plant [1]/[x]/c.ndjson", "plant [1]/x/d.ndjson"):
        store.write(name, lines(a_record(name[-8])))
    upsert(f"{store.url}/plant [1]/*.ndjson")
    assert cdf.held().keys() == {"a"}
    upsert(f"{store.url}/plant [1]/[x]/*.ndjson")
    assert cdf.held().keys() == {"a", "c"}
    upsert(f"{store.url}/plant [1]/[xy]/*.ndjson")
    assert cdf.held().keys() == {"a", "c", "d"}


@pytest.mark.parametrize("name", ["a.ndjson", "*.ndjson"])
def test_a_folder_that_is_not_there_is_told(cdf: LocalCdf, store: Store, name: str) -> None:
    store.write("a.ndjson", lines(a_record("a")))
    with pytest.raises(AirflowFailException, match=r"There is no folder \S+/nowhere\."):
        upsert(f"{store.url}/nowhere/{name}")


def test_a_bucket_that_is_not_there_is_told(cdf: LocalCdf, s3: S3) -> None:
    path = s3.write("a.ndjson", lines(a_record("a")))
    for name in ("in/a.ndjson", "in/*.ndjson", ""):
        with pytest.raises(AirflowFailException, match="There is no bucket s3://aws_test@nowhere"):
            upsert(f"s3://aws_test@nowhere/{name}")
    with pytest.raises(
        AirflowFailException,
        match=r"rejected_path 's3://aws_test@nowhere/r\.ndjson' cannot be written: .*bucket",
    ):
        upsert(path, rejected_path="s3://aws_test@nowhere/r.ndjson")
    assert not cdf.held(), "it is found before the first record is sent"


def test_looking_whether_a_bucket_can_be_written_leaves_nothing(cdf: LocalCdf, s3: S3) -> None:
    upsert(s3.write("a.ndjson", lines(a_record("a"))), rejected_path=f"{s3.url}/out/r.ndjson")
    assert [found["Key"] for found in s3.client.list_objects_v2(Bucket=BUCKET)["Contents"]] == [
        "folder/a.ndjson"
    ]
    assert "Uploads" not in s3.client.list_multipart_uploads(Bucket=BUCKET)


@pytest.mark.usefixtures("empty_metadata_database")
def test_a_connection_that_is_not_there_is_told(cdf: LocalCdf, s3: S3) -> None:
    with pytest.raises(AirflowFailException, match=r"^path: there is no connection 'typo'"):
        upsert("s3://typo@data/a.ndjson")


def test_a_file_that_is_not_there_is_told(cdf: LocalCdf, store: Store) -> None:
    store.write("a.ndjson", lines(a_record("a")))
    with pytest.raises(AirflowFailException, match=r"none\.ndjson does not exist"):
        upsert(f"{store.url}/none.ndjson")
    with pytest.raises(AirflowFailException, match=r"\*\.csv is a pattern with no files"):
        upsert(f"{store.url}/*.csv")


def fingerprint(url: str) -> dict[str, Any]:
    path = object_storage_path(url)
    path.fs.invalidate_cache()
    return FileSource(*files_of(path)).fingerprint()


@pytest.mark.parametrize("name", ["a.ndjson", "*.ndjson"])
def test_a_file_written_again_is_another_even_with_the_same_size(store: Store, name: str) -> None:
    store.write("a.ndjson", b"one\n")
    store.write("b.ndjson", b"one\n")
    before = fingerprint(f"{store.url}/{name}")
    assert fingerprint(f"{store.url}/{name}") == before
    time.sleep(0.01)  # which is what a local disk can tell apart
    store.write("a.ndjson", b"two\n")
    assert fingerprint(f"{store.url}/{name}") != before


def test_a_retry_goes_on_where_the_try_before_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store.write("a.ndjson", lines(*(a_record(str(n)) for n in range(5000))))
    state = Memory()
    with ScriptedServer() as server:
        extra = {"token": "ready", "max_attempts": 1}
        fields = {"conn_type": "cdf", "host": server.url, "schema": "p", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_CDF_DEFAULT", json.dumps(fields))
        hook = CdfRecordsHook(max_concurrency=1)
        server.answer("/upsert", Answer(), Answer(), Answer(503))
        with pytest.raises(AirflowException, match="503"):
            hook.upsert_file(STREAM, path, state_store=state, check_schema=False)
        server.answer("/upsert", Answer())
        summary = hook.upsert_file(STREAM, path, state_store=state, check_schema=False)
    assert (summary.resumed_from, summary.upserted) == (2000, 5000)
    again = server.asked_for("/upsert")[3].json["items"]
    assert again[0]["externalId"] == "2000"


def test_an_object_that_stands_for_the_folder_is_no_file(cdf: LocalCdf, s3: S3) -> None:
    s3.write("", b"")
    s3.write("a.ndjson", lines(a_record("a")))
    upsert(s3.url)
    upsert(f"{s3.url}/*")
    assert cdf.held().keys() == {"a"}


def test_what_was_written_since_a_folder_was_last_listed_is_seen(cdf: LocalCdf, s3: S3) -> None:
    s3.write("a.ndjson", lines(a_record("a", number=1)))
    upsert(s3.url)
    s3.write("b.ndjson", lines(a_record("b")))
    s3.write("a.ndjson", lines(a_record("a", number=2), a_record("c")))
    upsert(s3.url)
    assert cdf.held() == {"a": {"number": 2}, "b": {"value": 1.5}, "c": {"value": 1.5}}


def test_an_url_of_no_known_kind_is_told(cdf: LocalCdf) -> None:
    with pytest.raises(AirflowFailException, match=r"path 'nope://bucket/a\.ndjson' cannot be opened"):
        upsert("nope://bucket/a.ndjson")


SPELLINGS = [
    ("s3://b/x/a.csv", "s3a://b/x/a.csv"),
    ("s3://b/x/a.csv", "S3A://b/x/a.csv"),
    ("s3://b/x/a.csv", "s3://conn@b/x/a.csv"),
    ("s3://b/x/a.csv", "s3://b//x/../x/./a.csv"),
    ("gs://b/a.csv", "gcs://conn@b/a.csv"),
    ("abfs://c/a.csv", "abfss://conn@c/a.csv"),
    ("abfs://c/a.csv", "az://c/a.csv"),
    ("memory://b/a.csv", "memory:///b//a.csv"),
    ("/data/x/a.csv", "file:///data/x/a.csv"),
    ("/data/x/a.csv", "FILE:///data/x/a.csv"),
    ("/data/x/a.csv", "file://conn@/data/x/a.csv"),
    ("/data/x/a.csv", "local:///data/x/a.csv"),
    ("/data/x/a.csv", "//data///x/y/../a.csv"),
    ("a.csv", f"{Path.cwd()}/./a.csv"),
]
OTHERS = [
    ("s3://b/x/a.csv", "s3://b/y/a.csv"),
    ("s3://b/x/a.csv", "gs://b/x/a.csv"),
    ("s3://b/x/a.csv", "s3://c/x/a.csv"),
    ("s3://b/x/a.csv", "s3://b/x/A.csv"),
    ("/b/x/a.csv", "memory:///b/x/a.csv"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_one_file_is_the_same_however_its_path_is_written(one: str, other: str) -> None:
    assert canonical_path(opened_lazily(one)) == canonical_path(opened_lazily(other))


@pytest.mark.parametrize(("one", "other"), OTHERS)
def test_two_files_are_not_the_same(one: str, other: str) -> None:
    assert canonical_path(opened_lazily(one)) != canonical_path(opened_lazily(other))


def opened_lazily(url: str) -> StoragePath:
    """Return a path as Airflow does where it knows the storage, without asking that for anything."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(io_of_airflow(), "has_fs", lambda _: True)
        path: StoragePath = object_storage_path(url)
    return path


def io_of_airflow() -> Any:
    return import_module("airflow.sdk.io" if AIRFLOW_3 else "airflow.io")


@pytest.mark.parametrize("name", ["", "*.ndjson", "[a-z]*"])
def test_a_rejected_file_that_the_next_run_would_load_is_refused(
    cdf: LocalCdf, store: Store, name: str
) -> None:
    store.write("a.ndjson", lines(a_record("a", number="none")))
    path = f"{store.url}/{name}"
    for spelling in (f"{store.url}/rejected.ndjson", f"{store.url}//x/..//rejected.ndjson"):
        with pytest.raises(AirflowFailException, match="which the next run would load"):
            upsert(path, rejected_path=spelling, max_rejected=1)
    upsert(path, rejected_path=f"{store.url}/_rejected.ndjson", max_rejected=1)
    assert upsert(path, rejected_path=f"{store.url}/_rejected.ndjson", max_rejected=1).read == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["written again", "longer", "removed"])
def test_a_file_that_changes_while_it_is_read_ends_the_load(
    cdf: LocalCdf, store: Store, name: str, change: str
) -> None:
    path: Any = storage_path(store.write(name, content(name, 1)), "path")
    if path.protocol == "file":
        os.utime(path.path, (1, 1))  # a disk may not tell apart what is written at nearly the same time

    def make_change() -> None:
        if change == "removed":
            store.remove_file(name)
        else:
            store.write(name, content(name, 2) + b"x" * (change == "longer"))

    source = ChangingSource(*files_of(path))
    source.change = make_change
    if change == "removed" and path.protocol == "file":  # an open file stays what it is
        assert CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING).read >= ROWS
        return
    what = "was removed" if change == "removed" else "changed"
    with pytest.raises(AirflowException, match=rf"{name} {what} while it was being loaded") as failed:
        CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING, max_rejected=10_000)
    assert not isinstance(failed.value, AirflowFailException)


def test_rows_that_are_bad_because_the_file_has_changed_are_worth_a_retry(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    """The load ends at the first of them, long before the end of the file."""
    path = tmp_path / "a.ndjson"
    path.write_bytes(content("a.ndjson", 1))
    source = ChangingSource(path)
    source.change = lambda: path.write_bytes(b"{no row}\n" * 500_000)
    with pytest.raises(AirflowException, match="changed while") as failed:
        CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING)
    assert not isinstance(failed.value, AirflowFailException)


def test_the_first_rows_of_a_file_that_changes_are_not_loaded_as_if_it_did_not(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(content("a.ndjson", 1))
    source = ChangingSource(path)
    source.change = lambda: path.write_bytes(content("a.ndjson", 2) + b"{}")
    with pytest.raises(AirflowException, match="changed while"):
        CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING, limit=ROWS // 2)


def test_a_retry_does_not_go_on_in_a_file_that_had_changed_even_if_it_is_the_old_one_again(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    state = Memory()

    def write(number: int, time: int) -> None:
        path.write_bytes(content("a.ndjson", number))
        os.utime(path, (time, time))

    write(1, 1)
    source = ChangingSource(path)
    source.change = lambda: write(2, 2)
    hook = CdfRecordsHook()
    with pytest.raises(AirflowException, match="changed while"):
        hook.upsert_source(STREAM, source, mapping=MAPPING, state_store=state)
    write(1, 1)
    summary = hook.upsert_file(STREAM, path, mapping=MAPPING, state_store=state)
    assert (summary.resumed_from, summary.read) == (None, ROWS)
    assert all(record == {"number": 1} for record in cdf.held().values())


def test_a_file_that_changes_before_a_resumed_load_opens_it_is_not_gone_on_in(store: Store) -> None:
    path: Any = storage_path(store.write("a.ndjson", content("a.ndjson", 1)), "path")
    if path.protocol == "file":
        os.utime(path.path, (1, 1))
    source = FileSource(path)
    source.fingerprint()
    source.resume_after(Mark(1000, 40_000))
    store.write("a.ndjson", content("a.ndjson", 2))
    with pytest.raises(FileChangedError, match=r"a\.ndjson changed while"):
        list(source)


def test_storage_that_tells_nothing_is_read_and_not_gone_on_in() -> None:
    path = TellsNothing(content("a.ndjson", 1))
    assert len([row for chunk in FileSource(path) for row in chunk.rows]) == ROWS
    assert FileSource(path).fingerprint() != FileSource(path).fingerprint()


class TellsNothing:
    """A file on storage that tells neither its size nor a version."""

    name = "a.ndjson"
    protocol = "silent"

    def __init__(self, file_content: bytes) -> None:
        self._content = file_content

    def open(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)

    def exists(self) -> bool:
        return True

    def is_dir(self) -> bool:
        return False

    def stat(self) -> dict[str, Any]:
        return {"size": None, "type": "file"}

    def unlink(self) -> None:
        """Remove nothing."""


@pytest.mark.parametrize(
    ("after", "resumes"), [(0, False), (1, False), (2, True), (3, True), (4, True), (5, False)]
)
def test_storage_that_stalls_does_not_hold_up_the_end(
    cdf: LocalCdf, s3: S3, s3_server: str, monkeypatch: pytest.MonkeyPatch, after: int, resumes: bool
) -> None:
    """S3's client itself waits for minutes: 15 seconds and 25 attempts for each question."""
    path = s3.write("a.ndjson", content("a.ndjson", 1))
    host, _, port = s3_server.rpartition("/")[2].partition(":")
    monkeypatch.setattr("s3fs.S3FileSystem.default_block_size", 1 << 16)
    with StallingProxy(host, int(port), after=after).running() as proxy:
        extra = {"endpoint_url": f"http://127.0.0.1:{proxy.port}", "region_name": KEYS["region_name"]}
        fields = json.loads(os.environ["AIRFLOW_CONN_AWS_TEST"]) | {"extra": extra}
        conn_id = f"aws_{proxy.port}"  # Airflow keeps what it has opened by that name
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        hook = CdfRecordsHook()

        def stop_when_it_stalls() -> None:
            proxy.stalls.wait(PATIENCE)
            hook.on_kill()

        threading.Thread(target=stop_when_it_stalls, daemon=True).start()
        started = time.monotonic()
        state = {"state_store": Memory()} if resumes else {}
        with pytest.raises(AirflowException, match="told to stop") as failed:
            hook.upsert_file(
                STREAM, path.replace("aws_test", conn_id), mapping=MAPPING, check_schema=False, **state
            )
        assert time.monotonic() - started < SOON
    assert not isinstance(failed.value, AirflowFailException)
