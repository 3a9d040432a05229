"""The command line, restarts, and what survives them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_cdf_records.local_server import LocalServer
from tests.local_server.conftest import Raw, a_record, set_up

ROOT = Path(__file__).parent.parent.parent
WITHOUT_AIRFLOW = """
import runpy, sys
sys.modules["airflow"] = None
sys.argv = ["local_server", *sys.argv[1:]]
runpy.run_module("airflow_provider_cdf_records.local_server", run_name="__main__")
"""


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command line and yield it with its first two lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_AIRFLOW, "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        yield process, [process.stdout.readline(), process.stdout.readline()]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def raw_of(export: str) -> Raw:
    """Use the connection that the command printed."""
    found = re.fullmatch(r"export AIRFLOW_CONN_CDF_DEFAULT='(.*)'\n", export)
    assert found is not None
    connection = json.loads(found[1])
    assert connection["conn_type"] == "cdf"
    with LocalServer() as other:
        settings = other.settings
    assert (connection["login"], connection["password"]) == (settings.client_id, settings.client_secret)
    return Raw(connection["host"], settings)


def test_it_runs_without_airflow_and_prints_its_connection(tmp_path: Path) -> None:
    with command("--database", str(tmp_path / "cdf.sqlite")) as (process, (greeting, export)):
        raw = raw_of(export)
        assert raw.url in greeting
        set_up(raw)
        assert raw.upsert(a_record()).ok
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    database = tmp_path / "cdf.sqlite"
    with command("--database", str(database)) as (process, (_, export)):
        raw = raw_of(export)
        set_up(raw)
        for n in range(20):
            assert raw.upsert(a_record(str(n))).ok
        process.kill()
    with LocalServer(database) as server:
        assert raw_again(server).held().keys() == {str(n) for n in range(20)}


def raw_again(server: LocalServer) -> Raw:
    return Raw(server.url, server.settings)


def test_data_and_definitions_survive_a_restart(tmp_path: Path) -> None:
    database = tmp_path / "cdf.sqlite"
    with LocalServer(database) as server:
        raw = raw_again(server)
        set_up(raw)
        raw.upsert(a_record("a", text="1"))
        raw.post("/streams/delete", {"items": [{"externalId": "immutable"}]})
    with LocalServer(database) as server:
        raw = raw_again(server)
        assert raw.held() == {"a": {"required": 1, "text": "1", "filled": "as usual"}}
        assert [stream["externalId"] for stream in raw.get("/streams").json()["items"]] == ["mutable"]
        assert raw.upsert(a_record("b")).ok
        again = {"externalId": "immutable", "settings": {"template": {"name": "BasicArchive"}}}
        assert raw.post("/streams", {"items": [again]}).status_code == 409


def test_times_move_strictly_forward(raw: Raw) -> None:
    times = []
    for _ in range(20):
        raw.upsert(a_record())
        (item,) = raw.post("/streams/mutable/records/filter", {}).json()["items"]
        times.append((item["createdTime"], item["lastUpdatedTime"]))
    assert len({created for created, _ in times}) == 1
    updated = [updated for _, updated in times]
    assert updated == sorted(set(updated))


def test_a_record_made_again_after_its_deletion_is_new(raw: Raw) -> None:
    raw.upsert(a_record("a", text="1"))
    raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "a"}]})
    assert raw.held() == {}
    raw.upsert(a_record("a"))
    (item,) = raw.post("/streams/mutable/records/filter", {}).json()["items"]
    assert item["createdTime"] == item["lastUpdatedTime"]
    assert "text" not in item["properties"]["s"]["C"]


def test_records_become_visible_after_the_delay(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", visibility_delay=0.5) as server:
        raw = raw_again(server)
        set_up(raw)
        raw.upsert(a_record())
        assert raw.held() == {}
        time.sleep(0.6)
        assert raw.held().keys() == {"a"}


def test_a_port_that_is_taken_is_one_line(server: LocalServer, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    arguments = ["--port", port, "--database", str(tmp_path / "other.sqlite")]
    module = ["-m", "airflow_provider_cdf_records.local_server"]
    done = subprocess.run(
        [sys.executable, *module, *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in done.stderr


def test_listening_to_the_world_is_said(tmp_path: Path) -> None:
    with command("--host", "0.0.0.0", "--database", str(tmp_path / "cdf.sqlite")) as (process, lines):
        assert process.stdout is not None
        assert "can be reached from other machines" in process.stdout.readline()
        assert "http://127.0.0.1:" in lines[0]
