"""A file that is written again while it is read, for tests."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import feather, parquet

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.sources import FileSource
from tests.sample_records import CONTAINER, SPACE

ROWS = 4000  # several chunks, and in any format more than is read at once
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}],
}


class ChangingSource(FileSource):
    """Calls a function once its first rows have been read."""

    change: Callable[[], Any]

    def __iter__(self) -> Iterator[Chunk]:
        for number, chunk in enumerate(super().__iter__()):
            if not number:
                self.change()
            yield chunk


def content(name: str, number: int) -> bytes:
    """Return a file of the format and compression that its name says, in which all rows have one number."""
    columns = {"id": [f"{n:0200}" for n in range(ROWS)], "number": [number] * ROWS}
    file = io.BytesIO()
    if name.endswith(".parquet"):
        parquet.write_table(pa.table(columns), file, row_group_size=ROWS // 6, compression="none")
        return file.getvalue()
    if name.endswith(".arrow"):
        feather.write_feather(pa.table(columns), file, chunksize=ROWS // 6, compression="uncompressed")
        return file.getvalue()
    rows = [{"id": key, "number": number} for key in columns["id"]]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if name.endswith((".csv", ".csv.gz")):
        text = "id,number\n" + "".join(f"{key},{number}\n" for key in columns["id"])
    if name.endswith(".gz"):
        return gzip.compress(text.encode(), 0)
    if name.endswith(".zip"):
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("1.ndjson", text)
            archive.writestr("2.ndjson", text)
        return file.getvalue()
    return text.encode()


NAMES = ["a.ndjson", "a.csv", "a.csv.gz", "a.parquet", "a.arrow", "a.zip"]
