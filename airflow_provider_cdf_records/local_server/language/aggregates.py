"""CDF's aggregates: check what a request asks for, and turn it into accumulators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.reading import (
    a_list,
    a_number,
    a_string,
    an_integer,
    an_object,
    bad_request,
)
from airflow_provider_cdf_records.local_server.language.accumulators import (
    METRICS,
    MOVING,
    Accumulator,
    Count,
    FilterBuckets,
    Histogram,
    Level,
    Metric,
    MovingFunction,
    UniqueValues,
    Values,
)
from airflow_provider_cdf_records.local_server.language.filters import Fields, compile_filter, property_reader
from airflow_provider_cdf_records.local_server.language.intervals import (
    epoch_ms,
    iso_time,
    read_time_rounding,
)

NUMBERS = frozenset({"int32", "int64", "float32", "float64"})
TIMES = frozenset({"timestamp", "date"})
TOP_LEVEL_TIMES = ("createdTime", "lastUpdatedTime")
NOT_GROUPED = "json"

PropertyType = Callable[[str, str, str, str], str]  # space, container, property, where: the name of its type
Start = Callable[[], Accumulator]


class AggregateReader:
    """Read ``aggregates`` of a request.

    :param type_of: returns the type of a container's property, or refuses it.
    """

    def __init__(self, type_of: PropertyType) -> None:
        self._type_of = type_of
        self.properties: set[tuple[str, str, str]] = set()  # those that the aggregates name

    def read(
        self, aggregates: object, where: str = "aggregates", depth: int = 1, *, histogram: bool = False
    ) -> Level:
        """Return the aggregates of one level, with all that are nested in them.

        :raises ApiError: naming the aggregate that is wrong.
        """
        if depth > facts.MAX_AGGREGATE_DEPTH:
            raise bad_request(f"{where}: nested more than {facts.MAX_AGGREGATE_DEPTH} deep.")
        named = an_object(aggregates, where)
        if not 1 <= len(named) <= facts.MAX_AGGREGATES:
            raise bad_request(f"{where}: expected 1 to {facts.MAX_AGGREGATES} aggregates, got {len(named)}.")
        starts: dict[str, Start] = {}
        moving: dict[str, MovingFunction] = {}
        for name, aggregate in named.items():
            one = an_object(aggregate, f"{where}.{name}")
            if len(one) != 1:
                raise bad_request(f"{where}.{name}: expected one aggregate, got {len(one)}.")
            ((kind, argument),) = one.items()
            place = f"{where}.{name}.{kind}"
            body = an_object(argument, place)
            if kind == "movingFunction":
                if not histogram:
                    raise bad_request(f"{place}: belongs among the aggregates of a histogram.")
                moving[name] = _moving_function(body, place)
            elif kind in METRICS:
                starts[name] = self._metric(kind, body, place)
            elif kind in READERS:
                starts[name] = READERS[kind](self, body, place, depth)
            else:
                known = ", ".join([*METRICS, *READERS, "movingFunction"])
                raise bad_request(f"{place}: not an aggregate of records; known are {known}.")
        for name, function in moving.items():
            read = starts.get(function.path)
            if function.path != "_count" and not (read and isinstance(read(), Count | Metric)):
                raise bad_request(
                    f"{where}.{name}.movingFunction.bucketsPath: {function.path!r} is neither '_count' "
                    "nor the name of a number beside it."
                )
        return Level(starts, moving)

    def _nested(self, body: dict[str, Any], where: str, depth: int, *, histogram: bool = False) -> Level:
        if body.get("aggregates") is None:
            return Level({}, {})
        return self.read(body["aggregates"], f"{where}.aggregates", depth + 1, histogram=histogram)

    def _property(
        self, body: dict[str, Any], where: str, accepted: frozenset[str] | None = None
    ) -> tuple[Values, str]:
        """Return a function that yields a property's values (a list's items one by one), and their type."""
        read = property_reader(body.get("property"), where)
        path = body["property"]
        if len(path) == 1:
            kind = "timestamp" if path[0] in TOP_LEVEL_TIMES else "text"
        else:
            space, container, name = path
            kind = self._type_of(space, container, name, f"{where}.property")
            self.properties.add((space, container, name))
        if accepted is not None and kind not in accepted:
            expected = ", ".join(sorted(accepted))
            raise bad_request(f"{where}.property: expected a property of type {expected}, got {kind}.")

        def values(fields: Fields) -> Iterable[Any]:
            value = read(fields)
            if isinstance(value, list) and kind != "json":
                return value
            return () if value is None else (value,)

        return values, kind

    def _count(self, body: dict[str, Any], where: str, _: int) -> Start:
        if "property" not in body:
            return lambda: Count(lambda _: True)
        read = property_reader(body["property"], where)
        self._property(body, where)
        return lambda: Count(lambda fields: read(fields) is not None)

    def _metric(self, kind: str, body: dict[str, Any], where: str) -> Start:
        values, _ = self._property(body, where, NUMBERS | TIMES if kind in ("min", "max") else NUMBERS)
        return lambda: Metric(kind, values)

    def _unique_values(self, body: dict[str, Any], where: str, depth: int) -> Start:
        values, kind = self._property(body, where)
        if kind == NOT_GROUPED:
            raise bad_request(f"{where}.property: values of type {kind} cannot be grouped.")
        size = an_integer(
            body.get("size", facts.DEFAULT_UNIQUE_VALUES), 1, facts.MAX_UNIQUE_VALUES, f"{where}.size"
        )
        nested = self._nested(body, where, depth)
        return lambda: UniqueValues(values, nested, size)

    def _number_histogram(self, body: dict[str, Any], where: str, depth: int) -> Start:
        values, _ = self._property(body, where, NUMBERS)
        interval = a_number(body.get("interval"), f"{where}.interval")
        if interval <= 0:
            raise bad_request(f"{where}.interval: expected more than 0.")
        bounds = _hard_bounds(body, where, a_number)
        low, high = bounds.get("min", -math.inf), bounds.get("max", math.inf)
        nested = self._nested(body, where, depth, histogram=True)

        def start_of(value: float) -> float | None:
            if not low <= value <= high:
                return None
            steps = value / interval
            if not math.isfinite(steps):
                raise bad_request(f"{where}.interval: too small for the value {value}.")
            return math.floor(steps) * interval

        return lambda: Histogram("numberHistogramBuckets", values, start_of, nested, lambda start: start)

    def _time_histogram(self, body: dict[str, Any], where: str, depth: int) -> Start:
        values, _ = self._property(body, where, TIMES)
        rounded = read_time_rounding(body, where)
        bounds = _hard_bounds(body, where, epoch_ms)
        low, high = bounds.get("min", -math.inf), bounds.get("max", math.inf)
        nested = self._nested(body, where, depth, histogram=True)

        def start_of(value: Any) -> int | None:
            time = epoch_ms(value, where)
            return rounded(time) if low <= time <= high else None

        return lambda: Histogram("timeHistogramBuckets", values, start_of, nested, iso_time)

    def _filters(self, body: dict[str, Any], where: str, depth: int) -> Start:
        given = a_list(body.get("filters"), f"{where}.filters")
        if not 1 <= len(given) <= facts.MAX_FILTER_BUCKETS:
            raise bad_request(f"{where}.filters: expected 1 to {facts.MAX_FILTER_BUCKETS}, got {len(given)}.")
        tests = [compile_filter(one, f"{where}.filters[{number}]") for number, one in enumerate(given)]
        nested = self._nested(body, where, depth)
        return lambda: FilterBuckets(tests, nested)


def _moving_function(body: dict[str, Any], where: str) -> MovingFunction:
    path = a_string(body.get("bucketsPath"), f"{where}.bucketsPath")
    window = an_integer(body.get("window"), 1, facts.MAX_BUCKETS, f"{where}.window")
    name = a_string(body.get("function"), f"{where}.function").removeprefix("MovingFunctions.")
    if name not in MOVING:
        raise bad_request(f"{where}.function: {name!r} is not one of {', '.join(MOVING)}.")
    return MovingFunction(path, window, MOVING[name])


def _hard_bounds(body: dict[str, Any], where: str, read: Callable[[Any, str], float]) -> dict[str, float]:
    bounds = an_object(body.get("hardBounds") or {}, f"{where}.hardBounds")
    return {
        name: read(bound, f"{where}.hardBounds.{name}") for name, bound in bounds.items() if bound is not None
    }


READERS: dict[str, Callable[[AggregateReader, dict[str, Any], str, int], Start]] = {
    "count": AggregateReader._count,
    "uniqueValues": AggregateReader._unique_values,
    "numberHistogram": AggregateReader._number_histogram,
    "timeHistogram": AggregateReader._time_histogram,
    "filters": AggregateReader._filters,
}
