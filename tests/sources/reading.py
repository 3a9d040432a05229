"""What a source delivers, for tests."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.chunk import Chunk
from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.records.named_rows import as_mapping
from airflow_provider_cdf_records.sources import FileSource, Source


def rows_in(chunk: Chunk) -> list[tuple[int, Any]]:
    """Return the rows of a chunk with their positions; JSON decoded, rows of a table as mappings."""
    rows = [json.loads(row) if isinstance(row, bytes) else as_mapping(row) for row in chunk.as_read()]
    return list(zip(chunk.positions, rows, strict=True))


def rows_of(source: Source) -> list[tuple[int, Any]]:
    """Return all rows of a source with their positions."""
    return [row for chunk in source for row in rows_in(chunk)]


def refusals_of(source: Source) -> list[tuple[int, str]]:
    """Return what a source could not make sense of."""
    return [(refusal.position, refusal.message) for chunk in source for refusal in chunk.refusals]


def most_memory(use: Callable[[], Any]) -> int:
    """Return how many bytes a call holds at most."""
    tracemalloc.start()
    try:
        use()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def read(path: Path, file_format: str | None = None, **options: Any) -> list[tuple[int, Any]]:
    """Return the rows of a file with their positions."""
    return rows_of(FileSource(path, file_format=file_format, file_options=options))


def refusal(path: Path, file_format: str | None = None, **options: Any) -> str:
    """Return why a file cannot be read; the message names it."""
    with pytest.raises(SourceError) as refused:
        read(path, file_format, **options)
    assert str(path) in str(refused.value)
    return str(refused.value)
