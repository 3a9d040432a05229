"""Each run of a sensor gives what has changed since the run before, and no change is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG

from airflow_provider_cdf_records.hooks import base as hook_module
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError
from airflow_provider_cdf_records.records.returned import as_record, without_returned_keys
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsChangedSensor
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    keeps_state_between_runs,
)
from tests.current_task import current_task
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record
from tests.sensors.changed_runs import KEY, Killed, Runs, deleted, ids
from tests.sensors.modes import built_anew, event_of

KEPT_IN_STORE = pytest.mark.skipif(
    not keeps_state_between_runs(), reason="Airflow 3.3 and later have a store for the state of assets"
)


@pytest.fixture
def runs() -> Runs:
    return Runs()


def upsert(*external_ids: str, stream_id: str = STREAM, **properties: Any) -> None:
    CdfRecordsHook().upsert_records(stream_id, [a_record(one, **properties) for one in external_ids])


def delete(*external_ids: str) -> None:
    CdfRecordsHook().delete_records(STREAM, [a_record(one) for one in external_ids])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_run_gives_what_changed_since_the_run_before(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a", "b")
    assert ids(runs.run("1")) == ["a", "b"]
    assert runs.run("2") is None
    upsert("c")
    assert ids(runs.run("2")) == ["c"]


def test_it_says_how_many_were_created_updated_and_deleted(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a", "b", "c")
    runs.run("1")
    cdf.server.clock.advance(1)
    upsert("a", text="new")
    upsert("d")
    delete("b", "c")
    changes = runs.run("2")
    assert changes is not None
    counts = {name: changes[name] for name in ("created", "updated", "deleted", "has_more")}
    assert counts == {"created": 1, "updated": 1, "deleted": 2, "has_more": False}
    assert [record["status"] for record in changes["records"]] == ["updated", "created"]
    assert changes["records"][0]["sources"] == a_record("a", text="new")["sources"]
    assert deleted(changes) == ["b", "c"]
    assert all("sources" not in record for record in changes["deleted_records"])


def test_each_part_is_an_xcom(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    changes = runs.run("1")
    assert changes is not None
    assert runs.xcoms["1"]["return_value"] == changes
    assert {name: runs.xcoms["1"][name] for name in changes} == changes


def test_without_sources_there_are_identities_alone(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    changes = runs.run("1", sources=None)
    assert changes is not None
    (record,) = changes["records"]
    assert record.keys() == {"space", "externalId", "createdTime", "lastUpdatedTime", "status"}


def test_more_than_a_run_may_give_come_in_the_next_runs(cdf: LocalCdf, runs: Runs) -> None:
    everything = [f"r{number:04}" for number in range(2500)]
    upsert(*everything)
    given = []
    for number in range(3):
        changes = runs.run(str(number), max_records="1100")
        assert changes is not None
        assert changes["has_more"] == (number < 2)
        given += ids(changes)
    assert sorted(given) == everything
    assert len(given) == len(everything)
    assert runs.run("3") is None


def test_a_filter_is_that_of_sync(cdf: LocalCdf, runs: Runs) -> None:
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}
    upsert("a", text="x")
    upsert("b", text="y")
    assert ids(runs.run("1", filter=x)) == ["a"]


def test_a_stream_that_changes_where_the_filter_does_not_look_is_waited_for(
    cdf: LocalCdf, runs: Runs
) -> None:
    x = {"equals": {"property": [SPACE, CONTAINER, "text"], "value": "x"}}
    upsert("b", text="y")
    assert runs.run("1", filter=x) is None


def test_an_immutable_stream_has_changes_too(cdf: LocalCdf, runs: Runs) -> None:
    CdfRecordsHook().ingest_records(IMMUTABLE_STREAM, [a_record("a"), a_record("a", text="again")])
    assert ids(runs.run("1", stream_id=IMMUTABLE_STREAM)) == ["a", "a"]


def test_a_try_that_is_killed_before_the_cursor_moves_is_repeated(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")

    def kill() -> None:
        raise Killed

    runs.before_push = kill
    with pytest.raises(Killed):
        runs.run("1")
    runs.before_push = lambda: None
    upsert("b")
    assert ids(runs.run("1")) == ["a", "b"]


def test_a_cursor_does_not_move_when_the_changes_cannot_be_pushed(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")

    def fail() -> None:
        raise RuntimeError("no room")

    runs.before_push = fail
    with pytest.raises(AirflowException, match="cursor stays: no room"):
        runs.run("1")
    assert runs.kept is None


def test_a_run_that_is_cleared_begins_where_it_did(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    upsert("b")
    runs.run("2")
    upsert("c")
    runs.run("3")
    before = runs.kept
    assert ids(runs.run("2")) == ["b", "c"]
    if keeps_state_between_runs():
        assert runs.kept == before, "a later run has moved it"
    upsert("d")
    assert "d" in ids(runs.run("4"))


def test_the_first_run_begins_where_it_did_however_late_it_is_tried_again(
    cdf: LocalCdf, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not keeps_state_between_runs():
        pytest.skip("Before Airflow 3.3, nothing is kept between the tries of a run")
    upsert("a")
    assert ids(runs.run("1", initialize_cursor="1h-ago")) == ["a"]
    cdf.server.clock.advance(7200)
    now = cdf.server.clock.now_ms() / 1000
    monkeypatch.setattr("airflow_provider_cdf_records.waiting.change_pages.time.time", lambda: now)
    upsert("b")
    assert ids(runs.run("1", initialize_cursor="1h-ago")) == ["a", "b"]


@KEPT_IN_STORE
def test_a_run_does_not_set_back_the_cursor_of_another_that_ran_beside_it(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    upsert("b", "c")

    def run_other() -> None:
        runs.before_push = lambda: None
        assert ids(runs.run("3")) == ["b", "c"]

    runs.before_push = run_other
    assert ids(runs.run("2", max_records=1)) == ["b"]
    assert runs.kept["run"] == "3"
    assert runs.run("4") is None


@KEPT_IN_STORE
def test_a_cursor_that_is_deleted_while_a_run_reads_is_left_so(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    upsert("b")
    runs.before_push = lambda: runs.store.delete(KEY)
    runs.run("2")
    assert runs.kept is None
    runs.before_push = lambda: None
    assert ids(runs.run("3")) == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [{"stream_id": IMMUTABLE_STREAM}, {"filter": {"exists": {"property": [SPACE, CONTAINER, "text"]}}}],
    ids=str,
)
def test_a_cursor_of_another_stream_or_filter_is_not_used(
    cdf: LocalCdf, runs: Runs, caplog: pytest.LogCaptureFixture, other: dict[str, Any]
) -> None:
    upsert("a", text="x")
    CdfRecordsHook().ingest_records(IMMUTABLE_STREAM, [a_record("a")])
    runs.run("1")
    assert ids(runs.run("2", **other)) == ["a"]
    assert "is of another project, stream or filter (stream alarms of project" in caplog.text
    assert runs.run("3", **other) is None


def set_kept(runs: Runs, **values: Any) -> None:
    kept = {**runs.kept, **values}
    if keeps_state_between_runs():
        runs.store.set(KEY, kept)
    else:
        runs.xcoms[runs.order[-1]][KEY] = kept


def test_a_cursor_that_cdf_refuses_is_told_and_leaves_no_gap(
    cdf: LocalCdf, runs: Runs, caplog: pytest.LogCaptureFixture
) -> None:
    upsert("a", "b", "c")
    runs.run("1", max_records=1)
    set_kept(runs, cursor="bm9uZQ==")
    assert ids(runs.run("2")) == ["a", "b", "c"]
    assert "CDF takes the cursor that was kept for stream alarms no more" in caplog.text
    assert runs.run("3") is None


def test_the_time_for_a_refused_cursor_is_that_of_the_changes_that_are_left(
    cdf: LocalCdf, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert("a", "b")
    cdf.server.clock.advance(36_000)
    upsert("c")
    now = cdf.server.clock.now_ms() / 1000
    monkeypatch.setattr("airflow_provider_cdf_records.waiting.change_pages.time.time", lambda: now)
    runs.run("1", max_records=1)
    set_kept(runs, cursor="bm9uZQ==")
    assert "b" in ids(runs.run("2"))


def test_a_filter_that_cdf_refuses_fails_for_good(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    with pytest.raises(AirflowFailException):
        runs.run("2", filter={"nonsense": {}})


def test_what_is_no_cursor_fails_for_good(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    set_kept(runs, version=99)
    with pytest.raises(AirflowFailException, match=r"is no cursor of this version: .* Delete it"):
        runs.run("2")


def test_a_mapped_task_is_refused(cdf: LocalCdf, runs: Runs) -> None:
    with pytest.raises(AirflowFailException, match="cannot be mapped"):
        runs.run("1", map_index=0)


def test_a_connection_that_cannot_be_looked_up_now_is_waited_for(
    cdf: LocalCdf, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        msg = "cannot be looked up now"
        raise ConnectionLookupError(msg, retryable=True)

    upsert("a")
    with monkeypatch.context() as patched:
        patched.setattr(hook_module, "find_connection", fail)
        assert runs.run("1") is None
    assert ids(runs.run("1")) == ["a"]


def test_a_stream_that_does_not_exist_fails_for_good(cdf: LocalCdf, runs: Runs) -> None:
    with pytest.raises(AirflowFailException, match="nothing_here"):
        runs.run("1", stream_id="nothing_here")


@KEPT_IN_STORE
def test_the_cursor_is_kept_with_an_asset_of_the_tasks_own(runs: Runs) -> None:
    (asset,) = runs.sensor().inlets
    assert (asset.name, asset.group) == ("cdf_records_cursor/plant/changed", "cdf_records_cursor")


@KEPT_IN_STORE
def test_a_sensor_that_comes_to_its_dag_later_is_not_run_without_a_cursor(cdf: LocalCdf, runs: Runs) -> None:
    context = runs.context("1")
    sensor = CdfRecordsChangedSensor(task_id="changed", stream_id=STREAM)
    DAG("plant", schedule=None).add_task(sensor)
    del context["asset_state_store"]  # as Airflow has none for a task without assets
    with current_task(**context), pytest.raises(AirflowFailException, match="when it is made"):
        sensor.poke(context)


def test_the_files_are_loaded_as_they_are(cdf: LocalCdf, runs: Runs, tmp_path: Path) -> None:
    cdf.client.create_stream("copy", "BasicLiveData")
    upsert("a", "b", "gone", value=0.1 + 0.2, time="2026-01-02T03:04:05.678Z", number=2**53 + 1)
    for number in range(2):
        paths = {name: tmp_path / f"{name}-{number}.ndjson" for name in ("path", "deleted_path")}
        changes = runs.run(str(number), **paths)
        assert changes is not None
        assert (changes["path"], changes["deleted_path"]) == tuple(map(str, paths.values()))
        assert "records" not in changes
        assert "deleted_records" not in changes
        CdfRecordsHook().upsert_file("copy", changes["path"])
        CdfRecordsHook().delete_file("copy", changes["deleted_path"])
        assert cdf.held("copy") == cdf.held()
        delete("gone")
        upsert("c")
    assert [line["externalId"] for line in lines(tmp_path / "deleted_path-1.ndjson")] == ["gone"]
    with CdfRecordsHook().get_conn() as client:
        asked = client.sync_records_page("copy", initialize_cursor="1d-ago", limit=1)["items"][0]
    assert asked.keys() == {"space", "externalId", "createdTime", "lastUpdatedTime", "properties", "status"}


def test_what_cdf_adds_to_a_record_is_not_sent_to_it() -> None:
    item = {"lastUpdatedTime": 1, "space": "s", "status": "updated", "externalId": "lastUpdatedTime"}
    record = as_record({**item, "properties": {"s": {"C": {"x": 1}, "V/v1": {"y": "lastUpdatedTime"}}}})
    view = {"type": "view", "space": "s", "externalId": "V", "version": "v1"}
    container = {"type": "container", "space": "s", "externalId": "C"}
    assert json.loads(without_returned_keys(json.dumps(record).encode())) == {
        "space": "s",
        "externalId": "lastUpdatedTime",
        "sources": [
            {"source": container, "properties": {"x": 1}},
            {"source": view, "properties": {"y": "lastUpdatedTime"}},
        ],
    }


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_file_is_replaced_by_the_same_run_alone(
    cdf: LocalCdf, runs: Runs, tmp_path: Path, place: str
) -> None:
    path = str(tmp_path / "new" / "changed.ndjson")
    if place == "memory":
        path = f"memory://{tmp_path.name}/changed.ndjson"
    upsert("a")
    runs.run("1", path=path)
    assert runs.run("1", path=path) is not None
    upsert("b")
    with pytest.raises(AirflowFailException, match="exists already, and is not of this run"):
        runs.run("2", path=path)
    assert CdfRecordsHook().upsert_file(STREAM, path).upserted == 1
    assert ids(runs.run("2")) == ["b", "a"], "the load of run 1 is a change of a"


@pytest.mark.parametrize("content", ["mine\n", '{"task": "other/changed", "run": "1"}\n', "{"])
def test_a_file_of_someone_else_is_refused_before_the_wait(
    cdf: LocalCdf, runs: Runs, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "changed.ndjson"
    path.write_text(content)
    with pytest.raises(AirflowFailException, match="exists already"):
        runs.run("1", path=path)
    assert path.read_text() == content


def test_what_is_no_file_is_refused(cdf: LocalCdf, runs: Runs, tmp_path: Path) -> None:
    link = tmp_path / "link.ndjson"
    link.symlink_to(tmp_path / "file.ndjson")
    for path, words in (
        (tmp_path, "is a folder"),
        (link, "is a link"),
        ("/dev/null", "is a device"),
        (tmp_path / "a.ndjson.gz", r"leave out \.gz"),
        ("http://127.0.0.1:9/a.ndjson", "web server"),
    ):
        with pytest.raises(AirflowFailException, match=words):
            runs.run("1", path=path)
    with pytest.raises(AirflowFailException, match="must be two files"):
        runs.run("1", path=tmp_path / "a", deleted_path=f"file://{tmp_path}/a")


def test_a_file_is_whole_or_not_there(
    cdf: LocalCdf, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert(*(f"r{number}" for number in range(2500)))
    pages = 0
    whole = type(cdf.client).sync_records_page

    def fails_later(*args: Any, **kwargs: Any) -> Any:
        nonlocal pages
        pages += 1
        if pages == 3:  # the first is the look
            raise Killed
        return whole(*args, **kwargs)

    monkeypatch.setattr(type(cdf.client), "sync_records_page", fails_later)
    with pytest.raises(Killed):
        runs.run("1", path=tmp_path / "changed.ndjson")
    assert not list(tmp_path.iterdir())
    assert runs.kept is None
    runs.run("1", path=tmp_path / "changed.ndjson")
    assert len(lines(tmp_path / "changed.ndjson")) == 2500
    assert [file.name for file in tmp_path.iterdir()] == ["changed.ndjson"]


def test_a_try_after_a_file_was_written_replaces_it(cdf: LocalCdf, runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "changed.ndjson"
    upsert("a")

    def kill() -> None:
        raise Killed

    runs.before_push = kill
    with pytest.raises(Killed):
        runs.run("1", path=path)
    assert len(lines(path)) == 1
    runs.before_push = lambda: None
    upsert("b")
    runs.run("1", path=path)
    assert [line["externalId"] for line in lines(path)] == ["a", "b"]


def test_a_record_that_is_deleted_and_comes_back_is_not_among_the_deleted(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    delete("a")
    assert deleted(runs.run("1")) == ["a"]
    delete("a")
    upsert("a")
    changes = runs.run("2")
    assert (ids(changes), deleted(changes)) == (["a"], [])


def test_loads_of_its_folder_leave_out_what_is_not_whole(cdf: LocalCdf, tmp_path: Path) -> None:
    (tmp_path / ".cdf-changed-0123").write_text("half a line")
    (tmp_path / "a.ndjson").write_text(json.dumps(a_record("a")))
    assert CdfRecordsHook().upsert_file(STREAM, tmp_path).read == 1


def event_after_restart(trigger: Any) -> dict[str, Any]:
    event: dict[str, Any] = asyncio.run(event_of(built_anew(trigger)))
    return event


def test_a_trigger_sees_that_something_changed_and_a_worker_reads_it(
    cdf: LocalCdf, runs: Runs, tmp_path: Path
) -> None:
    upsert("a")
    runs.run("1")
    path = tmp_path / "changed.ndjson"
    trigger = runs.defer("2", path=path)
    upsert("b", text="a secret of the plant")
    event = event_after_restart(trigger)
    assert event == {"status": "holds", "value": None}
    upsert("c")
    assert runs.resume("2", event, path=path)["created"] == 2
    assert [line["externalId"] for line in lines(path)] == ["b", "c"]
    assert runs.run("3") is None


def test_a_trigger_waits_from_the_beginning_without_a_cursor(cdf: LocalCdf, runs: Runs) -> None:
    trigger = runs.defer("1")
    upsert("a")
    assert ids(runs.resume("1", event_after_restart(trigger))) == ["a"]


def test_a_retry_after_a_deferral_gives_the_same_changes(cdf: LocalCdf, runs: Runs) -> None:
    upsert("a")
    runs.run("1")
    trigger = runs.defer("2")
    upsert("b")
    event = event_after_restart(trigger)
    kept = runs.kept

    def kill() -> None:
        raise Killed

    runs.before_push = kill
    with pytest.raises(Killed):
        runs.resume("2", event)
    assert runs.kept == kept
    runs.before_push = lambda: None
    assert ids(runs.run("2")) == ["b"]
