"""The command line, and what survives a restart."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests

from airflow_provider_cdf_records.local_server import Clock, LocalServer
from tests.keys import key_pair
from tests.local_server.conftest import Raw, a_record, set_up
from tests.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent.parent
WITHOUT_AIRFLOW = """
import runpy, sys
sys.modules["airflow"] = None
sys.argv = ["local_server", *sys.argv[1:]]
runpy.run_module("airflow_provider_cdf_records.local_server", run_name="__main__")
"""
SIGNALLED_AS_IT_PRINTS = """
import builtins, runpy, signal, sys
ending = signal.Signals[sys.argv.pop(1)]
show = print
def print_and_signal(*values, **options):
    show(*values, **options)
    if "open http://" in values[0]:
        signal.raise_signal(ending)
builtins.print = print_and_signal
runpy.run_module("airflow_provider_cdf_records.local_server", run_name="__main__")
"""
SIGNALLED_AS_IT_IMPORTS = """
import runpy, signal, sys
ending = signal.Signals[sys.argv.pop(1)]
class Finder:
    @staticmethod
    def find_spec(name, *_):
        if name == "uvicorn":
            signal.raise_signal(ending)
sys.meta_path.insert(0, Finder)
runpy.run_module("airflow_provider_cdf_records.local_server", run_name="__main__")
"""


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Start the command line; yield the process and the first two lines it prints."""
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
    """Return a client of the connection that the command printed."""
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
        assert process.wait(timeout=PATIENCE) == 0


def test_what_was_answered_survives_a_kill_and_nothing_is_half_there(tmp_path: Path) -> None:
    database = tmp_path / "cdf.sqlite"
    answered: list[int] = []
    with command("--database", str(database)) as (process, (_, export)):
        raw = raw_of(export)
        set_up(raw)

        def upsert_without_end() -> None:
            for number in range(100_000):
                try:
                    answer = raw.upsert(*(a_record(f"{number}-{n}") for n in range(50)))
                except requests.ConnectionError:
                    return
                assert answer.ok
                answered.append(number)

        thread = threading.Thread(target=upsert_without_end)
        thread.start()
        wait_until(lambda: len(answered) >= 20)
        process.kill()
        thread.join()
    with LocalServer(database) as server:
        held = Counter(record["externalId"].partition("-")[0] for record in server.records("mutable"))
        assert set(map(str, answered)) <= held.keys()
        assert set(held.values()) == {50}
        assert raw_again(server).upsert(a_record("later")).ok


def raw_again(server: LocalServer) -> Raw:
    return Raw(server.url, server.settings)


def test_the_printed_line_is_good_for_a_shell_whatever_the_secret(tmp_path: Path) -> None:
    secret = 'it\'s "$HOME" `here`'
    arguments = ["--database", str(tmp_path / "cdf.sqlite"), "--client-secret", secret]
    with command(*arguments) as (_, (_, export)):
        script = f'{export}printf %s "$AIRFLOW_CONN_CDF_DEFAULT"'
        printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert json.loads(printed)["password"] == secret


def test_the_database_is_in_wal_mode(server: LocalServer) -> None:
    with closing(sqlite3.connect(server.settings.database)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


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
    with LocalServer(tmp_path / "cdf.sqlite", visibility_delay=5, clock=Clock(stopped=True)) as server:
        raw = raw_again(server)
        set_up(raw)
        raw.upsert(a_record())
        server.clock.advance(4.9)
        assert raw.held() == {}
        server.clock.advance(0.2)
        assert raw.held().keys() == {"a"}


def test_what_was_stored_is_visible_after_exactly_the_delay_however_much_it_was(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", visibility_delay=60, clock=Clock(stopped=True)) as server:
        raw = raw_again(server)
        set_up(raw)
        for number in range(20):
            raw.upsert(a_record(str(number)), a_record("again", text=str(number)))
        server.clock.advance(59)
        assert raw.held() == {}
        server.clock.advance(1)
        held = raw.held()
        assert held.keys() == {*map(str, range(20)), "again"}
        assert held["again"]["text"] == "19"


def test_a_database_of_later_times_goes_on_from_them(tmp_path: Path) -> None:
    database = tmp_path / "cdf.sqlite"
    with LocalServer(database, visibility_delay=60, clock=Clock(stopped=True)) as server:
        server.clock.advance(3000)
        raw = raw_again(server)
        set_up(raw)
        raw.upsert(a_record("a"))
    with LocalServer(database, visibility_delay=60, clock=Clock(stopped=True)) as server:
        raw = raw_again(server)
        raw.upsert(a_record("b"))
        server.clock.advance(59)
        assert "b" not in raw.held()
        server.clock.advance(1)
        assert raw.held().keys() == {"a", "b"}


def test_a_change_hides_what_was_visible_no_earlier_than_it_is_visible_itself(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "cdf.sqlite", visibility_delay=5, clock=Clock(stopped=True)) as server:
        raw = raw_again(server)
        set_up(raw)
        raw.upsert(a_record("a", text="old"), a_record("b", text="old"))
        server.clock.advance(6)
        raw.upsert(a_record("a", text="new"))
        raw.post("/streams/mutable/records/delete", {"items": [{"space": "s", "externalId": "b"}]})
        assert {name: held["text"] for name, held in raw.held().items()} == {"a": "old", "b": "old"}
        server.clock.advance(6)
        assert {name: held["text"] for name, held in raw.held().items()} == {"a": "new"}


def test_a_database_of_another_version_is_one_line(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as old:
        old.execute("CREATE TABLE record (seq)")
    before = (tmp_path / "old.sqlite").read_bytes()
    message = refused_start("--database", str(tmp_path / "old.sqlite"))
    assert "old.sqlite: was made by another version of the local server" in message
    assert (tmp_path / "old.sqlite").read_bytes() == before


def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is text " * 100)
    cases = {
        str(tmp_path / "text.sqlite"): "text.sqlite: file is not a database",
        ":memory:": "':memory:': the local server needs a file",
        str(tmp_path): "is not a file",
        "/dev/null": "is not a file",
        str(tmp_path / "none" / "cdf.sqlite"): f"there is no folder {tmp_path / 'none'}",
        "x" * 1000: "File name too long",
    }
    for database, message in cases.items():
        line = refused_start("--database", database)
        assert line.startswith("Cannot start: database ")
        assert message in line


def test_a_database_is_of_one_server_at_a_time(tmp_path: Path) -> None:
    database = tmp_path / "cdf.sqlite"
    with LocalServer(database) as server:
        assert "another local server uses it" in refused_start("--database", str(database))
        with pytest.raises(ValueError, match="another local server uses it"):
            LocalServer(database)
        raw = raw_again(server)
        set_up(raw)
        assert raw.upsert(a_record()).ok
    assert [path.name for path in tmp_path.iterdir()] == ["cdf.sqlite"]
    with LocalServer(database) as server:
        assert raw_again(server).held().keys() == {"a"}


def test_a_server_that_cannot_start_leaves_its_port_to_others() -> None:
    with LocalServer() as server:
        port = int(server.url.rpartition(":")[2])
    with pytest.raises(ValueError, match="another") as caught:
        LocalServer(port=port, allowed_hosts=["another host"])
    with LocalServer(port=port):
        del caught  # which kept the server that failed


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_right_after_the_last_line_ends_it(tmp_path: Path, ending: signal.Signals) -> None:
    for _ in range(3):
        with command("--database", str(tmp_path / "cdf.sqlite")) as (process, _):
            assert process.stdout is not None
            assert "open http://" in process.stdout.readline()
            process.send_signal(ending)
            assert process.wait(timeout=PATIENCE) == 0


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "signalled", [SIGNALLED_AS_IT_IMPORTS, SIGNALLED_AS_IT_PRINTS], ids=["imports", "prints"]
)
def test_a_signal_before_it_serves_ends_it_without_a_word(
    tmp_path: Path, ending: signal.Signals, signalled: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", signalled, ending.name, "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with LocalServer(tmp_path / "cdf.sqlite") as server:
        set_up(raw_again(server))


def test_a_database_whose_name_looks_like_a_uri_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalServer("file:cdf?mode=memory") as server:
        set_up(raw_again(server))
    assert (tmp_path / "file:cdf?mode=memory").is_file()


def refused_start(*arguments: str) -> str:
    """Start the command line, which must exit at once, and return the one line that says why."""
    module = ["-m", "airflow_provider_cdf_records.local_server", "--port", "0"]
    done = subprocess.run(
        [sys.executable, *module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_a_port_that_is_taken_is_one_line(server: LocalServer, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    message = refused_start("--port", port, "--database", str(tmp_path / "other.sqlite"))
    assert f"Cannot listen on 127.0.0.1:{port}" in message


def test_listening_to_the_world_is_said(tmp_path: Path) -> None:
    with command("--host", "0.0.0.0", "--database", str(tmp_path / "cdf.sqlite")) as (process, lines):
        assert process.stdout is not None
        process.stdout.readline()
        assert "can be reached from other machines" in process.stdout.readline()
        assert "http://127.0.0.1:" in lines[0]


def test_the_command_knows_clients_by_their_certificates(tmp_path: Path) -> None:
    certificate = key_pair().write_certificate(tmp_path / "app.pem")
    arguments = ("--database", str(tmp_path / "cdf.sqlite"), "--client-certificate", f"app:{certificate}")
    with command(*arguments) as (_, (_, export)):
        token_url = json.loads(export.partition("'")[2].rpartition("'")[0])["extra"]["token_url"]
        claims = {"aud": token_url, "iss": "app", "sub": "app"}
        form = {
            "grant_type": "client_credentials",
            "client_id": "app",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": key_pair().token({"x5t": key_pair().thumbprint("sha1")}, **claims),
        }
        assert requests.post(token_url, data=form, timeout=PATIENCE).ok


def test_a_certificate_that_is_missing_ends_the_command(tmp_path: Path) -> None:
    arguments = ["--database", str(tmp_path / "cdf.sqlite"), "--federated-issuer", f"pod:{tmp_path}/no.pem"]
    done = subprocess.run(
        [sys.executable, "-m", "airflow_provider_cdf_records.local_server", "--port", "0", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 1
    assert f"Cannot start: {tmp_path}/no.pem must be a PEM file of a certificate or public key" in done.stderr
