"""The summaries of the parts of one load, added up."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT, VERBS
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sensors.cdf_records import CdfRecordsSensor
from airflow_provider_cdf_records.sources import RecordsSource, merge_summaries
from tests.local_cdf import LocalCdf
from tests.sample_records import STREAM, a_record

COUNTS = st.integers(0, 10**12)
PROBES = st.lists(
    st.fixed_dictionaries(
        {"space": st.just("plant"), "externalId": st.text(min_size=1), "since": st.integers(0, 10**13)}
    ),
    max_size=3,
)


@st.composite
def a_summary(draw: st.DrawFn, done: str, key: str | None = None) -> dict[str, Any]:
    """Return what a load returns that ended well; ``key`` is ``valid`` where it only validated."""
    loaded, superseded, rejected = draw(COUNTS), draw(COUNTS), draw(COUNTS)
    return {
        "stream_id": STREAM,
        "read": loaded + superseded + rejected,
        done: 0 if key else loaded,
        **({key: loaded} if key else {}),
        "superseded": superseded,
        "rejected": rejected,
        "identities": draw(st.none() | COUNTS),
        "resumed_from": draw(st.none() | COUNTS),
        "requests": draw(COUNTS),
        "retries": draw(COUNTS),
        "bytes_sent": draw(COUNTS),
        "seconds": draw(st.floats(0, 1e6)),
        "rejected_path": draw(st.none() | st.text(min_size=1)),
        "probes": draw(PROBES),
    }


DONE = st.sampled_from([verb.done for verb in VERBS.values()])
KEYS = st.sampled_from([None, "valid"])
PARTS = st.tuples(DONE, KEYS).flatmap(lambda kind: st.lists(a_summary(*kind), min_size=1, max_size=5))


@given(parts=PARTS)
def test_what_was_read_is_accounted_for_and_the_result_is_plain_json(parts: list[dict[str, Any]]) -> None:
    merged = merge_summaries(parts)
    assert json.loads(json.dumps(merged)) == merged
    assert merged.keys() == parts[0].keys()
    accounted = merged.keys() - {"stream_id", "read", "identities", "resumed_from", "rejected_path", "probes"}
    accounted -= {"requests", "retries", "bytes_sent", "seconds"}
    assert merged["read"] == sum(merged[key] for key in accounted)
    for key in (*accounted, "requests", "retries", "bytes_sent"):
        assert merged[key] == sum(part[key] for part in parts)
    assert merged["seconds"] == max(part["seconds"] for part in parts)


@given(parts=PARTS)
def test_what_a_part_alone_knows_is_listed(parts: list[dict[str, Any]]) -> None:
    merged = merge_summaries(parts)
    for key in ("rejected_path", "resumed_from"):
        listed = [part[key] for part in parts if part[key] is not None]
        assert merged[key] == (listed or None)
    counted = [part["identities"] for part in parts]
    assert merged["identities"] == (None if None in counted else sum(counted))
    times = [probe["since"] for probe in merged["probes"]]
    assert times == sorted(times)
    assert len(times) == sum(len(part["probes"]) for part in parts)


@given(parts=PARTS, more=st.data())
def test_sums_can_be_added_up_again(parts: list[dict[str, Any]], more: Any) -> None:
    at = more.draw(st.integers(0, len(parts) - 1))
    first = [merge_summaries(parts[:at])] if at else []
    assert merge_summaries([*first, None, merge_summaries(parts[at:])]) == merge_summaries(parts)


class LazySequence(Sequence[Any]):
    """What Airflow gives for the output of a mapped task: a sequence that is no list."""

    def __init__(self, items: list[Any]) -> None:
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)


def loaded(cdf: LocalCdf, verb: Any, names: str, **arguments: Any) -> dict[str, Any]:
    rows = [a_record(name) for name in names]
    return Load(cdf.client, verb, STREAM, RecordsSource(rows), **arguments).run().as_dict()


@pytest.mark.parametrize("verb", [UPSERT, INGEST, DELETE], ids=lambda verb: verb.name)
@pytest.mark.parametrize("given_as", [list, tuple, iter, LazySequence], ids=lambda kind: kind.__name__)
def test_parts_come_as_airflow_hands_them_on(cdf: LocalCdf, verb: Any, given_as: Any) -> None:
    parts = [loaded(cdf, verb, "aab", max_rejected=1), None, loaded(cdf, verb, "cd")]
    merged = merge_summaries(given_as(parts))
    ones = [part for part in parts if part]
    assert merged["read"] == 5
    assert merged[verb.done] == sum(part[verb.done] for part in ones)
    assert merged["identities"] == 4
    assert merged["requests"] == sum(part["requests"] for part in ones)


def test_a_sensor_waits_for_all_parts(cdf: LocalCdf) -> None:
    merged = merge_summaries([loaded(cdf, UPSERT, "aab"), loaded(cdf, UPSERT, "cd")])
    sensor = CdfRecordsSensor(task_id="wait", load=merged)
    found: Any = sensor.poke({})
    assert (found.is_done, found.xcom_value) == (True, merged["upserted"])
    assert {probe["externalId"] for probe in sensor.condition.probes} == set("abcd")
    never_there = {"space": "plant", "externalId": "x", "since": merged["probes"][0]["since"]}
    late = CdfRecordsSensor(task_id="wait", load=merged | {"probes": [*merged["probes"], never_there]})
    assert not late.poke({})


def test_parts_that_were_only_validated_stay_apart_from_those_that_were_sent(cdf: LocalCdf) -> None:
    validated = loaded(cdf, UPSERT, "abc", validate_only=True)
    merged = merge_summaries([validated, loaded(cdf, UPSERT, "d")])
    assert (merged["read"], merged["valid"], merged["upserted"]) == (4, 3, 1)


def test_one_summary_is_its_own_sum(cdf: LocalCdf) -> None:
    summary = loaded(cdf, UPSERT, "ab")
    assert merge_summaries(summary) == merge_summaries([summary]) == summary  # type: ignore[arg-type]


PART: dict[str, Any] = {
    "stream_id": STREAM,
    "read": 1,
    "upserted": 1,
    "superseded": 0,
    "rejected": 0,
    "identities": 1,
    "resumed_from": None,
    "requests": 1,
    "retries": 0,
    "bytes_sent": 100,
    "seconds": 0.5,
    "rejected_path": None,
    "probes": [{"space": "plant", "externalId": "a", "since": 1}],
}


def without(*keys: str, **changed: Any) -> dict[str, Any]:
    return {key: value for key, value in (PART | changed).items() if key not in keys}


@pytest.mark.parametrize(
    ("summaries", "message"),
    [
        ([], "got none: was every part skipped"),
        ([None, None], "got none: was every part skipped"),
        (None, "summaries must be the summaries"),
        (5, "got 5"),
        (["a"], "a list with a str"),
        ([[PART]], "a list with a list"),
        ([5], "a list with an int"),
        ([PART, None, without("probes")], r"summaries\[2\] has no 'probes'"),
        ([{"read": 1}], r"summaries\[0\] has no 'superseded'"),
        ([PART, without(read="1")], r"summaries\[1\] has read '1', which no load returns"),
        ([without(retries=True)], "has retries True"),
        ([without(rejected=-1)], "has rejected -1"),
        ([without(seconds=None)], "has seconds None"),
        ([without(stream_id=None)], "has stream_id None"),
        ([without(identities=1.5)], r"has identities 1\.5"),
        ([without(probes=[1])], r"has probes \[1\]"),
        ([without("upserted")], r"summaries\[0\] does not have one number of records .*, but none"),
        ([without(deleted=1)], "but 'upserted', 'deleted'"),
        ([PART, without("upserted", ingested=1)], "several verbs: 'ingested', 'upserted'"),
        ([PART, without(stream_id="other")], "several streams: 'alarms', 'other'"),
    ],
)
def test_what_cannot_be_added_up_is_refused_by_name(summaries: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        merge_summaries(summaries)


def test_parts_without_a_summary_are_left_out_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert merge_summaries([PART, None, PART])["read"] == 2 * PART["read"]
    assert "Of 3 summaries 1 are None, of parts without one" in caplog.text
    caplog.clear()
    merge_summaries([PART, PART])
    assert not caplog.text
