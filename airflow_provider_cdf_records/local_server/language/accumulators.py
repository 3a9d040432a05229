"""Accumulators, which compute aggregates: fed record by record, then asked for the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.checks.reading import bad_request
from airflow_provider_cdf_records.local_server.language.filters import Fields, Matches, comparable

Values = Callable[[Fields], Iterable[Any]]
Reduce = Callable[[Sequence[Any]], Any]


class Accumulator(Protocol):
    """One aggregate while it is computed."""

    def add(self, fields: Fields) -> None:
        """Add a record."""

    def result(self) -> dict[str, Any]:
        """Return the aggregate's part of the answer."""


@dataclass(frozen=True)
class Level:
    """The aggregates that stand side by side in a request or in a bucket."""

    starts: dict[str, Callable[[], Accumulator]]
    moving: dict[str, MovingFunction]

    def start(self) -> dict[str, Accumulator]:
        return {name: start() for name, start in self.starts.items()}


def results(level: dict[str, Accumulator]) -> dict[str, Any]:
    return {name: accumulator.result() for name, accumulator in level.items()}


class Count:
    """The number of records that pass a test."""

    def __init__(self, counts: Matches) -> None:
        self._counts = counts
        self._count = 0

    def add(self, fields: Fields) -> None:
        self._count += self._counts(fields)

    def result(self) -> dict[str, Any]:
        return {"count": self._count}


class Metric:
    """One number of a property's values, such as their average."""

    def __init__(self, name: str, values: Values) -> None:
        self._name = name
        self._values = values
        self._held: list[Any] = []

    def add(self, fields: Fields) -> None:
        self._held.extend(self._values(fields))

    def result(self) -> dict[str, Any]:
        return {self._name: METRICS[self._name](self._held)}


class Bucket:
    """The count of some of the records, and the aggregates of these alone."""

    def __init__(self, nested: Level) -> None:
        self._count = 0
        self._nested = nested.start()

    @property
    def count(self) -> int:
        return self._count

    def add(self, fields: Fields) -> None:
        self._count += 1
        for accumulator in self._nested.values():
            accumulator.add(fields)

    def result(self, **named: Any) -> dict[str, Any]:
        answer = {"count": self._count, **named}
        return answer | {"aggregates": results(self._nested)} if self._nested else answer


class UniqueValues:
    """A bucket for each value of a property; the answer has the largest ones."""

    def __init__(self, values: Values, nested: Level, size: int) -> None:
        self._values = values
        self._nested = nested
        self._size = size
        self._buckets: dict[Any, tuple[Any, Bucket]] = {}

    def add(self, fields: Fields) -> None:
        for key, value in {_hashable(value): value for value in self._values(fields)}.items():
            if key not in self._buckets:
                self._buckets[key] = value, Bucket(self._nested)
            self._buckets[key][1].add(fields)

    def result(self) -> dict[str, Any]:
        largest = sorted(self._buckets.items(), key=lambda held: (-held[1][1].count, held[0]))
        return {
            "uniqueValueBuckets": [bucket.result(value=value) for _, (value, bucket) in largest[: self._size]]
        }


class Histogram:
    """A bucket for each interval that has records.

    :param interval: returns the start of a value's interval; ``None`` leaves the value out.
    :param shown: returns a start in the form that the answer has.
    """

    def __init__(
        self,
        name: str,
        values: Values,
        interval: Callable[[Any], float | None],
        nested: Level,
        shown: Callable[[Any], Any],
    ) -> None:
        self._name = name
        self._values = values
        self._interval = interval
        self._nested = nested
        self._shown = shown
        self._buckets: dict[float, Bucket] = {}

    def add(self, fields: Fields) -> None:
        for start in {self._interval(value) for value in self._values(fields)} - {None}:
            assert start is not None  # noqa: S101 (mypy does not follow the difference of sets)
            if start not in self._buckets:
                if len(self._buckets) == facts.MAX_BUCKETS:
                    raise bad_request(f"aggregates: more than {facts.MAX_BUCKETS} intervals; widen them.")
                self._buckets[start] = Bucket(self._nested)
            self._buckets[start].add(fields)

    def result(self) -> dict[str, Any]:
        answers = [
            self._buckets[start].result(intervalStart=self._shown(start)) for start in sorted(self._buckets)
        ]
        for name, function in self._nested.moving.items():
            function.extend(answers, name)
        return {self._name: answers}


class FilterBuckets:
    """A bucket for each of several filters; a record can be in more than one."""

    def __init__(self, tests: list[Matches], nested: Level) -> None:
        self._buckets = [(test, Bucket(nested)) for test in tests]

    def add(self, fields: Fields) -> None:
        for matches, bucket in self._buckets:
            if matches(fields):
                bucket.add(fields)

    def result(self) -> dict[str, Any]:
        return {"filterBuckets": [bucket.result() for _, bucket in self._buckets]}


@dataclass(frozen=True)
class MovingFunction:
    """A number for each bucket of a histogram, from the ``window`` buckets before it."""

    path: str
    window: int
    reduce: Reduce

    def extend(self, buckets: list[dict[str, Any]], name: str) -> None:
        """Add the function's value to each bucket's aggregates."""
        series = [self._read(bucket) for bucket in buckets]
        for number, bucket in enumerate(buckets):
            before = series[max(0, number - self.window) : number]
            value = self.reduce([one for one in before if one is not None])
            bucket.setdefault("aggregates", {})[name] = {"fnValue": value}

    def _read(self, bucket: dict[str, Any]) -> Any:
        if self.path == "_count":
            return bucket["count"]
        (value,) = bucket["aggregates"][self.path].values()
        return value if isinstance(value, int | float) else None  # min and max of times are text


def _hashable(value: Any) -> Any:
    return msgspec.json.encode(value) if isinstance(value, dict) else value


def _average(values: Sequence[Any]) -> float | None:
    return sum(values) / len(values) if values else None


def _weighted_average(values: Sequence[Any]) -> float | None:
    weights = range(1, len(values) + 1)
    weighted = sum(value * weight for value, weight in zip(values, weights, strict=True))
    return weighted / sum(weights) if values else None


METRICS: dict[str, Reduce] = {
    "avg": _average,
    "min": lambda values: min(values, key=comparable, default=None),
    "max": lambda values: max(values, key=comparable, default=None),
    "sum": sum,
}
MOVING: dict[str, Reduce] = {
    "max": lambda values: max(values, default=None),
    "min": lambda values: min(values, default=None),
    "sum": sum,
    "unweightedAvg": _average,
    "linearWeightedAvg": _weighted_average,
}
