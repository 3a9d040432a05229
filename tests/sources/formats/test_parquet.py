"""What only Parquet has: old timestamps, bytes that are texts, checksums, row groups that are damaged."""

from __future__ import annotations

import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version
from pyarrow import parquet

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.arrow.int96 import is_by_old_arrow
from airflow_provider_cdf_records.sources.formats.parquet import PARQUET, read_parquet
from tests.sources.arrow.tables import READS_FIXED_SIZE
from tests.sources.reading import read, refusal

FAR = datetime(9999, 12, 31, 23, 59, 59, 999999)
PAST = datetime(1, 1, 1)
EPOCH = datetime(1970, 1, 1)
NEAR = datetime(2026, 1, 2, 3, 4, 5, 678901)


def write_int96(path: Path, columns: dict[str, pa.Array]) -> Path:
    parquet.write_table(pa.table(columns), path, use_deprecated_int96_timestamps=True, store_schema=False)
    assert "INT96" in {column.physical_type for column in columns_of(path)}
    return path


def columns_of(path: Path) -> list[Any]:
    metadata = parquet.ParquetFile(path).metadata
    return [metadata.schema.column(number) for number in range(metadata.num_columns)]


def test_timestamps_of_96_bits_keep_years_that_nanoseconds_do_not_reach(tmp_path: Path) -> None:
    moments = pa.array([FAR, NEAR, PAST, None], pa.timestamp("us"))
    assert [row["t"] for _, row in read(write_int96(tmp_path / "a.parquet", {"t": moments}))] == [
        "9999-12-31T23:59:59.999999",
        "2026-01-02T03:04:05.678901",
        "0001-01-01T00:00:00.000",
        None,
    ]


def test_timestamps_of_96_bits_keep_nanoseconds(tmp_path: Path) -> None:
    moments = pa.array([1767323045_678_999_999], pa.timestamp("ns"))
    path = write_int96(tmp_path / "a.parquet", {"t": moments})
    assert read(path) == [(1, {"t": "2026-01-02T03:04:05.678999999"})]


def test_timestamps_of_96_bits_keep_nanoseconds_beside_a_far_year(tmp_path: Path) -> None:
    """Nanoseconds of year 9999, which no type of Arrow holds, are put into the file's bytes."""
    path = tmp_path / "a.parquet"
    for moment in (FAR, NEAR):
        moments = pa.table({"t": pa.array([moment], pa.timestamp("us"))})
        parquet.write_table(
            moments, path, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none"
        )
        content = bytearray(path.read_bytes())
        nanoseconds = (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0)).seconds * 10**9
        nanoseconds += moment.microsecond * 1000
        stored = int96_bytes(moment.toordinal(), nanoseconds)
        start = content.index(stored)
        content[start : start + 12] = int96_bytes(moment.toordinal(), nanoseconds + 123)
        path.write_bytes(content)
        assert read(path) == [(1, {"t": f"{moment.isoformat()}123"})]


def test_timestamps_of_96_bits_that_have_no_year_are_refused_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"t": pa.array([FAR, NEAR], pa.timestamp("us"))})
    parquet.write_table(
        table, path, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none"
    )
    content = bytearray(path.read_bytes())
    day = ((FAR - datetime(1970, 1, 1)).days + 2440588).to_bytes(4, "little")
    start = content.index(day)
    content[start : start + 4] = b"\xff" * 4
    path.write_bytes(content)
    (_, wrong), (_, good) = read(path)
    assert "outside of the years 1 to 9999" in repr(wrong["t"])
    assert good == {"t": "2026-01-02T03:04:05.678901"}


WRITTEN_RIGHT = (
    st.datetimes(PAST, FAR)
    if Version(pa.__version__) >= Version("23")
    else st.datetimes(EPOCH, datetime(2262, 1, 1)) | st.datetimes(datetime(2555, 1, 1), FAR)
)
MOMENTS = st.none() | WRITTEN_RIGHT


def text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds")


@given(
    st.lists(st.tuples(MOMENTS, st.none() | st.lists(MOMENTS, max_size=3), MOMENTS), min_size=1, max_size=5)
)
def test_timestamps_of_96_bits_come_back_wherever_they_are(rows: list[Any]) -> None:
    kind = pa.timestamp("us")
    plain, lists, inner = (list(column) for column in zip(*rows, strict=True))
    columns = {
        "n": pa.array(range(len(rows))),
        "t": pa.array(plain, kind),
        "list.of.t": pa.array(lists, pa.list_(kind)),
        "s": pa.array(
            [{"n": 1, "t": moment} for moment in inner], pa.struct([("n", pa.int8()), ("t", kind)])
        ),
        "m": pa.array([[("a", moment)] for moment in inner], pa.map_(pa.string(), kind)),
    }
    for names in (list(columns), [name for name in columns if "." not in name]):
        file = io.BytesIO()
        table = pa.table({name: columns[name] for name in names})
        parquet.write_table(table, file, use_deprecated_int96_timestamps=True, row_group_size=2)
        file.seek(0)
        found = [
            dict(zip(chunk.columns or (), row, strict=True))
            for chunk in read_parquet(io.BufferedReader(file))
            for row in chunk.rows
        ]
        expected = {
            "n": list(range(len(rows))),
            "t": list(map(text, plain)),
            "list.of.t": [None if items is None else list(map(text, items)) for items in lists],
            "s": [{"n": 1, "t": text(moment)} for moment in inner],
            "m": [{"a": text(moment)} for moment in inner],
        }
        assert found == [{name: expected[name][number] for name in names} for number in range(len(rows))]


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31T23:59:59.999999999",
        "1969-12-31T00:00:00.000000001",
        "1900-02-03T04:05:06.789",
        *("1600-05-06T07:08:09.123456", "1500-01-01T01:00:00.000", "1300-02-03T04:05:06.789"),
        "0001-01-01T12:00:00.000",
    ],
)
def test_what_an_old_arrow_wrote_wrong_is_refused(tmp_path: Path, text: str) -> None:
    """It wrote the nanoseconds since the midnight after, which are below 0."""
    path = int96_of_old_arrow(tmp_path / "a.parquet", text, next_day=True)
    ((_, row),) = read(path)
    assert "Arrow before 23 may have written wrong" in repr(row["t"])
    (nested,) = row["s"]
    assert "Arrow before 23 may have written wrong" in repr(nested["t"])
    assert (nested["a"], row["a"]) == ("1969-12-31T23:59:59.999", "1969-12-31T23:59:59.999")


@pytest.mark.parametrize(
    "text",
    [
        *("1970-01-01T00:00:00.000", "1970-01-01T00:00:00.000000001", "2026-01-02T03:04:05.678901"),
        *("1969-12-31T00:00:00.000", "0001-01-01T00:00:00.000", "2500-12-31T00:00:00.000"),
        *("9999-12-31T23:59:59.999999999",),
    ],
)
def test_what_an_old_arrow_wrote_right_is_read(tmp_path: Path, text: str) -> None:
    path = int96_of_old_arrow(tmp_path / "a.parquet", text, next_day=False)
    ((_, row),) = read(path)
    assert (row["t"], row["s"][0]["t"]) == (text, text)


@pytest.mark.parametrize(
    ("writer", "is_old"),
    [
        ("parquet-cpp-arrow version 22.0.0", True),
        ("parquet-cpp-arrow version 9.0.0", True),
        ("parquet-cpp version 1.5.1-SNAPSHOT", True),
        ("parquet-cpp-arrow version 23.0.0", False),
        ("parquet-cpp-arrow version 122.0.0", False),
        ("parquet-mr version 1.12.3 (build x)", False),
        (None, False),
    ],
)
def test_what_is_an_old_arrow(writer: str | None, *, is_old: bool) -> None:
    assert is_by_old_arrow(writer) is is_old


@pytest.mark.parametrize("text", ["2026-01-02T03:04:05.678901616", "2026-01-02T03:04:05.678901"])
def test_nanoseconds_that_an_old_arrow_wrote_are_read(tmp_path: Path, text: str) -> None:
    """Microseconds of the 16th century would come back so; a column of nanoseconds does not reach it."""
    ((_, row),) = read(int96_of_old_arrow(tmp_path / "a.parquet", text, next_day=False, unit="ns"))
    assert (row["t"], row["s"][0]["t"], row["m"]) == (text, text, {text: 1})
    if text.endswith("616"):
        ((_, row),) = read(int96_of_old_arrow(tmp_path / "b.parquet", text, next_day=False))
        assert isinstance(row["t"], Unreadable)


def test_a_map_whose_key_an_old_arrow_wrote_wrong_is_refused_as_a_whole(tmp_path: Path) -> None:
    path = int96_of_old_arrow(tmp_path / "a.parquet", "1969-12-31T23:00:00.000", next_day=True)
    (chunk,) = FileSource(path)
    ((_, _, _, value),) = chunk.rows
    assert isinstance(value, Unreadable)
    assert "a map with the key 2554-07-21T22:34:33.709551616, a timestamp" in repr(value)


def int96_of_old_arrow(path: Path, text: str, *, next_day: bool, unit: str = "us") -> Path:
    """Write a timestamp in the way of Arrow 22, plain and nested, beside texts that look like one."""
    other = datetime(2001, 2, 3, 4, 5, 6, 789012)  # is replaced in the file
    kind = pa.struct([("a", pa.string()), ("t", pa.timestamp(unit))])
    looks_so = "1969-12-31T23:59:59.999"
    table = pa.table(
        {
            "a": [looks_so],
            "t": pa.array([other], pa.timestamp(unit)),
            "s": pa.array([[{"a": looks_so, "t": other}]], pa.list_(kind)),
            "m": pa.array([[(other, 1)]], pa.map_(pa.timestamp(unit), pa.int8())),
        }
    )
    parquet.write_table(
        table, path, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none"
    )
    content = path.read_bytes()
    day = date.fromisoformat(text[:10]).toordinal() + next_day
    hours, minutes, seconds = text[11:].split(":")
    nanoseconds = (int(hours) * 60 + int(minutes)) * 60 * 10**9 + int(seconds.replace(".", "").ljust(11, "0"))
    written = content.replace(
        int96_bytes(other.toordinal(), 14_706_789_012_000),
        int96_bytes(day, nanoseconds - next_day * 86_400 * 10**9),
    )
    assert content != written
    writer = b"parquet-cpp-arrow version " + pa.cpp_version.encode()
    old = b"parquet-cpp-arrow version 22.0.0".ljust(len(writer))
    assert writer in content
    path.write_bytes(written.replace(writer, old))
    return path


def int96_bytes(ordinal: int, nanoseconds: int) -> bytes:
    julian = ordinal - EPOCH.toordinal() + 2440588
    return (nanoseconds % 2**64).to_bytes(8, "little") + julian.to_bytes(4, "little")


def test_a_timestamp_of_96_bits_whose_name_is_a_path_into_another_column_is_read(tmp_path: Path) -> None:
    columns = {"a": pa.array([{"t": 1}]), "a.t": pa.array([FAR], pa.timestamp("us")), "n": pa.array([2])}
    path = write_int96(tmp_path / "a.parquet", columns)
    assert read(path) == [(1, {"a": {"t": 1}, "a.t": "9999-12-31T23:59:59.999999", "n": 2})]


# Texts


def test_bytes_are_bytes_unless_they_are_said_to_be_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"b": [b"\xc3\xb8", b"\xff", None], "n": [[b"a"], [], None]}), path)
    assert [row["b"] for _, row in read(path)] == [b"\xc3\xb8", b"\xff", None]
    (_, good), (_, wrong), (_, missing) = read(path, binary_as_string=True)
    assert good == {"b": "ø", "n": ["a"]}
    assert "not UTF-8" in repr(wrong["b"])
    assert missing == {"b": None, "n": None}


def test_the_option_of_bytes_is_true_or_false(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="binary_as_string must be True or False, got 'yes'"):
        FileSource(tmp_path / "a.parquet", file_options={"binary_as_string": "yes"})


def test_an_enum_is_a_text(tmp_path: Path) -> None:
    """pyarrow writes none, so a column of texts is made one."""
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"e": ["low", "high"]}), path, store_schema=False)
    a_text, an_enum = (bytes.fromhex(f"18016525{kind}0000") for kind in ("004c1c", "084c4c"))
    content = path.read_bytes()
    assert content.count(a_text) == 1
    path.write_bytes(content.replace(a_text, an_enum))
    assert columns_of(path)[0].logical_type.type == "ENUM"
    assert read(path) == [(1, {"e": "low"}), (2, {"e": "high"})]


# Names and shapes


def test_a_name_with_dots_is_not_that_of_an_object(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"a.b": [1], "a": [{"b": 2}]}), path)
    assert read(path) == [(1, {"a.b": 1, "a": {"b": 2}})]


def test_an_extraction_of_nothing_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({}), path)
    assert read(path) == []


def test_the_names_of_the_columns_are_read_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"n": range(100_000), "æ.b": range(100_000)}), path)
    content = bytearray(path.read_bytes())
    content[4:1000] = b"\xff" * 996
    path.write_bytes(content)
    assert PARQUET.read_columns is not None
    with path.open("rb") as file:
        assert PARQUET.read_columns(file, PARQUET.options_of({})) == ("n", "æ.b")


# Damage


def damaged(path: Path, **options: Any) -> Path:
    """Write a file of 4 groups of 10,000 rows, and change one byte in the third."""
    table = pa.table({"n": pa.array([float(number) for number in range(40_000)])})
    parquet.write_table(table, path, row_group_size=10_000, use_dictionary=False, **options)
    content = bytearray(path.read_bytes())
    group = parquet.ParquetFile(path).metadata.row_group(2).column(0)
    content[group.data_page_offset + group.total_compressed_size // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def test_damage_is_told_with_the_row_that_it_comes_after(tmp_path: Path) -> None:
    path = damaged(tmp_path / "a.parquet", compression="none", write_page_checksum=True)
    read_before = []
    with pytest.raises(
        SourceError, match=r"is not a whole Parquet file: .*, after row 20,000\. Was it still"
    ):
        for chunk in FileSource(path):
            read_before += chunk.positions
    assert read_before == list(range(1, 20_001))


@pytest.mark.parametrize("compression", ["snappy", "gzip", "zstd", "brotli"])
def test_damage_of_any_compression_is_an_error_of_the_file(tmp_path: Path, compression: str) -> None:
    path = damaged(tmp_path / "a.parquet", compression=compression, write_page_checksum=True)
    assert "is not a whole Parquet file: " in refusal(path)


class Storage(io.RawIOBase):
    """A file on storage that fails after the first reads."""

    def __init__(self, content: bytes, error: Exception) -> None:
        super().__init__()
        self._file = io.BytesIO(content)
        self._error = error
        self._left = 4

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        self._left -= 1
        if not self._left:
            raise self._error
        return self._file.readinto(buffer)


@pytest.mark.parametrize(
    "error", [PermissionError("no"), OSError(5, "I/O error"), RuntimeError("of a client")]
)
def test_a_failure_of_the_storage_is_not_called_damage(error: Exception) -> None:
    content = io.BytesIO()
    parquet.write_table(pa.table({"n": range(500_000)}), content, row_group_size=50_000)
    with pytest.raises(type(error)) as failure:
        list(read_parquet(io.BufferedReader(Storage(content.getvalue(), error))))
    assert failure.value is error


def test_lists_of_fixed_size_are_read_or_the_version_of_pyarrow_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"a": pa.array([None, [1, 2]], pa.list_(pa.int32(), 2))}), path)
    if READS_FIXED_SIZE:
        assert [row for _, row in read(path)] == [{"a": None}, {"a": [1, 2]}]
    else:
        with pytest.raises(SourceError, match=f"cannot be read by pyarrow {pa.__version__}: "):
            read(path)
