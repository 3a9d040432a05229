"""Frames as records: pandas, polars, pyarrow, and lists of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from math import isnan
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import rows_of

MANY = 3 * ROWS_AT_ONCE + 1


def rows(records: Any) -> list[Any]:
    return [row for _, row in rows_of(RecordsSource(records))]


def refusal(records: Any) -> str:
    with pytest.raises(SourceError) as refused:
        list(RecordsSource(records))
    return str(refused.value)


class OnlyStream:
    """What hands on its columns by the protocol alone, as DuckDB's relations do."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class OnlyArray:
    def __init__(self, batch: pa.RecordBatch) -> None:
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


TABLE = pa.table({"n": range(MANY), "t": [f"text {number}" for number in range(MANY)]})
FRAMES = {
    "pandas": (TABLE.to_pandas(), MANY),
    "pandas with pyarrow's types": (TABLE.to_pandas(types_mapper=pd.ArrowDtype), MANY),
    "polars": (pl.from_arrow(TABLE), MANY),
    "table": (TABLE, MANY),
    "batch": (TABLE.combine_chunks().to_batches()[0], MANY),
    "stream": (OnlyStream(TABLE), None),
    "array": (OnlyArray(TABLE.combine_chunks().to_batches()[0]), None),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_of_any_library_is_its_rows(kind: str) -> None:
    frame, count = FRAMES[kind]
    source = RecordsSource(frame)
    assert source.row_count() == count
    assert rows_of(source) == list(enumerate(TABLE.to_pylist()))
    assert source.where(17) == "records[17]"
    assert max(len(chunk.rows) for chunk in RecordsSource(frame)) <= ROWS_AT_ONCE
    assert all(chunk.end.position == chunk.positions[-1] for chunk in RecordsSource(frame))


def test_a_reader_of_batches_is_read_as_it_comes() -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(TABLE.to_batches(max_chunksize=100)):
            taken.append(number)
            yield batch

    chunks = iter(RecordsSource(pa.RecordBatchReader.from_batches(TABLE.schema, batches())))
    assert len(next(chunks).rows) == 100
    assert len(taken) < 5
    assert sum(len(chunk.rows) for chunk in chunks) == MANY - 100


def test_the_share_of_a_frame_is_that_of_its_rows() -> None:
    source = RecordsSource(pl.from_arrow(TABLE.slice(0, 4 * 500)))
    next(iter(source))
    assert source.share() == 0.5


def test_lists_and_generators_of_frames_and_rows_are_read_in_order() -> None:
    one, two = pa.table({"n": [1, 2]}), pd.DataFrame({"n": [3]})
    mixed = [one, {"n": 0}, [two, {"n": 4}], (one, two), [], {"n": 5}]
    expected = [1, 2, 0, 3, 4, 1, 2, 3, 5]
    for records in (mixed, iter(mixed)):
        assert rows_of(RecordsSource(records)) == [(place, {"n": n}) for place, n in enumerate(expected)]


def test_no_more_rows_than_the_limit_are_taken() -> None:
    for limit in range(5):
        source = RecordsSource([{"n": 0}, pa.table({"n": [1, 2]}), {"n": 3}])
        source.limit_rows(limit)
        assert [row["n"] for _, row in rows_of(source)] == list(range(limit))[:4]


# pandas


def test_missing_values_of_pandas_are_none() -> None:
    frame = pd.DataFrame(
        {
            "float": [1.5, float("nan")],
            "time": pd.to_datetime(["2026-01-02T03:04:05.000000001Z", None]),
            "integer": pd.array([1, None], dtype="Int64"),
            "boolean": pd.array([True, None], dtype="boolean"),
            "string": pd.array(["a", None], dtype="string"),
            "category": pd.Categorical(["a", None]),
            "object": pd.Series(["a", pd.NA], dtype=object),
            "nat": pd.Series([1, pd.NaT], dtype=object),
        }
    )
    first, second = rows(frame)
    assert first == {
        "float": 1.5,
        "time": "2026-01-02T03:04:05.000000001Z",
        "integer": 1,
        "boolean": True,
        "string": "a",
        "category": "a",
        "object": "a",
        "nat": 1,
    }
    assert second == dict.fromkeys(first)


def test_objects_of_several_types_stay_what_they_are() -> None:
    values = [1, 1.5, "a", b"\xff", Decimal("1.50"), date(2026, 1, 2), [1, "a"], {"a": 1}, True]
    found = [row["o"] for row in rows(pd.DataFrame({"o": pd.Series(values, dtype=object)}))]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))


def test_an_integer_among_floats_stays_an_integer() -> None:
    (first, _) = rows(pd.DataFrame({"o": pd.Series([1, 1.5], dtype=object)}))
    assert type(first["o"]) is int


def test_an_index_with_a_name_is_a_column() -> None:
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.DatetimeIndex(["2026-01-02", "2026-01-03"], name="time"))
    assert rows(frame) == [
        {"time": "2026-01-02T00:00:00.000", "n": 1},
        {"time": "2026-01-03T00:00:00.000", "n": 2},
    ]
    frame = pd.DataFrame({"n": [1, 2]}, index=pd.RangeIndex(2, name="id"))
    assert rows(frame) == [{"id": 0, "n": 1}, {"id": 1, "n": 2}]
    levels = pd.MultiIndex.from_tuples([("a", 1), ("b", None)], names=["tag", "number"])
    assert rows(pd.DataFrame({"n": [1, 2]}, index=levels)) == [
        {"tag": "a", "number": 1, "n": 1},
        {"tag": "b", "number": None, "n": 2},
    ]


def test_an_index_without_a_name_is_no_column() -> None:
    frame = pd.DataFrame({"n": [1, 2, 3]})
    assert rows(frame[frame.n > 1]) == [{"n": 2}, {"n": 3}]
    assert rows(frame.set_index("n", drop=False)) == [{"n": 1}, {"n": 2}, {"n": 3}]


def test_names_of_columns_are_texts() -> None:
    assert rows(pd.DataFrame([[1, 2]])) == [{"0": 1, "1": 2}]


def test_types_that_arrow_does_not_have_come_as_objects() -> None:
    assert rows(pd.DataFrame({"c": [1j]})) == [{"c": 1j}]
    sparse = pd.DataFrame({"c": pd.arrays.SparseArray([1, 0])})
    assert rows(sparse) == [{"c": 1}, {"c": 0}]


def test_a_frame_of_nothing_is_no_error() -> None:
    for frame in (pd.DataFrame(), pl.DataFrame(), pa.table({}), pd.DataFrame({"n": []}), TABLE.slice(0, 0)):
        assert rows(frame) == []


# polars


def test_nan_of_polars_is_not_missing() -> None:
    (nan, missing) = rows(pl.DataFrame({"f": [float("nan"), None]}))
    assert isnan(nan["f"])
    assert missing == {"f": None}


def test_types_of_polars_have_their_meaning() -> None:
    frame = pl.DataFrame(
        {
            "category": pl.Series(["a"], dtype=pl.Categorical),
            "enum": pl.Series(["a"], dtype=pl.Enum(["a", "b"])),
            "time": pl.Series([86_399_999_999_999], dtype=pl.Time),
            "moment": pl.Series([1], dtype=pl.Datetime("ns", "Europe/Oslo")),
            "decimal": pl.Series(["1.50"]).str.to_decimal(scale=2),
            "array": pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2)),
            "object": [{"a": [{"b": date(2026, 1, 2)}]}],
        }
    )
    assert rows(frame) == [
        {
            "category": "a",
            "enum": "a",
            "time": "23:59:59.999999999",
            "moment": "1970-01-01T00:00:00.000000001Z",
            "decimal": Decimal("1.50"),
            "array": [1, 2],
            "object": {"a": [{"b": date(2026, 1, 2)}]},
        }
    ]


@pytest.mark.parametrize("kind", [pl.Int128, pl.List(pl.Int128)])
def test_a_column_that_pyarrow_does_not_have_is_named(kind: Any) -> None:
    series = pl.Series([1] if kind == pl.Int128 else [[1]], dtype=kind)
    frame = pl.DataFrame({"id": ["a"], "big": series})
    message = refusal(frame)
    assert message.startswith("records: polars.DataFrame has a column 'big' of a type that pyarrow")
    assert "convert the column first" in message
    assert "has a column of a type that pyarrow" in refusal(OnlyStream(frame))


def test_objects_whose_addresses_polars_hands_on_are_refused() -> None:
    frame = pl.DataFrame({"id": ["a"], "x": pl.Series([object()], dtype=pl.Object)})
    assert "has a column 'x' of Python objects" in refusal(frame)


# What is no frame


@pytest.mark.parametrize("series", [pl.Series([1]), pa.array([1]), pa.chunked_array([[1]])])
def test_a_single_column_is_refused(series: Any) -> None:
    message = refusal(series)
    assert (
        f"records: {type(series).__module__.partition('.')[0]}.{type(series).__name__} is no table" in message
    )
    assert "give a frame, or rows (dicts)" in message


def test_a_column_of_pandas_is_refused() -> None:
    assert refusal(pd.Series([1, 2])).startswith("records")


@pytest.mark.parametrize(
    ("records", "what", "hint"),
    [
        ([(1, "a"), (2, "b")], "got a tuple: (1, 'a')", "dict(zip(names, row))"),
        ([[(1, "a")], [(2, "b")]], "got a tuple: (1, 'a')", "dict(zip(names, row))"),
        (["a", "b"], "got a str: 'a'", "json.loads(row)"),
        ([1, 2], "got an int: 1", "make a dict of each"),
        (np.zeros(1, [("a", "i4")]), "got a void: ", "pandas.DataFrame(array)"),
        (np.zeros((2, 2)), "got a ndarray: ", "pandas.DataFrame(array)"),
        (list(pd.DataFrame({"a": [1]}).itertuples()), "got a Pandas: ", "row._asdict()"),
        (pd.DataFrame({"a": [1]}).iterrows(), "got a tuple: ", "dict(zip(names, row))"),
    ],
)
def test_what_holds_no_rows_is_refused_with_what_to_do(records: Any, what: str, hint: str) -> None:
    message = refusal(records)
    assert "records must be rows (dicts) or frames, " + what in message
    assert hint in message


def test_a_lazy_frame_is_refused_with_what_to_do() -> None:
    with pytest.raises(SourceError, match="got LazyFrame; collect it first"):
        RecordsSource(pl.LazyFrame({"a": [1]}))


def test_one_tuple_among_rows_is_one_row() -> None:
    found = rows_of(RecordsSource([{"n": 0}, (1, "a"), [2, "b"], [{"n": 3}, (4,)]]))
    assert [position for position, _ in found] == list(range(5))


def test_rows_without_columns_are_refused() -> None:
    assert "pandas.DataFrame has 3 rows and no columns" in refusal(pd.DataFrame(index=range(3)))


def test_frames_need_pyarrow_and_say_so() -> None:
    script = """
import sys
sys.modules["pyarrow"] = None
from airflow_provider_cdf_records.sources import RecordsSource
class Frame:
    def __arrow_c_stream__(self, requested_schema=None):
        raise AssertionError
print([chunk.rows for chunk in RecordsSource([{"n": 1}])])
list(RecordsSource(Frame()))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "[[{'n': 1}]]\n"
    assert "Frame needs pyarrow: pip install 'airflow-provider-cdf-records[parquet]'." in done.stderr
