from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE, SIZE_AT_ONCE
from tests.sources.reading import rows_in, rows_of


def test_lists_of_records_are_flattened() -> None:
    source = RecordsSource([{"n": 0}, [{"n": 1}, {"n": 2}], [], ({"n": 3},)])
    assert rows_of(source) == [(n, {"n": n}) for n in range(4)]


def test_positions_go_on_through_the_chunks() -> None:
    rows = [{"n": n} for n in range(3 * ROWS_AT_ONCE + 1)]
    source = RecordsSource(iter(rows))
    assert rows_of(source) == list(enumerate(rows))
    assert source.where(3) == "records[3]"


def test_the_mark_of_a_chunk_is_at_its_last_row() -> None:
    for chunk in RecordsSource([{}] * 3 * ROWS_AT_ONCE):
        assert chunk.end.position == chunk.positions[-1]


def test_a_generator_is_read_a_few_rows_at_a_time() -> None:
    read = []

    def generate() -> Iterator[dict[str, int]]:
        for n in range(2 * ROWS_AT_ONCE):
            read.append(n)
            yield {"n": n}

    next(iter(RecordsSource(generate())))
    assert len(read) == ROWS_AT_ONCE


def test_large_rows_come_in_small_chunks() -> None:
    row = {"text": "x" * (SIZE_AT_ONCE // 50)}
    assert max(len(chunk.rows) for chunk in RecordsSource([row] * 200)) <= 100


def test_what_a_generator_gave_before_it_failed_is_delivered() -> None:
    def generate() -> Iterator[dict[str, int]]:
        yield {"n": 0}
        yield {"n": 1}
        msg = "the database went away"
        raise OSError(msg)

    chunks = iter(RecordsSource(generate()))
    assert rows_in(next(chunks)) == [(0, {"n": 0}), (1, {"n": 1})]
    with pytest.raises(OSError, match="went away"):
        next(chunks)


def test_the_share_of_a_list_is_known_and_of_a_generator_not() -> None:
    source = RecordsSource([{}] * 4 * ROWS_AT_ONCE)
    next(iter(source))
    assert source.share() == 0.25
    assert RecordsSource(iter([{}])).share() is None


@pytest.mark.parametrize("records", ["a/path.ndjson", b"bytes", {"space": "s"}, 5, None])
def test_what_is_not_a_list_of_records_is_refused(records: Any) -> None:
    with pytest.raises(SourceError, match="must be a list"):
        RecordsSource(records)
