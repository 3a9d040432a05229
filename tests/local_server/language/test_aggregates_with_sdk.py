"""Aggregates, asked for and loaded by the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import data_modeling as dm
from cognite.client.data_classes import filters
from cognite.client.data_classes.data_modeling import aggregates as aggs
from cognite.client.data_classes.data_modeling.records import TimeRange
from cognite.client.exceptions import CogniteAPIError

from tests.local_server.sdk import CONTAINER, SPACE, STREAM, a_record, a_stream, prop, upsert


def games(client: CogniteClient) -> None:
    """Upsert a few records: three on 1 January, one on the 2nd, one in February, and one without values."""
    upsert(
        client,
        a_record("a", text="zed", small=1, double=1.5, time="2026-01-01T01:00:00Z", texts=["x", "y"]),
        a_record("b", text="bob", small=2, double=2.5, time="2026-01-01T01:30:00Z", texts=["x"]),
        a_record("c", text="zed", small=5, double=-7.0, time="2026-01-01T23:59:59.999Z"),
        a_record("d", text="cid", small=12, double=0.0, time="2026-01-02T00:30:00+01:00", day="2026-01-02"),
        a_record("e", text="zed", small=20, time="2026-02-03T00:00:00Z", flag=True, day="2026-02-03"),
        a_record("f"),
    )


def aggregated(client: CogniteClient, aggregate: Any, **query: Any) -> Any:
    """Return the result of one aggregate."""
    return client.data_modeling.records.aggregate({"it": aggregate}, stream_id=STREAM, **query)["it"]


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        (aggs.Count(), 6),
        (aggs.Count(prop("flag")), 1),
        (aggs.Count(prop("texts")), 2),
        (aggs.Count(["externalId"]), 6),
        (aggs.Average(prop("small")), 8),
        (aggs.Average(prop("double")), -0.75),
        (aggs.Sum(prop("small")), 40),
        (aggs.Min(prop("double")), -7.0),
        (aggs.Max(prop("small")), 20),
        (aggs.Min(prop("time")), "2026-01-01T01:00:00Z"),
        (aggs.Max(prop("day")), "2026-02-03"),
        (aggs.Average(prop("single")), None),
        (aggs.Min(prop("single")), None),
        (aggs.Sum(prop("single")), 0),
    ],
    ids=lambda value: str(value.dump()) if isinstance(value, aggs.Aggregate) else "",
)
def test_metrics(client: CogniteClient, aggregate: aggs.Aggregate, expected: Any) -> None:
    games(client)
    result = aggregated(client, aggregate)
    assert isinstance(result, aggs.MetricResult)
    assert (result.aggregate, result.value) == (aggregate._aggregate_name, expected)


def test_unique_values_come_largest_first(client: CogniteClient) -> None:
    games(client)
    result = aggregated(client, aggs.UniqueValues(prop("text")))
    assert isinstance(result, aggs.UniqueValuesResult)
    assert [(bucket.value, bucket.count) for bucket in result.buckets] == [("zed", 3), ("bob", 1), ("cid", 1)]
    (first,) = aggregated(client, aggs.UniqueValues(prop("text"), size=1)).buckets
    assert first.value == "zed"


def test_unique_values_of_a_list_count_each_of_its_items(client: CogniteClient) -> None:
    games(client)
    result = aggregated(client, aggs.UniqueValues(prop("texts")))
    assert [(bucket.value, bucket.count) for bucket in result.buckets] == [("x", 2), ("y", 1)]


def test_ten_unique_values_are_answered_unless_told_otherwise(client: CogniteClient) -> None:
    upsert(client, *(a_record(str(number), small=number) for number in range(12)))
    assert len(aggregated(client, aggs.UniqueValues(prop("small"))).buckets) == 10
    assert len(aggregated(client, aggs.UniqueValues(prop("small"), size=2000)).buckets) == 12


def test_a_number_histogram_starts_at_multiples_of_its_interval(client: CogniteClient) -> None:
    games(client)
    result = aggregated(client, aggs.NumberHistogram(prop("small"), interval=10))
    assert isinstance(result, aggs.NumberHistogramResult)
    assert [(bucket.interval_start, bucket.count) for bucket in result.buckets] == [(0, 3), (10, 1), (20, 1)]
    below = aggregated(client, aggs.NumberHistogram(prop("double"), interval=2.5))
    assert [(bucket.interval_start, bucket.count) for bucket in below.buckets] == [
        (-7.5, 1),
        (0, 2),
        (2.5, 1),
    ]


def test_hard_bounds_leave_values_out(client: CogniteClient) -> None:
    games(client)
    numbers = aggs.NumberHistogram(prop("small"), interval=10, hard_bounds={"min": 2, "max": 12})
    assert [(b.interval_start, b.count) for b in aggregated(client, numbers).buckets] == [(0, 2), (10, 1)]
    bounds = {"min": "2026-01-01T01:30:00Z", "max": "2026-01-31T00:00:00Z"}
    times = aggs.TimeHistogram(prop("time"), calendar_interval="1y", hard_bounds=bounds)
    assert [b.count for b in aggregated(client, times).buckets] == [3]


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ({"calendar_interval": "1y"}, {"2026-01-01T00:00:00Z": 5}),
        ({"calendar_interval": "1q"}, {"2026-01-01T00:00:00Z": 5}),
        ({"calendar_interval": "1M"}, {"2026-01-01T00:00:00Z": 4, "2026-02-01T00:00:00Z": 1}),
        ({"calendar_interval": "1w"}, {"2025-12-29T00:00:00Z": 4, "2026-02-02T00:00:00Z": 1}),
        ({"calendar_interval": "1d"}, {"2026-01-01T00:00:00Z": 4, "2026-02-03T00:00:00Z": 1}),
        (
            {"calendar_interval": "1h"},
            {"2026-01-01T01:00:00Z": 2, "2026-01-01T23:00:00Z": 2, "2026-02-03T00:00:00Z": 1},
        ),
        (
            {"fixed_interval": "12h"},
            {"2026-01-01T00:00:00Z": 2, "2026-01-01T12:00:00Z": 2, "2026-02-03T00:00:00Z": 1},
        ),
    ],
    ids=str,
)
def test_time_histograms(client: CogniteClient, interval: Any, expected: dict[str, int]) -> None:
    games(client)
    result = aggregated(client, aggs.TimeHistogram(prop("time"), **interval))
    assert isinstance(result, aggs.TimeHistogramResult)
    assert {bucket.interval_start: bucket.count for bucket in result.buckets} == expected


def test_days_and_times_of_change_make_time_histograms_too(client: CogniteClient) -> None:
    games(client)
    days = aggregated(client, aggs.TimeHistogram(prop("day"), calendar_interval="1M"))
    assert [bucket.count for bucket in days.buckets] == [1, 1]
    changes = aggregated(client, aggs.TimeHistogram(["lastUpdatedTime"], calendar_interval="1y"))
    assert [bucket.count for bucket in changes.buckets] == [6]


def test_filters_make_a_bucket_each(client: CogniteClient) -> None:
    games(client)
    tests = [filters.Equals(prop("text"), "zed"), filters.Range(prop("small"), gt=1), filters.MatchAll()]
    result = aggregated(client, aggs.Filters([test.dump(camel_case_property=False) for test in tests]))
    assert isinstance(result, aggs.FiltersResult)
    assert [bucket.count for bucket in result.buckets] == [3, 4, 6]


def test_aggregates_nest(client: CogniteClient) -> None:
    games(client)
    by_day = aggs.TimeHistogram(
        prop("time"),
        calendar_interval="1d",
        aggregates={
            "who": aggs.UniqueValues(prop("text"), aggregates={"points": aggs.Sum(prop("small"))}),
            "best": aggs.Max(prop("small")),
        },
    )
    first, second = aggregated(client, by_day).buckets
    assert first.aggregates["best"].value == 12
    who = {bucket.value: bucket.aggregates["points"].value for bucket in first.aggregates["who"].buckets}
    assert who == {"zed": 6, "bob": 2, "cid": 12}
    assert [bucket.value for bucket in second.aggregates["who"].buckets] == ["zed"]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (aggs.MovingFunctions.SUM, [0, 1, 3, 7]),
        (aggs.MovingFunctions.MAX, [None, 1, 2, 5]),
        (aggs.MovingFunctions.MIN, [None, 1, 1, 2]),
        (aggs.MovingFunctions.UNWEIGHTED_AVG, [None, 1, 1.5, 3.5]),
        (aggs.MovingFunctions.LINEAR_WEIGHTED_AVG, [None, 1, 5 / 3, 4]),
    ],
)
def test_moving_functions_look_at_the_buckets_before(
    client: CogniteClient, function: aggs.MovingFunctions, expected: list[Any]
) -> None:
    values = [1, 2, 5, 12]
    upsert(client, *(a_record(str(n), small=n, double=float(value)) for n, value in enumerate(values)))
    nested = {"sum": aggs.Sum(prop("double")), "moving": aggs.MovingFunction("sum", 2, function)}
    result = aggregated(client, aggs.NumberHistogram(prop("small"), interval=1, aggregates=nested))
    assert [bucket.aggregates["moving"].fn_value for bucket in result.buckets] == expected


def test_aggregates_take_filter_time_and_typing(client: CogniteClient) -> None:
    games(client)
    zed = filters.Equals(prop("text"), "zed").dump(camel_case_property=False)
    assert aggregated(client, aggs.Count(), filter=zed).value == 3
    assert aggregated(client, aggs.Count(), last_updated_time=TimeRange(gt="2100-01-01T00:00:00Z")).value == 0
    answer = client.data_modeling.records.aggregate(
        {"it": aggs.Sum(prop("small"))}, stream_id=STREAM, include_typing=True
    )
    assert answer.typing is not None
    assert isinstance(answer.typing[SPACE][CONTAINER]["small"].type, dm.Int32)


def test_an_immutable_stream_needs_a_time(client: CogniteClient) -> None:
    client.data_modeling.streams.create(a_stream("archive", "BasicArchive"))
    client.data_modeling.records.ingest([a_record("a", small=1), a_record("a", small=2)], stream_id="archive")
    count = {"it": aggs.Count()}
    found = client.data_modeling.records.aggregate(
        count, stream_id="archive", last_updated_time=TimeRange(gt=0)
    )
    assert found["it"].value == 2
    with pytest.raises(CogniteAPIError, match="lower bound") as refused:
        client.data_modeling.records.aggregate(count, stream_id="archive")
    assert refused.value.code == 400


def nested(depth: int) -> dict[str, Any]:
    inner = {"n": {"count": {}}} if depth == 1 else nested(depth - 1)
    return {"n": {"uniqueValues": {"property": prop("text"), "aggregates": inner}}}


@pytest.mark.parametrize(
    ("aggregates", "message"),
    [
        ({"n": {"median": {}}}, "aggregates.n.median: not an aggregate of records"),
        (
            {"n": {"avg": {"property": prop("text")}}},
            "float32, float64, int32, int64, got text",
        ),
        ({"n": {"sum": {"property": prop("time")}}}, "float32, float64, int32, int64, got timestamp"),
        ({"n": {"avg": {"property": prop("none")}}}, "there is no property 'none' in plant/Everything"),
        ({"n": {"uniqueValues": {"property": prop("anything")}}}, "values of type json cannot be grouped"),
        ({"n": {"uniqueValues": {"property": prop("text"), "size": 2001}}}, "size: expected an integer"),
        (
            {"n": {"numberHistogram": {"property": prop("small"), "interval": 0}}},
            "interval: expected more than 0",
        ),
        ({"n": {"timeHistogram": {"property": prop("time")}}}, "expected either calendarInterval or"),
        (
            {"n": {"timeHistogram": {"property": prop("time"), "calendarInterval": "2d"}}},
            "calendarInterval: '2d' is not one of 1s",
        ),
        ({"n": {"timeHistogram": {"property": prop("time"), "fixedInterval": "1w"}}}, "fixedInterval"),
        ({"n": {"filters": {"filters": []}}}, "filters: expected 1 to 10, got 0"),
        ({str(number): {"count": {}} for number in range(6)}, "expected 1 to 5 aggregates, got 6"),
        (nested(5), "nested more than 5 deep"),
        (
            {"n": {"movingFunction": {"bucketsPath": "_count", "window": 2, "function": "sum"}}},
            "belongs among the aggregates of a histogram",
        ),
    ],
)
def test_a_wrong_aggregate_is_refused_by_its_place(
    client: CogniteClient, aggregates: dict[str, Any], message: str
) -> None:
    games(client)
    with pytest.raises(CogniteAPIError) as refused:
        client.data_modeling.records.aggregate(aggregates, stream_id=STREAM)
    assert refused.value.code == 400
    assert message in refused.value.message


def test_a_histogram_of_too_many_intervals_is_refused(client: CogniteClient) -> None:
    upsert(client, a_record("a", double=1e300))
    tiny = aggs.NumberHistogram(prop("double"), interval=1e-300)
    with pytest.raises(CogniteAPIError, match="too small for the value"):
        aggregated(client, tiny)
