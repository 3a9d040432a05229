"""A file that changes on a storage while it is read ends the load, as worth a retry."""

from __future__ import annotations

import json
import os

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.sources import files_of
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.servers.storages import Azurite, SftpServer, read_in_small_blocks
from tests.sources.changing import MAPPING, NAMES, ChangingSource, content


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
