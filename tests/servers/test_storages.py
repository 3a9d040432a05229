"""Files arrive from Azure's Blob storage and from SFTP."""

from __future__ import annotations

import json

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record
from tests.servers.storages import Azurite, SftpServer

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
