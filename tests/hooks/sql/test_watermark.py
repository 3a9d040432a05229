"""A load goes on from the highest value that the loads before have found, and no two leave out a row."""

from __future__ import annotations

import random
import sqlite3
import threading
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow import DAG
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.watermark_values import watermark_from_json, watermark_to_json
from airflow_provider_cdf_records.load import checkpoint
from airflow_provider_cdf_records.operators import cdf_records_sql
from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    AirflowFailException,
    keeps_state_between_runs,
)
from tests.current_task import current_task
from tests.hooks.sql.conftest import mapping
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM
from tests.state_store import Memory
from tests.waiting import wait_until

KEY = "cdf_records_watermark"
SQL = "SELECT id, number, number AS time FROM reading WHERE number >= :watermark ORDER BY number"


@pytest.fixture
def store() -> Memory:
    return Memory()


@pytest.fixture
def readings(sqlite: sqlite3.Connection) -> sqlite3.Connection:
    sqlite.execute("CREATE TABLE reading (id, number)")
    return sqlite


def add(readings: sqlite3.Connection, *numbers: int) -> None:
    with readings:
        readings.executemany(
            "INSERT INTO reading VALUES (?, ?)", [(f"r{number}", number) for number in numbers]
        )


def load(
    store: Memory, *, run_id: str = "run", tries: Memory | None = None, map_index: int = -1, **arguments: Any
) -> Any:
    """Load as a task does, by the hook."""
    given: dict[str, Any] = {"sql": SQL, "watermark": "time", "initial_watermark": 0, **arguments}
    with current_task(run_id, map_index=map_index):
        return CdfRecordsHook().upsert_query(
            STREAM,
            conn_id="lite",
            mapping=mapping(number="number"),
            watermark_store=store,
            state_store=tries,
            **given,
        )


def kept(store: Memory) -> Any:
    value = store.get(KEY)
    return None if value is None else value["value"]


def test_the_next_load_goes_on_from_the_highest_value(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2, 3)
    assert (load(store).read, kept(store)) == (3, 3)
    add(readings, 4)
    assert (load(store, run_id="next").read, kept(store)) == (2, 4)  # the row at the watermark again
    assert load(store, run_id="after that").read == 1
    assert cdf.held().keys() == {"r1", "r2", "r3", "r4"}


@pytest.mark.parametrize(("initial", "read"), [("2", 2), ("2.5", 1), ("0002", 0)])
def test_the_first_watermark_may_be_a_number_that_a_template_made_a_text_of(
    initial: str, read: int, cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2, 3)
    assert load(store, initial_watermark=initial).read == read  # SQLite finds no number by a text


def test_the_highest_value_counts_whatever_the_order(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 2, 9, 1)
    load(store, sql="SELECT id, number, number AS time FROM reading WHERE number >= :watermark")
    assert kept(store) == 9


def test_a_load_without_rows_leaves_it(cdf: LocalCdf, readings: sqlite3.Connection, store: Memory) -> None:
    assert (load(store).read, kept(store)) == (0, None)
    add(readings, 5)
    load(store)
    assert (load(store, sql=SQL.replace(">=", ">"), run_id="next").read, kept(store)) == (0, 5)


def test_what_one_part_has_loaded_says_nothing_of_another(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, *range(20))
    one = load(store, partition="1/2")
    assert 0 < one.read < 20
    other = load(store, partition="2/2")
    assert one.read + other.read == len(cdf.held()) == 20


@pytest.mark.parametrize("partial", [{"limit": 2}, {"validate_only": True}])
def test_a_load_of_a_part_leaves_it(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, partial: dict[str, Any]
) -> None:
    add(readings, 1, 2, 3)
    load(store, **partial)
    assert kept(store) is None
    load(store, run_id="next")
    add(readings, 4, 5, 6)
    load(store, run_id="after that", **partial)
    assert kept(store) == 3


def test_a_load_that_fails_leaves_it(cdf: LocalCdf, readings: sqlite3.Connection, store: Memory) -> None:
    add(readings, 1)
    load(store)
    with readings:
        readings.execute("INSERT INTO reading VALUES (NULL, 7)")
    with pytest.raises(AirflowFailException, match="rejected"):
        load(store, run_id="next")
    assert kept(store) == 1
    load(store, run_id="next", max_rejected=1)
    assert kept(store) == 7


def test_rows_without_a_value_are_loaded_and_do_not_count(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    add(readings, 1, 2)
    with readings:
        readings.execute("INSERT INTO reading VALUES ('none', NULL)")
    sql = "SELECT id, 1 AS number, number AS time FROM reading WHERE number >= :watermark OR number IS NULL"
    assert (load(store, sql=sql).read, kept(store)) == (3, 2)


def test_all_tries_of_a_run_begin_with_the_same_watermark(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2)
    load(store, run_id="first")
    add(readings, 3)
    with readings:
        readings.execute("INSERT INTO reading VALUES (NULL, 4)")
    tries = Memory()
    with pytest.raises(AirflowFailException):
        load(store, run_id="second", tries=tries)
    load(store, run_id="third", max_rejected=1)
    assert kept(store) == 4
    add(readings, 5)
    assert load(store, run_id="second", tries=tries, max_rejected=1).read == 4  # from 2 on, and not from 4
    assert kept(store) == 5


def test_a_cleared_run_loads_again_what_it_loaded_and_sets_nothing_back(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    tries = Memory()
    add(readings, 1, 2)
    load(store, run_id="first", tries=tries)
    add(readings, 3)
    load(store, run_id="second")
    with readings:
        readings.execute("DELETE FROM reading WHERE number = 3")
    assert (load(store, run_id="first", tries=tries).read, kept(store)) == (2, 3)


def test_a_watermark_that_was_deleted_begins_anew_also_for_a_retry(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    tries = Memory()
    add(readings, 1, 2, 3)
    load(store, run_id="first")
    load(store, run_id="second", tries=tries)
    store.delete(KEY)
    assert load(store, run_id="second", tries=tries).read == 3
    store.set(KEY, store.get(KEY) | {"value": 2})  # set back by hand
    assert load(store, run_id="third").read == 2


def test_a_watermark_that_is_deleted_or_set_back_while_a_load_runs_stays_so(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2)
    load(store)
    add(readings, 3)
    for change in (lambda: store.delete(KEY), lambda: store.set(KEY, store.get(KEY) | {"value": 0})):
        load(store, run_id="to have one")
        before = store.get(KEY)
        _while_it_runs(cdf, change, lambda: load(store, run_id="next"))
        assert kept(store) in (None, 0)
        store.set(KEY, before)


def _while_it_runs(cdf: LocalCdf, change: Any, run: Any) -> None:
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=0)

        def meanwhile() -> None:
            wait_until(lambda: plan.held)
            change()
            plan.release()

        thread = threading.Thread(target=meanwhile)
        thread.start()
        run()
        thread.join()


def test_of_two_runs_at_once_the_higher_value_stays(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2)

    _while_it_runs(cdf, lambda: store.set(KEY, store.get(KEY) | {"value": 3}), lambda: load(store))
    assert kept(store) == 3


class Overwritten(Memory):
    """A store in which another run's lower value takes the place of the first one that is set."""

    def set(self, key: str, value: Any) -> None:
        super().set(key, value)
        if value["value"] == 9:
            super().set(key, value | {"value": 4})
            self.set = super().set  # type: ignore[method-assign]


def test_a_lower_value_that_another_run_writes_at_the_same_time_is_raised_again(
    cdf: LocalCdf, readings: sqlite3.Connection
) -> None:
    store = Overwritten()
    add(readings, 9)
    load(store)
    assert kept(store) == 9


@pytest.mark.parametrize("seed", range(5))
def test_loads_at_once_with_rows_that_come_meanwhile_leave_out_none(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, seed: int
) -> None:
    draw = random.Random(seed)
    numbers = iter(range(1, 400))
    written: list[int] = []
    readings.execute("PRAGMA journal_mode = WAL")

    for turn in range(8):
        new = [next(numbers) for _ in range(draw.randrange(1, 20))]
        add(readings, *new)
        written += new
        runs = [
            threading.Thread(target=partial(load, store, run_id=f"{turn}-{one}"))
            for one in range(draw.randrange(1, 4))
        ]
        for one in runs:
            one.start()
        late = [next(numbers) for _ in range(3)]
        add(readings, *late)
        written += late
        for one in runs:
            one.join()
        if draw.random() < 0.2:
            store.delete(KEY)
    load(store, run_id="last")
    assert cdf.held().keys() == {f"r{number}" for number in written}


def test_a_watermark_of_another_stream_is_not_used(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    add(readings, 1, 2, 3)
    load(store)
    cdf.client.create_stream("other", "BasicLiveData")
    with current_task("next"):
        summary = CdfRecordsHook().upsert_query(
            "other",
            SQL,
            conn_id="lite",
            mapping=mapping(number="number"),
            watermark="time",
            initial_watermark=2,
            watermark_store=store,
        )
    assert (summary.read, kept(store)) == (2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"initial_watermark": None}, "watermark needs initial_watermark, .* got None"),
        ({"watermark": None}, "initial_watermark needs watermark"),
        ({"watermark": 5}, "watermark must name a column of the query's result, got 5"),
        (
            {"watermark": "nothing"},
            "'nothing': there is no column of that name; the result has 'id', 'number'",
        ),
        (
            {"sql": "SELECT id, number, number AS time, 1 AS time FROM reading WHERE 1 OR :watermark"},
            "several columns",
        ),
        (
            {"sql": "SELECT id, number, number AS time FROM reading"},
            "sql does not use the parameter 'watermark'",
        ),
        ({"parameters": {"watermark": 1}}, "parameters must not have 'watermark'"),
        (
            {"sql": SQL.replace(":watermark", "?"), "parameters": [1]},
            "must say which of them is the watermark",
        ),
        ({"sql": SQL.replace("number AS time", "id AS time")}, "several kinds .int, str."),
        ({"map_index": 3}, "watermark does not go with mapped tasks"),
    ],
)
def test_what_makes_no_sense_is_an_error(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, arguments: dict[str, Any], message: str
) -> None:
    add(readings, 1)
    if "id AS time" in arguments.get("sql", ""):
        load(store)  # keeps a number
    with pytest.raises(AirflowFailException, match=message):
        load(store, run_id="next", **arguments)


def test_without_a_store_the_error_says_what_to_use(cdf: LocalCdf, readings: sqlite3.Connection) -> None:
    with pytest.raises(AirflowFailException, match=r"Airflow 3.3 or later.*'{{ data_interval_start }}'"):
        load(None)  # type: ignore[arg-type]


class Broken(Memory):
    """A store that fails, as for an asset that Airflow does not know."""

    def set(self, key: str, value: Any) -> None:
        raise RuntimeError("ASSET_NOT_FOUND")


def test_a_store_that_keeps_nothing_shows_before_the_load(
    cdf: LocalCdf, readings: sqlite3.Connection
) -> None:
    add(readings, 1)
    with pytest.raises(AirflowException, match="The watermark cannot be kept: RuntimeError: ASSET_NOT_FOUND"):
        load(Broken())
    assert not cdf.held()


def test_what_is_no_watermark_is_not_taken_for_one(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory
) -> None:
    store.set(KEY, {"version": 99, "value": 5})
    with pytest.raises(AirflowFailException, match=r"is no watermark of this version: .*; delete it"):
        load(store)


@pytest.mark.parametrize(
    "initial", [{"timestamp": "2026-01-01T00:00:00Z"}, datetime(2026, 1, 1, tzinfo=timezone.utc)]
)
def test_texts_that_are_moments_are_compared_as_the_column_holds_them(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, initial: Any
) -> None:
    with readings:
        readings.execute("INSERT INTO reading VALUES ('a', '2026-01-01 00:00:00+00:00')")
    sql = "SELECT id, 1 AS number, number AS time FROM reading WHERE number >= :watermark"
    load(store, sql=sql, initial_watermark=initial)
    assert kept(store) == "2026-01-01 00:00:00+00:00"
    with readings:
        readings.execute("INSERT INTO reading VALUES ('b', '2026-01-01 00:00:00.5+00:00')")
    assert load(store, sql=sql, run_id="next", initial_watermark=initial).read == 2


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (SQL.replace(":watermark", "?"), [{"watermark": True}]),
        (SQL.replace(":watermark", "? AND 5 > ?"), [{"watermark": True}, 1]),
        (SQL.replace(":watermark", ":since"), {"since": {"watermark": True}}),
        (SQL.replace(":watermark", ":watermark AND 5 > :other"), {"other": 1}),
    ],
)
def test_the_watermark_takes_its_place_among_other_parameters(
    cdf: LocalCdf, readings: sqlite3.Connection, store: Memory, sql: str, parameters: Any
) -> None:
    add(readings, 1, 2)
    load(store, sql=sql, parameters=parameters, initial_watermark=2)
    assert cdf.held().keys() == {"r2"}


def test_a_spool_that_is_gone_on_with_knows_its_highest_value(
    cdf: LocalCdf,
    readings: sqlite3.Connection,
    store: Memory,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(checkpoint, "INTERVAL", 0)
    add(readings, *range(8000, 0, -1))
    tries = Memory()
    hook = CdfRecordsHook(max_concurrency=2)
    given: Any = {
        "conn_id": "lite",
        "mapping": mapping(number="number"),
        "watermark": "time",
        "initial_watermark": 0,
        "watermark_store": store,
        "state_store": tries,
        "spool": str(tmp_path),
    }
    sql = SQL.replace("ORDER BY number", "ORDER BY number DESC")
    with cdf.server.faults(seed=0, rate=0) as plan:
        plan.hold(after=4)

        def kill() -> None:
            wait_until(lambda: 0 < plan.held == plan.under_way)
            hook.on_kill()
            plan.release()

        threading.Thread(target=kill, daemon=True).start()
        with current_task(), pytest.raises(AirflowException, match="told to stop"):
            hook.upsert_query(STREAM, sql, **given)
    assert kept(store) is None
    with current_task():
        summary = CdfRecordsHook().upsert_query(STREAM, sql, **given)
    assert summary.resumed_from
    assert (summary.read, kept(store), len(cdf.held())) == (8000, 8000, 8000)


values = st.one_of(
    st.datetimes(),
    st.datetimes(
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    ),
    st.dates(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False),
    st.text(),
    st.binary(),
)


@given(values)
def test_a_watermark_is_the_same_after_json(value: Any) -> None:
    memory = Memory()
    memory.set("key", watermark_to_json(value))
    back = watermark_from_json(memory.get("key"))
    assert type(back) is type(value)
    assert back == value
    if isinstance(value, datetime):
        assert back.utcoffset() == value.utcoffset()
    if isinstance(value, Decimal):
        assert str(back) == str(value)


@pytest.mark.parametrize("nonsense", [None, True, [], {}, {"timestamp": 5}, {"moment": "x"}, {"date": "no"}])
def test_json_that_is_no_watermark_is_refused(nonsense: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        watermark_from_json(nonsense)


def test_a_moment_may_be_set_by_hand_in_the_usual_form() -> None:
    assert watermark_from_json({"timestamp": "2026-01-02T03:04:05Z"}) == datetime(
        2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc
    )
    assert watermark_from_json({"date": "2026-01-02"}) == date(2026, 1, 2)


def an_operator(**arguments: Any) -> CdfRecordsFromSqlOperator:
    given = {"watermark": "time", "initial_watermark": "{{ params.since }}", **arguments}
    return CdfRecordsFromSqlOperator(
        task_id="load", stream_id=STREAM, sql=SQL, conn_id="lite", mapping=mapping(number="number"), **given
    )


def test_an_older_airflow_refuses_it_when_the_dag_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cdf_records_sql, "keeps_state_between_runs", lambda: False)
    with pytest.raises(ValueError, match=r"watermark needs a store .* data_interval_start"):
        an_operator()


@pytest.mark.skipif(not keeps_state_between_runs(), reason="this Airflow keeps no state between runs")
def test_the_operator_has_an_asset_of_its_own_to_keep_it_with() -> None:
    with DAG("plant", schedule=None):
        task = an_operator()
    (asset,) = task.inlets
    assert (asset.name, task.outlets) == ("cdf_records_watermark/plant/load", [])
    assert not an_operator(watermark=None, initial_watermark=None).inlets
    with pytest.raises(ValueError, match="watermark needs initial_watermark"):
        an_operator(initial_watermark=None)
