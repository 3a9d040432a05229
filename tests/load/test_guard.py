"""Whatever a row does when it is converted: it is rejected, and the load goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.load import Load
from airflow_provider_cdf_records.load.guard import Guarded
from airflow_provider_cdf_records.load.verbs import DELETE, UPSERT, Verb
from airflow_provider_cdf_records.mapping import read_mapping
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Records, Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, LoadFailedError
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import RecordsSource
from tests.hostile_rows import HOSTILE
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

SOURCE = {"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}
MAPPINGS: dict[str, Mapping[str, Any] | None] = {
    "API-shaped": None,
    "mapped": {"space": SPACE, "external_id": "{id}", "sources": [SOURCE]},
}


def chunk_of(*rows: Any, refusals: tuple[Refusal, ...] = ()) -> Chunk:
    return Chunk(range(len(rows)), list(rows), Mark(len(rows) - 1), refusals=refusals)


def inverse(chunk: Chunk) -> Records:
    """Convert numbers; knows nothing of what may be wrong with one."""
    bodies = [str(1 / row).encode() for row in chunk.rows]
    identities = list(map(str, chunk.rows))
    return Records(chunk.positions, identities, bodies, chunk.rows, chunk.refusals)


def test_the_rows_that_fail_are_refused_and_the_others_are_not() -> None:
    rows = [1, 0, 2, "x", 4, *range(1, 1000), 0]
    refused = Refusal(-7, b"", "unreadable")
    records = Guarded(inverse)(chunk_of(*rows, refusals=(refused,)))
    assert records.rows == [row for row in rows if row not in (0, "x")]
    assert [rows[position] for position in records.positions] == records.rows
    assert sorted(records.refusals) == [
        refused,
        Refusal(1, 0, "cannot be converted: ZeroDivisionError: division by zero"),
        Refusal(3, "x", "cannot be converted: TypeError: unsupported operand type(s) for /: 'int' and 'str'"),
        Refusal(1004, 0, "cannot be converted: ZeroDivisionError: division by zero"),
    ]


@pytest.mark.parametrize(
    "error",
    [InvalidArgumentError("no"), LoadFailedError("no", retryable=True), MemoryError(), KeyboardInterrupt()],
    ids=repr,
)
def test_what_is_of_the_whole_load_ends_it(error: BaseException) -> None:
    def convert(chunk: Chunk) -> Records:
        raise error if len(chunk.rows) < 3 else ZeroDivisionError

    with pytest.raises(type(error)):
        Guarded(convert)(chunk_of(1, 2, 3, 4))


def loadable(mapping: Mapping[str, Any] | None, number: int) -> dict[str, Any]:
    return (
        a_record(f"r{number}", number=number) if mapping is None else {"id": f"r{number}", "number": number}
    )


@pytest.mark.parametrize("verb", [UPSERT, DELETE], ids=lambda verb: verb.name)
@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=MAPPINGS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(kinds=st.lists(st.sampled_from([None, *HOSTILE]), max_size=60))
def test_hostile_rows_never_end_a_load(
    cdf: LocalCdf,
    tmp_path: Path,
    verb: Verb[Any],
    mapping: Mapping[str, Any] | None,
    kinds: list[str | None],
) -> None:
    kinds = [None, *kinds]  # the first row has the columns that a mapping names
    rows = [
        loadable(mapping, number) if kind is None else HOSTILE[kind]() for number, kind in enumerate(kinds)
    ]
    path = tmp_path / "rejected.ndjson"
    path.unlink(missing_ok=True)
    load = Load(
        cdf.client,
        verb,
        STREAM,
        RecordsSource(iter(rows)),
        mapping=None if mapping is None else read_mapping(mapping),
        max_rejected=len(rows),
        rejected_path=path,
        validate_only=True,
    )
    summary = load.run()
    good = kinds.count(None)
    assert summary.read == len(rows) == (summary.valid or 0) + summary.superseded + summary.rejected
    assert (summary.valid or 0) >= good
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    assert len(lines) == summary.rejected
    assert all(kinds[line["position"]] is not None and line["message"] for line in lines)


@pytest.mark.parametrize("kind", HOSTILE)
def test_any_row_can_be_written_down(kind: str) -> None:
    line = json.loads(rejection_of("records[0]", 0, HOSTILE[kind](), "no").as_line())
    assert (line["position"], line["message"]) == (0, "no")


def test_a_row_of_a_table_is_refused_with_its_columns(cdf: LocalCdf) -> None:
    class Table(RecordsSource):
        def __iter__(self) -> Iterator[Chunk]:
            yield Chunk(range(1), [(HOSTILE["everything fails"](),)], Mark(0), columns=("id",))

    load = Load(
        cdf.client,
        DELETE,
        STREAM,
        Table([]),
        mapping=read_mapping(MAPPINGS["mapped"]),
        max_rejected=1,
    )
    assert load.run().rejected == 1
