"""Any table comes back as it was: from files of both formats, and as records."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from airflow_provider_cdf_records.sources import FileSource, RecordsSource, Source
from tests.sources.arrow.tables import tables
from tests.sources.reading import rows_of


def rows(source: Source) -> list[Any]:
    return [row for _, row in rows_of(source)]


@given(tables(), st.integers(1, 5), st.data())
def test_a_table_comes_back_as_it_was(
    drawn: tuple[pa.Table, list[dict[str, Any]], bool], size: int, data: st.DataObject
) -> None:
    table, expected, is_in_parquet = drawn
    assert rows(RecordsSource(table)) == expected
    assert rows(RecordsSource(table.to_reader(size))) == expected
    start = data.draw(st.integers(0, len(expected)))
    assert rows(RecordsSource(table.slice(start))) == expected[start:]
    with TemporaryDirectory() as folder:
        for name, make in (("a.arrow", pa.ipc.new_file), ("stream.arrow", pa.ipc.new_stream)):
            path = Path(folder, name)
            with make(path, table.schema) as writer:
                writer.write_table(table, max_chunksize=size)
            assert rows(FileSource(path)) == expected
        if is_in_parquet:
            path = Path(folder, "a.parquet")
            try:
                parquet.write_table(table, path, row_group_size=size)
            except pa.ArrowNotImplementedError:  # pyarrow cannot write some types inside of others
                return
            assert rows(FileSource(path)) == expected
