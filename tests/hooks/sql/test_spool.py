"""A query whose rows go to a file first: what a retry does with it, and what stays of it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import checkpoint
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.sources.spool import places
from airflow_provider_cdf_records.version_compat import AirflowException, AirflowFailException
from tests.current_task import current_task
from tests.dags.conftest import ROOT
from tests.hooks.sql.conftest import mapping, measured_load
from tests.hooks.sql.test_memory import LOAD as LOAD_LARGE
from tests.hooks.sql.test_sqlite import ENDLESS, fill
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.sources.test_storage import BUCKET, S3, s3, s3_server  # noqa: F401 (fixtures)
from tests.state_store import Memory
from tests.waiting import SOON, wait_until

ROWS = 8_000
ENDLESS_ROWS = (
    "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, id AS number FROM n"
)


@pytest.fixture(autouse=True)
def spools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of this user's spools, which need not exist."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder / f"cdf-records-spool-{os.getuid()}"


def operator(sql: str = "SELECT * FROM reading", **arguments: Any) -> CdfRecordsFromSqlOperator:
    given = {"mapping": mapping(number="number"), "conn_id": "lite", "spool": True} | arguments
    return CdfRecordsFromSqlOperator(task_id="load", stream_id=STREAM, sql=sql, **given)


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def load(task: CdfRecordsFromSqlOperator, run_id: str = "run", **context: Any) -> dict[str, Any]:
    with current_task(run_id, **context) as given:
        return task.execute(given)


def interrupted(
    cdf: LocalCdf, monkeypatch: pytest.MonkeyPatch, store: Memory | None, **arguments: Any
) -> None:
    """Load until some records are in, and end as a task that is killed."""
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=4)
        task = operator(max_concurrency=2, **arguments)

        def kill() -> None:
            wait_until(lambda: 0 < plan.held == plan.under_way)
            task.on_kill()
            plan.release()

        threading.Thread(target=kill, daemon=True).start()
        with pytest.raises(AirflowException, match="told to stop"):
            load(task, task_state_store=store)


def test_all_rows_arrive_and_nothing_stays(cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(2500)))
    summary = load(operator())
    assert (summary["read"], summary["upserted"], summary["resumed_from"]) == (2500, 2500, None)
    assert cdf.held()["r2499"] == {"number": 2499}
    assert not files_in(spools)


def test_an_empty_result_is_a_load_of_nothing(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    fill(sqlite)
    assert load(operator())["read"] == 0


def test_the_connection_is_closed_before_the_first_record_is_sent(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    sqlite.execute("PRAGMA busy_timeout = 0")
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=1)
        hook, arguments = CdfRecordsHook(), {"mapping": mapping(number="number"), "conn_id": "lite"}
        query = partial(hook.upsert_query, STREAM, "SELECT * FROM reading", spool=True, **arguments)
        loading = threading.Thread(target=query)
        loading.start()
        wait_until(lambda: plan.held)
        sqlite.execute("BEGIN EXCLUSIVE")  # fails while somebody reads
        sqlite.rollback()
        plan.release()
        loading.join()
    assert len(cdf.held()) == ROWS


def test_a_retry_goes_on_where_it_was_without_the_database(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, spools: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store)
    (spool,) = files_in(spools)
    assert stat.S_IMODE(spool.stat().st_mode) == 0o600
    assert stat.S_IMODE(spool.parent.stat().st_mode) == 0o700
    with sqlite:
        sqlite.execute("DROP TABLE reading")
    summary = load(operator(), task_state_store=store)
    assert 0 < summary["resumed_from"] < ROWS
    assert summary["read"] == summary["upserted"] == ROWS
    assert cdf.held() == {f"r{n}": {"number": n} for n in range(ROWS)}
    assert not files_in(spools)


def test_without_a_store_a_retry_reads_the_spool_from_its_beginning(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    interrupted(cdf, monkeypatch, None)
    with sqlite:
        sqlite.execute("DROP TABLE reading")
    summary = load(operator())
    assert (summary["read"], summary["resumed_from"]) == (ROWS, None)


@pytest.mark.parametrize(
    ("changed", "run_id"),
    [
        ({}, "another run"),
        ({"sql": "SELECT * FROM reading WHERE number < 100"}, "run"),
        ({"limit": 100}, "run"),
        ({"sql": "SELECT * FROM reading WHERE number < ?", "parameters": [100]}, "run"),
    ],
)
def test_a_spool_is_of_one_run_and_one_query(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    changed: dict[str, Any],
    run_id: str,
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store)
    with sqlite:
        sqlite.execute("DELETE FROM reading WHERE number >= 200")
    summary = load(operator(**changed), run_id, task_state_store=Memory() if run_id != "run" else store)
    assert summary["resumed_from"] is None
    assert summary["read"] == (100 if changed else 200)


def test_each_part_has_a_spool_of_its_own(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, spools: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(2 * ROWS)))
    interrupted(cdf, monkeypatch, None, partition="1/2")
    with sqlite:
        sqlite.execute("DELETE FROM reading WHERE number >= 200")
    other = load(operator(partition="2/2"))
    assert 0 < other["read"] < 200
    assert len(files_in(spools)) == 1
    again = load(operator(partition="1/2"))
    assert again["read"] > 200
    assert not files_in(spools)


def test_tasks_share_no_spool(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    interrupted(cdf, monkeypatch, Memory())
    with sqlite:
        sqlite.execute("DELETE FROM reading WHERE number >= 200")
    with current_task(map_index=3) as context:
        assert operator().execute(context)["read"] == 200


def test_rows_are_fetched_anew_when_the_spool_is_gone(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, spools: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store)
    for spool in files_in(spools):
        spool.unlink()
    summary = load(operator(), task_state_store=store)
    assert (summary["read"], summary["resumed_from"]) == (ROWS, None)


@pytest.mark.parametrize("cut", ["end", "middle", "changed"])
def test_a_spool_that_is_not_whole_is_never_taken_for_one(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    spools: Path,
    cut: str,
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store)
    (spool,) = files_in(spools)
    content = bytearray(spool.read_bytes())
    if cut == "changed":
        content[-10_000] ^= 1
        spool.write_bytes(content)
        with pytest.raises(AirflowException, match="is not the whole spool that was written") as error:
            load(operator(), task_state_store=store)
        assert not isinstance(error.value, AirflowFailException)
        assert not files_in(spools)
    else:
        spool.write_bytes(content[:-1] if cut == "end" else content[: len(content) // 2])
    summary = load(operator(), task_state_store=store)
    assert (summary["read"], summary["resumed_from"]) == (ROWS, None)
    assert len(cdf.held()) == ROWS


LOAD = """
import sys, tempfile
from tests.current_task import current_task
from tests.hooks.sql.test_spool import ENDLESS_ROWS, operator
with current_task() as context:
    operator(sys.argv[1]).execute(context)
"""


def test_what_a_killed_spool_leaves_is_no_spool_and_goes(
    cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path
) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(spools.parent)}
    process = subprocess.Popen([sys.executable, "-c", LOAD, ENDLESS_ROWS], env=environment)
    wait_until(lambda: any(path.stat().st_size > 1_000_000 for path in files_in(spools)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    (left,) = files_in(spools)
    assert left.name.endswith(".part")
    fill(sqlite, ("a", 1))
    assert load(operator(f"SELECT * FROM ({ENDLESS_ROWS} LIMIT 5)"))["read"] == 5
    assert files_in(spools) == [left]  # of another query, and not old
    task = operator(ENDLESS_ROWS)
    threading.Thread(target=_kill_when_written, args=(task, spools, left), daemon=True).start()
    with pytest.raises(AirflowException, match="told to stop"):
        load(task)
    assert not files_in(spools)


def _kill_when_written(task: CdfRecordsFromSqlOperator, folder: Path, left: Path) -> None:
    wait_until(lambda: files_in(folder) not in ([], [left]))
    task.on_kill()


@pytest.mark.parametrize("sql", [ENDLESS, ENDLESS_ROWS])
def test_a_killed_task_stops_to_fetch_within_seconds(
    cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path, sql: str
) -> None:
    task = operator(sql, mapping=mapping(number="id"))

    def kill() -> None:
        wait_until(lambda: "cdf-source" in [thread.name for thread in threading.enumerate()])
        task.on_kill()

    threading.Thread(target=kill, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(AirflowException, match="told to stop"):
        load(task)
    assert time.monotonic() - started < SOON
    wait_until(lambda: not files_in(spools))


def test_what_others_left_is_removed_after_a_day(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, spools: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    interrupted(cdf, monkeypatch, Memory())
    (spool,) = files_in(spools)
    part = spool.with_name(f"other{places.SUFFIX}.1{places.PART}")
    mine = spool.with_name("mine.txt")
    for path in (part, mine):
        path.write_bytes(b"")
    load(operator(limit=1), "the next run")
    assert files_in(spools) == sorted([mine, part, spool])
    for path in (spool, part, mine):
        os.utime(path, (1, 1))
    load(operator(limit=1), "the next run")
    assert files_in(spools) == [mine]


def test_a_load_that_fails_for_good_leaves_no_spool(
    cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path
) -> None:
    fill(sqlite, ("a", "none"))
    with pytest.raises(AirflowFailException, match="1 of 1 record read was rejected"):
        load(operator())
    assert not files_in(spools)


def test_a_column_that_is_missing_shows_before_the_rows_are_fetched(
    cdf: LocalCdf, sqlite: sqlite3.Connection
) -> None:
    with pytest.raises(AirflowFailException, match="the rows have no column 'nowhere'"):
        load(operator(ENDLESS_ROWS, mapping=mapping(number="nowhere")))


def test_a_limit_ends_the_query(cdf: LocalCdf, sqlite: sqlite3.Connection) -> None:
    assert load(operator(ENDLESS_ROWS, limit=1234))["read"] == 1234


def test_outside_of_a_task_nothing_stays(
    cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    assert operator().execute({})["read"] == ROWS
    task = operator()
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=4)

        def kill() -> None:
            wait_until(lambda: plan.held)
            task.on_kill()
            plan.release()

        threading.Thread(target=kill, daemon=True).start()
        with pytest.raises(AirflowException, match="told to stop"):
            task.execute({})
    wait_until(lambda: not files_in(spools))


def test_a_full_disk_is_said_and_worth_a_retry(
    cdf: LocalCdf, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.mkdir()
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    monkeypatch.setattr(places, "os", _Full())
    with pytest.raises(
        AirflowException, match=r"The disk is full: .*/full has no room .* by spool="
    ) as error:
        load(operator(spool=str(full)))
    assert not isinstance(error.value, AirflowFailException)
    assert not files_in(full)


class _Full:
    """The module ``os``, whose files are on a disk that is full."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def fdopen(self, descriptor: int, mode: str) -> Any:
        file = os.fdopen(descriptor, mode, 0)
        if mode == "wb":
            os.dup2(os.open("/dev/full", os.O_WRONLY), descriptor)
        return file


def test_a_folder_of_others_is_not_taken(cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path) -> None:
    spools.mkdir()
    spools.chmod(0o777)
    fill(sqlite, ("a", 1))
    with pytest.raises(AirflowFailException, match="is not a folder of this user alone"):
        load(operator())


@pytest.mark.parametrize(
    ("spool", "message"),
    [
        ("a-file", "is a file"),
        ("https://me:pass@host/x?sig=1", r"'https://\*\*\*@host/x\?sig=\*\*\*' is on a web server"),
    ],
)
def test_a_spool_that_is_no_folder_is_refused(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    spool: Any,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("")
    with pytest.raises((AirflowFailException, ValueError), match=message):  # the second: when it is parsed
        load(operator("SELECT 1 AS id, 2 AS number", spool=spool))


def test_a_spool_of_a_wrong_kind_fails_when_the_dag_is_parsed() -> None:
    with pytest.raises(ValueError, match="spool must be True, a folder, or the URL of one on storage, got 5"):
        operator("SELECT 1 AS id, 2 AS number", spool=5)


@pytest.mark.parametrize("spool", [False, None, "", "None", "False"])
def test_no_spool_can_be_what_a_template_gives(
    cdf: LocalCdf, sqlite: sqlite3.Connection, spools: Path, spool: Any
) -> None:
    assert load(operator("SELECT 1 AS id, 2 AS number", spool=spool))["read"] == 1
    assert not spools.exists()


def test_a_rejected_row_is_named_by_its_place_in_the_query(
    cdf: LocalCdf, sqlite: sqlite3.Connection, tmp_path: Path
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(1500)), ("bad", "none"))
    rejected = tmp_path / "rejected.ndjson"
    load(operator(max_rejected=1, rejected_path=str(rejected)))
    line = json.loads(rejected.read_text())
    assert (line["where"], line["record"]) == ("row 1501 of the query", {"id": "bad", "number": "none"})


def test_large_rows_take_little_memory_on_their_way_through_a_spool(
    sqlite: sqlite3.Connection, sink: str, tmp_path: Path
) -> None:
    code = LOAD_LARGE.replace("check_schema=False", "check_schema=False, spool=True").replace("2000", "600")
    measured = measured_load(code, sink, "zeroblob(500000)", TMPDIR=str(tmp_path))
    assert measured["upserted"] == 600
    assert measured["peak"] - measured["imported"] <= 100, measured  # MB, of 300


def test_a_spool_on_storage_is_gone_on_with_by_any_worker(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    s3: S3,  # noqa: F811
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store, spool=f"{s3.url}/spool/")
    (spool,) = spooled = _keys(s3)
    assert spool.startswith("folder/spool/plant_load-")
    with sqlite:
        sqlite.execute("DROP TABLE reading")
    summary = load(operator(spool=f"{s3.url}/spool"), task_state_store=store)
    assert (summary["read"], summary["resumed_from"] > 0) == (ROWS, True)
    assert len(cdf.held()) == ROWS
    assert spooled
    assert not _keys(s3)


def test_a_spool_on_storage_that_was_cut_short_is_fetched_anew(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    s3: S3,  # noqa: F811
) -> None:
    fill(sqlite, *((f"r{n}", n) for n in range(ROWS)))
    store = Memory()
    interrupted(cdf, monkeypatch, store, spool=f"{s3.url}/spool/")
    (key,) = _keys(s3)
    content = s3.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.client.put_object(Bucket=BUCKET, Key=key, Body=content[:-1000])
    summary = load(operator(spool=f"{s3.url}/spool/"), task_state_store=store)
    assert (summary["read"], summary["resumed_from"]) == (ROWS, None)
    assert len(cdf.held()) == ROWS


def test_a_killed_spool_on_storage_leaves_nothing(
    cdf: LocalCdf,
    sqlite: sqlite3.Connection,
    s3: S3,  # noqa: F811
) -> None:
    wide = f"SELECT *, hex(randomblob(100000)) AS text FROM ({ENDLESS_ROWS})"  # an upload begins after 50 MB
    task = operator(wide, spool=f"{s3.url}/spool/")

    def uploads() -> Any:
        return s3.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads")

    def kill() -> None:
        try:
            wait_until(uploads)
        finally:
            task.on_kill()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(AirflowException, match="told to stop"):
        load(task)
    wait_until(lambda: "cdf-source" not in [thread.name for thread in threading.enumerate()])
    assert not _keys(s3)
    assert not uploads()


def _keys(s3: S3) -> list[str]:  # noqa: F811
    return [found["Key"] for found in s3.client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]
