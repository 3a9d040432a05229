"""A load ends within seconds of being told to, whatever Azure's storage has stopped to answer."""

from __future__ import annotations

import json
import threading
import time

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.version_compat import AirflowException
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.servers.storages import Azurite, read_in_small_blocks
from tests.sources.changing import MAPPING, content
from tests.stalling import StallingProxy
from tests.waiting import PATIENCE, SOON


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
