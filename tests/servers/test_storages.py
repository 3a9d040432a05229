"""Files arrive from Azure's Blob storage and from SFTP."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.sources import files_of
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.servers.storages import Azurite, SftpServer
from tests.sources.changing import MAPPING, NAMES, ChangingSource, content
from tests.stalling import StallingProxy
from tests.waiting import PATIENCE, SOON

LINE = json.dumps(a_record("a", number=1)).encode() + b"\n"


@pytest.mark.xdist_group("azurite")
def test_a_blob_is_loaded(cdf: LocalCdf, azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    container = azurite.container("first")
    container.create_container()
    container.upload_blob("in/a.ndjson", LINE)
    fields = {"conn_type": "wasb", "extra": {"connection_string": azurite.connection_string}}
    monkeypatch.setenv("AIRFLOW_CONN_AZURE", json.dumps(fields))
    summary = CdfRecordsHook().upsert_file(STREAM, "abfs://azure@first/in/a.ndjson")
    assert (summary.read, cdf.held()) == (1, {"a": {"number": 1}})


@pytest.mark.xdist_group("sftp")
def test_a_file_of_sftp_is_loaded(cdf: LocalCdf, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (sftp.root / "in").mkdir()
    (sftp.root / "in" / "a.ndjson").write_bytes(LINE)
    monkeypatch.setenv("AIRFLOW_CONN_SFTP", json.dumps(sftp.connection_fields()))
    summary = CdfRecordsHook().upsert_file(STREAM, "sftp://sftp@/in/a.ndjson")
    assert (summary.read, cdf.held()) == (1, {"a": {"number": 1}})


def read_in_small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have blobs be asked for 64 kB at a time instead of 50 MB."""
    size = property(lambda _: 1 << 16, lambda *_: None)  # also for file systems that are kept from before
    monkeypatch.setattr("adlfs.AzureBlobFileSystem.blocksize", size, raising=False)


@pytest.mark.xdist_group("azurite")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["written again", "removed"])
def test_a_blob_that_changes_between_two_blocks_ends_the_load(
    cdf: LocalCdf, azurite: Azurite, monkeypatch: pytest.MonkeyPatch, name: str, change: str
) -> None:
    read_in_small_blocks(monkeypatch)
    container = azurite.container("changing")
    if not container.exists():
        container.create_container()
    container.upload_blob(name, content(name, 1), overwrite=True)
    fields = {"conn_type": "wasb", "extra": {"connection_string": azurite.connection_string}}
    monkeypatch.setenv("AIRFLOW_CONN_AZURE", json.dumps(fields))

    def make_change() -> None:
        if change == "removed":
            container.delete_blob(name)
        else:
            container.upload_blob(name, content(name, 2), overwrite=True)

    source = ChangingSource(*files_of(storage_path(f"abfs://azure@changing/{name}", "path")))
    source.change = make_change
    what = "was removed" if change == "removed" else "changed"
    with pytest.raises(AirflowException, match=rf"{name} {what} while it was being loaded") as failed:
        CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING)
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.xdist_group("sftp")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", ["written again", "replaced", "longer"])
def test_a_file_of_sftp_that_changes_while_it_is_read_ends_the_load(
    cdf: LocalCdf, sftp: SftpServer, monkeypatch: pytest.MonkeyPatch, name: str, change: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SFTP", json.dumps(sftp.connection_fields()))
    file = sftp.root / name
    file.write_bytes(content(name, 1))
    os.utime(file, (1, 1))

    def make_change() -> None:
        new = content(name, 2)
        if change == "longer":
            with file.open("ab") as appending:
                appending.write(new)
        elif change == "replaced":
            (sftp.root / "new").write_bytes(new)
            (sftp.root / "new").rename(file)
        else:
            file.write_bytes(new)

    source = ChangingSource(*files_of(storage_path(f"sftp://sftp@/{name}", "path")))
    source.change = make_change
    with pytest.raises(AirflowException, match=rf"{name} changed while it was being loaded") as failed:
        CdfRecordsHook().upsert_source(STREAM, source, mapping=MAPPING)
    assert not isinstance(failed.value, AirflowFailException)


@pytest.mark.xdist_group("azurite")
@pytest.mark.parametrize(("method", "after"), [("", 0), ("HEAD", 1), ("GET", 0), ("GET", 1), ("GET", 3)])
def test_a_blob_storage_that_stalls_does_not_hold_up_the_end(
    cdf: LocalCdf, azurite: Azurite, monkeypatch: pytest.MonkeyPatch, method: str, after: int
) -> None:
    read_in_small_blocks(monkeypatch)
    container = azurite.container("stalling")
    if not container.exists():
        container.create_container()
    container.upload_blob("a.ndjson", content("a.ndjson", 1), overwrite=True)
    with StallingProxy("127.0.0.1", azurite.port, after=after, method=method).running() as proxy:
        stalling = azurite.connection_string.replace(f":{azurite.port}", f":{proxy.port}")
        fields = {"conn_type": "wasb", "extra": {"connection_string": stalling}}
        conn_id = f"azure_{proxy.port}"  # Airflow keeps what it has opened by that name
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))
        hook = CdfRecordsHook()

        def stop_when_it_stalls() -> None:
            proxy.stalls.wait(PATIENCE)
            hook.on_kill()

        threading.Thread(target=stop_when_it_stalls, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(AirflowException, match="told to stop"):
            hook.upsert_file(STREAM, f"abfs://{conn_id}@stalling/a.ndjson", mapping=MAPPING)
        assert time.monotonic() - started < SOON
