"""Files of every format and compression, for tests."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard
from pyarrow import parquet

from airflow_provider_cdf_records.sources import FORMATS
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE

ROWS = [{"n": number, "text": "snö ☃"} for number in range(5)]
NDJSON = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": lambda content: zstandard.ZstdCompressor().compress(content),
}


def write(path: Path, content: str | bytes) -> Path:
    """Write a file, compressed as its suffix says."""
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(COMPRESS.get(path.suffix.lower(), bytes)(content))
    return path


def some_rows(count: int = 2 * ROWS_AT_ONCE + 345) -> list[dict[str, str]]:
    return [{"n": str(number)} for number in range(count)]


def as_ndjson(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, ["n"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_tsv(rows: list[dict[str, Any]]) -> bytes:
    return as_csv(rows, "\t")


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table({"n": [row["n"] for row in rows]}), file, row_group_size=700)
    return file.getvalue()


def as_arrow(rows: list[dict[str, Any]], make: Callable[..., Any] = pa.ipc.new_file) -> bytes:
    table, file = pa.table({"n": [row["n"] for row in rows]}), io.BytesIO()
    with make(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=1700)
    return file.getvalue()


def as_arrow_stream(rows: list[dict[str, Any]]) -> bytes:
    return as_arrow(rows, pa.ipc.new_stream)


WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {  # by the format's name
    "ndjson": as_ndjson,
    "json": as_json,
    "csv": as_csv,
    "tsv": as_tsv,
    "parquet": as_parquet,
    "arrow": as_arrow,
}
PLAIN = [f"a{known.suffixes[0]}" for known in FORMATS]
COMPRESSED = [f"a{known.suffixes[0]}.gz" for known in FORMATS if not known.is_compressed_inside]
FILE_NAMES = [*PLAIN, *COMPRESSED, "a.ndjson.bz2", "a.ndjson.zst", "stream.arrow"]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows of a text ``n`` in the format that the path's name says."""
    if path.name == "stream.arrow":
        return write(path, as_arrow_stream(rows))
    suffix = f".{path.name.split('.')[1]}"
    (known,) = (known for known in FORMATS if suffix in known.suffixes)
    return write(path, WRITERS[known.name](rows))
