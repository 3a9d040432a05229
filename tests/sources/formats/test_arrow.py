"""Parquet and Arrow files: types, row groups, and files that are no whole ones."""

from __future__ import annotations

import io
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from airflow_provider_cdf_records.mapping.types import InvalidValueError, property_type
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats.arrow import ARROW, read_arrow
from airflow_provider_cdf_records.sources.formats.parquet import PARQUET, read_parquet
from airflow_provider_cdf_records.sources.source import FormatError
from tests.sources.reading import read, refusal, rows_of


def write(path: Path, table: pa.Table, **options: Any) -> Path:
    """Write a table as what the suffix says; ``stream.arrow`` is an Arrow IPC stream."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path, **options)
    else:
        make = pa.ipc.new_stream if path.name == "stream.arrow" else pa.ipc.new_file
        with make(path, table.schema) as writer:
            writer.write_table(table, **options)
    return path


@pytest.fixture(params=["a.parquet", "a.arrow", "a.feather", "stream.arrow"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def column(path: Path, values: list[Any], kind: pa.DataType) -> list[Any]:
    """Return what a column of a file comes back as."""
    return [row["c"] for _, row in read(write(path, pa.table({"c": pa.array(values, kind)})))]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int8(), [1, None, -128]),
        (pa.int32(), [1, None, -(2**31)]),
        (pa.int64(), [2**63 - 1, None]),
        (pa.uint64(), [2**64 - 1, None]),
        (pa.float32(), [1.5, None]),
        (pa.float64(), [0.1, None]),
        (pa.string(), ["snö ☃", "", None]),
        (pa.large_string(), ["snö ☃", None]),
        (pa.bool_(), [True, False, None]),
        (pa.date32(), [date(2024, 2, 29), date(1, 1, 1), None]),
        (pa.date64(), [date(2024, 2, 29), None]),
        (pa.decimal128(20, 4), [Decimal("1234567890123456.5000"), None]),
        (pa.list_(pa.string()), [["a", None], [], None]),
        (
            pa.struct({"id": pa.string(), "deep": pa.struct({"n": pa.int32()})}),
            [{"id": "a", "deep": {"n": 1}}],
        ),
        (pa.binary(), [b"\0\xff", None]),
        (pa.null(), [None, None]),
    ],
    ids=str,
)
def test_values_come_as_python_has_them(path: Path, kind: pa.DataType, values: list[Any]) -> None:
    assert column(path, values, kind) == values


def test_a_dictionary_comes_as_its_values(path: Path) -> None:
    values = pa.array(["low", "high", None, "low"]).dictionary_encode()
    assert [row["c"] for _, row in read(write(path, pa.table({"c": values})))] == ["low", "high", None, "low"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(
    ("zone", "suffix"), [(None, ""), ("UTC", "Z"), ("Europe/Oslo", "Z"), ("+05:30", "Z")]
)
def test_moments_of_all_units_come_as_texts_in_utc(
    path: Path, unit: str, zone: str | None, suffix: str
) -> None:
    moments = [
        datetime(2026, 1, 2, 3, 4, 5, 0, timezone.utc),
        datetime(2024, 2, 29, 23, 59, 59, 0, timezone.utc),
        datetime(1969, 12, 31, 23, 59, 59, 0, timezone.utc),
        None,
    ]
    given = [moment if zone or moment is None else moment.replace(tzinfo=None) for moment in moments]
    assert column(path, given, pa.timestamp(unit, zone)) == [
        None if moment is None else moment.strftime(f"%Y-%m-%dT%H:%M:%S.000{suffix}") for moment in moments
    ]


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_moments_keep_their_milliseconds(path: Path, unit: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
    assert column(path, [moment], pa.timestamp(unit, "UTC")) == ["2026-01-02T03:04:05.678Z"]


def test_moments_keep_their_nanoseconds(path: Path) -> None:
    nanoseconds = pa.array([1767323045_678_999_999], pa.timestamp("ns", "UTC"))
    [(_, row)] = read(write(path, pa.table({"c": nanoseconds})))
    assert row == {"c": "2026-01-02T03:04:05.678999999Z"}


def test_a_moment_is_written_alike_whatever_stands_beside_it(path: Path) -> None:
    alone = datetime(2026, 1, 2, 3, 4, 5, 678000, timezone.utc)
    beside = alone.replace(microsecond=678001)
    assert column(path, [alone, beside, None], pa.timestamp("us", "UTC")) == [
        "2026-01-02T03:04:05.678Z",
        "2026-01-02T03:04:05.678001Z",
        None,
    ]


def test_a_map_is_an_object(path: Path) -> None:
    kind = pa.map_(pa.string(), pa.float64())
    assert column(path, [{"level": 5.5}, None], kind) == [{"level": 5.5}, None]


@pytest.mark.parametrize("kind", [pa.date32(), pa.string()])
def test_a_value_that_cannot_be_read_leaves_the_others(path: Path, kind: pa.DataType) -> None:
    whole = b"ok" if kind == pa.string() else 1
    broken = (
        pa.array([b"\xff", whole], pa.binary()) if kind == pa.string() else pa.array([10**8, 1], pa.int32())
    )
    there, good = (row["c"] for _, row in read(write(path, pa.table({"c": broken.view(kind)}))))
    assert good == ("ok" if kind == pa.string() else date(1970, 1, 2))
    with pytest.raises(InvalidValueError, match="expected text, got an unreadable value"):
        property_type({"type": "text"}).convert(there)


def test_the_first_and_the_last_year_are_there(path: Path) -> None:
    moments = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)]
    assert column(path, moments, pa.timestamp("us")) == ["0001-01-01T00:00:00.000", "9999-12-31T23:59:59.000"]


def test_what_pandas_wrote_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [1.5, None], "at": pd.to_datetime(["2026-01-02", None]), "t": ["a", None]})
    frame.to_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [
        (1, {"n": 1.5, "at": "2026-01-02T00:00:00.000", "t": "a"}),
        (2, {"n": None, "at": None, "t": None}),
    ]


@pytest.mark.parametrize(("name", "option"), [("a.parquet", "row_group_size"), ("a.arrow", "max_chunksize")])
def test_rows_are_numbered_through_all_groups(tmp_path: Path, name: str, option: str) -> None:
    path = write(tmp_path / name, pa.table({"n": range(3500)}), **{option: 700})
    source = FileSource(path)
    assert rows_of(source) == [(number + 1, {"n": number}) for number in range(3500)]
    assert source.where(3500) == f"row 3500 of {path}"


def test_no_rows_are_no_error(path: Path) -> None:
    assert read(write(path, pa.table({"n": pa.array([], pa.int64())}))) == []


def test_compression_inside_is_read(tmp_path: Path) -> None:
    for compression in ("snappy", "gzip", "zstd", "brotli"):
        path = tmp_path / f"{compression}.parquet"
        parquet.write_table(pa.table({"n": [1]}), path, compression=compression)
        assert read(path) == [(1, {"n": 1})]


def test_two_columns_may_have_one_name(path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    [chunk] = FileSource(write(path, table))
    assert (chunk.columns, chunk.rows) == (("a", "a"), [(1, 2)])


# Files that are no whole ones


@pytest.mark.parametrize("left", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(path: Path, left: float) -> None:
    write(path, pa.table({"n": range(10_000), "t": [str(number) for number in range(10_000)]}))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * left)])
    what = "Parquet" if path.suffix == ".parquet" else "Arrow"
    message = refusal(path)
    assert f"is not a whole {what} file: " in message
    assert "Was it still being written?" in message


@pytest.mark.parametrize("content", [b"x", b"x\n" * 5000, b"\0" * 1000])
@pytest.mark.parametrize(("name", "what"), [("a.parquet", "Parquet"), ("a.arrow", "Arrow")])
def test_something_else_is_refused(tmp_path: Path, name: str, what: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert f"is not a whole {what} file: " in refusal(tmp_path / name)


class Failing(io.RawIOBase):
    """A file of which nothing can be read."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, *_: int) -> int:
        return 1000

    def readinto(self, _: object) -> int:
        raise self._error


@pytest.mark.parametrize("read_format", [read_parquet, read_arrow])
@pytest.mark.parametrize(
    ("error", "why"), [(OSError(), "OSError"), (OSError("a\nb"), "a"), (OSError("it ends."), "it ends")]
)
def test_a_failure_to_read_is_told_by_its_first_line(read_format: Any, error: Exception, why: str) -> None:
    with pytest.raises(FormatError, match=rf"file: {why}\. Was it still"):
        list(read_format(io.BufferedReader(Failing(error))))


def test_a_damaged_page_is_refused_after_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"n": [f"{number:09}" for number in range(50_000)]})
    parquet.write_table(table, path, row_group_size=10_000, use_dictionary=False, compression="zstd")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(bytes(content))
    assert "is not a whole Parquet file: " in refusal(path)


# What only Arrow's own format has


def test_a_feather_file_of_version_1_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + b"\0" * 100)
    assert "is a Feather file of version 1; write it again as version 2" in refusal(tmp_path / "a.feather")


def test_a_stream_after_a_stream_is_not_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "stream.arrow", pa.table({"n": [1]}))
    content = path.read_bytes()
    path.write_bytes(content + b"\0" * 100)
    assert read(path) == [(1, {"n": 1})]
    path.write_bytes(content * 2)
    assert "goes on after the end of its stream" in refusal(path)


@pytest.mark.parametrize("name", ["a.arrow", "stream.arrow"])
def test_offsets_of_a_damaged_file_are_not_trusted(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, pa.table({"t": ["x" * 50] * 100}))
    content = path.read_bytes()
    wrong = content.replace((50).to_bytes(4, "little"), (2**30).to_bytes(4, "little"), 1)
    assert wrong != content
    path.write_bytes(wrong)
    assert "is not a whole Arrow file: " in refusal(path)


def test_a_dictionary_of_a_large_batch_is_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    words = pa.array([f"word {number}" for number in range(5000)]).dictionary_encode()
    path = write(tmp_path / "a.arrow", pa.table({"t": words}))
    assert [row["t"] for _, row in read(path)] == words.to_pylist()


@pytest.mark.parametrize("known", [ARROW, PARQUET])
def test_names_and_rows_of_nothing(tmp_path: Path, known: Any) -> None:
    path = write(tmp_path / f"a{known.suffixes[0]}", pa.table({}))
    assert read(path) == []
    with path.open("rb") as file:
        assert known.read_columns(file, known.options_of({})) == ()


def test_the_names_of_the_columns_are_known_without_rows(path: Path) -> None:
    write(path, pa.table({"b": [1], "a": ["x"]}))
    with path.open("rb") as file:
        known = PARQUET if path.suffix == ".parquet" else ARROW
        assert known.read_columns is not None
        assert known.read_columns(file, known.options_of({})) == ("b", "a")
