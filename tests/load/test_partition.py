"""``partition``: the loads of all parts come to what one load of all rows does."""

from __future__ import annotations

import csv
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.load import batches
from airflow_provider_cdf_records.load.converter import converter_for
from airflow_provider_cdf_records.load.guard import Guarded
from airflow_provider_cdf_records.load.verbs import DELETE, UPSERT, Verb
from airflow_provider_cdf_records.mapping.spec import read_mapping
from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.sources import RecordsSource
from airflow_provider_cdf_records.sources.formats import ndjson
from tests.hostile_rows import HOSTILE
from tests.local_cdf import IMMUTABLE_STREAM, LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM, a_record

WHOLE = "whole"  # the stream that one load of all rows writes to
MAPPING = {
    "space": SPACE,
    "external_id": "{id}",
    "sources": [{"space": SPACE, "container": CONTAINER, "properties": {"value": "value", "text": "text"}}],
}

Row = bytes


def flat(identity: Any, value: Any = 1) -> Row:
    return json.dumps({"id": identity, "value": value, "text": "t"}).encode()


def shaped(identity: Any, value: Any = 1, **more: Any) -> Row:
    return json.dumps(a_record(identity, value=value) | more).encode()


def rows_after(first: Row, *kinds: st.SearchStrategy[Row]) -> st.SearchStrategy[list[Row]]:
    """Return rows whose first one says which columns there are."""
    return st.lists(st.one_of(kinds), min_size=40, max_size=60).map(lambda rows: [first, *rows])


BROKEN = [b"{", b"[1]", b'"P1"', b'{"id": "a", "space": "plant", "externalId": "a"', b'{"id": "\xff"}', b"{}"]
IDS = st.sampled_from([*"abcdefgh", "ü", "a/b", "a-1", "a-2"])
BAD_IDS = st.sampled_from([None, "", "x" * 257, "a\0", "\ud800", 7, 1.5, True, ["a"], {}])
VALUES = st.integers(0, 99)
BAD_VALUES = st.sampled_from(["no number", "x\0", [1], {"a": 1}, float("nan")])
FLAT = rows_after(
    flat("a"),
    st.builds(flat, IDS, VALUES),
    st.builds(flat, IDS, VALUES),
    st.builds(flat, IDS, BAD_VALUES),
    st.builds(flat, BAD_IDS),
    st.sampled_from(BROKEN),
)
SHAPED = rows_after(
    shaped("a"),
    st.builds(shaped, IDS, VALUES),
    st.builds(shaped, IDS, VALUES),
    st.builds(shaped, IDS, VALUES, record=VALUES),
    st.builds(shaped, IDS, space=st.sampled_from(["1x", "cdf", None])),
    st.builds(shaped, IDS, sources=st.sampled_from([[], None, [{}]])),
    st.builds(shaped, BAD_IDS),
    st.sampled_from(BROKEN),
)


@dataclass(frozen=True)
class Way:
    """A way for rows to a stream."""

    rows: st.SearchStrategy[list[Row]]
    run: Callable[[CdfRecordsHook, Path, list[Row], str, dict[str, Any]], Any]
    is_immutable: bool = False


def lines(folder: Path, rows: Iterable[Row]) -> Path:
    path = folder / "rows.ndjson"
    path.write_bytes(b"".join(row + b"\n" for row in rows))
    return path


def file(verb: str, **given: Any) -> Any:
    def run(hook: CdfRecordsHook, folder: Path, rows: list[Row], stream: str, more: dict[str, Any]) -> Any:
        return getattr(hook, f"{verb}_file")(stream, lines(folder, rows), **given, **more)

    return run


def table(verb: str, columns: tuple[str, ...], **given: Any) -> Any:
    """A CSV file; a row that is no object becomes a line with too many values."""

    def run(hook: CdfRecordsHook, folder: Path, rows: list[Row], stream: str, more: dict[str, Any]) -> Any:
        path = folder / "rows.csv"
        with path.open("w", newline="", errors="replace") as out:
            # Without an escapechar, Python 3.10 writes no null byte; no row has this one.
            writer = csv.writer(out, escapechar="\x7f")
            writer.writerow(columns)
            for row in rows:
                fields = decoded(row)
                writer.writerow(map(fields.get, columns) if isinstance(fields, dict) else "too many values")
        return getattr(hook, f"{verb}_file")(stream, path, **given, **more)

    return run


def objects(verb: str, **given: Any) -> Any:
    """Rows of Python, with one of each hostile class among them."""

    def run(hook: CdfRecordsHook, _: Path, rows: list[Row], stream: str, more: dict[str, Any]) -> Any:
        hostile = [make() for make in HOSTILE.values()]
        every = [*map(decoded, rows[::2]), *hostile, *map(decoded, rows[1::2])]
        return getattr(hook, f"{verb}_records")(stream, every, **given, **more)

    return run


def rejected_lines(verb: str, **given: Any) -> Any:
    """Every third row as a line of a rejected-records file, of which some were corrected."""

    def run(hook: CdfRecordsHook, folder: Path, rows: list[Row], stream: str, more: dict[str, Any]) -> Any:
        every = [rejected_line(row) if not index % 3 else row for index, row in enumerate(rows, start=1)]
        return getattr(hook, f"{verb}_file")(stream, lines(folder, every), **given, **more)

    return run


def decoded(row: Row) -> Any:
    try:
        return json.loads(row)
    except ValueError:
        return row


def rejected_line(row: Row) -> Row:
    fields = {"position": 1, "where": "line 1", "space": SPACE, "externalId": "before it was corrected"}
    fields |= {"status": None, "message": "no", "requestId": None, "time": "2026-01-01T00:00:00Z"}
    fields["record"] = decoded(row) if isinstance(decoded(row), dict) else row.decode(errors="replace")
    return json.dumps(fields).encode()


WAYS = {
    "upsert NDJSON": Way(SHAPED, file("upsert")),
    "upsert mapped NDJSON": Way(FLAT, file("upsert", mapping=MAPPING)),
    "upsert mapped CSV": Way(FLAT, table("upsert", ("id", "value", "text"), mapping=MAPPING)),
    "upsert records": Way(SHAPED, objects("upsert")),
    "upsert mapped records": Way(FLAT, objects("upsert", mapping=MAPPING)),
    "upsert rejected lines": Way(SHAPED, rejected_lines("upsert")),
    "upsert mapped rejected lines": Way(FLAT, rejected_lines("upsert", mapping=MAPPING)),
    "ingest NDJSON": Way(SHAPED, file("ingest"), is_immutable=True),
    "delete NDJSON": Way(SHAPED, file("delete")),
    "delete mapped NDJSON": Way(FLAT, file("delete", mapping=MAPPING)),
    "delete CSV": Way(SHAPED, table("delete", ("space", "externalId"))),
    "delete records": Way(SHAPED, objects("delete")),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_parts_that_run_at_the_same_time_come_to_what_one_load_does(
    cdf: LocalCdf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Way
) -> None:
    monkeypatch.setattr(ndjson, "ROWS_AT_ONCE", 7)
    monkeypatch.setattr(batches, "MAX_RECORDS", 5)
    cdf.client.create_stream(WHOLE, "BasicArchive" if way.is_immutable else "BasicLiveData")
    in_parts = IMMUTABLE_STREAM if way.is_immutable else STREAM
    numbers = count()

    def load(rows: list[Row], stream: str, partition: str | None = None) -> Loaded:
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        rejected = folder / "rejected"
        more = {"max_rejected": 1.0, "rejected_path": rejected, "partition": partition}
        summary = way.run(CdfRecordsHook(max_concurrency=2), folder, rows, stream, more)
        said = map(json.loads, rejected.read_text().splitlines()) if rejected.exists() else ()
        return Loaded(summary, Counter((line["position"], line["message"]) for line in said))

    @settings(
        max_examples=3,  # each makes up to five loads
        phases=[Phase.generate],  # shrinking takes minutes
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(rows=way.rows, parts=st.sampled_from([2, 4]))
    def check(rows: list[Row], parts: int) -> None:
        if not way.is_immutable:
            for stream in (WHOLE, in_parts):
                cdf.upsert(stream, [a_record(name, value=1000) for name in "abcdefgh"])
        whole = load(rows, WHOLE)
        with ThreadPoolExecutor(parts) as pool:
            begun = [pool.submit(load, rows, in_parts, f"{part}/{parts}") for part in range(1, parts + 1)]
        done = [one.result() for one in begun]
        assert sum((one.numbers for one in done), Counter()) == whole.numbers
        assert sum((one.rejected for one in done), Counter()) == whole.rejected
        assert contents(cdf, in_parts) == contents(cdf, WHOLE)

    check()


CONVERSIONS = {
    "upsert": (SHAPED, UPSERT, None),
    "upsert mapped": (FLAT, UPSERT, MAPPING),
    "delete": (SHAPED, DELETE, None),
    "delete mapped": (FLAT, DELETE, MAPPING),
}


@pytest.mark.parametrize("as_objects", [False, True], ids=["JSON", "mappings"])
@pytest.mark.parametrize(("kind", "verb", "mapping"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_each_row_is_converted_by_one_part_however_each_of_them_cuts_chunks(
    kind: st.SearchStrategy[list[Row]], verb: Verb[Any], mapping: Any, as_objects: bool
) -> None:
    @settings(max_examples=30)
    @given(
        kind,
        st.lists(st.integers(1, 25), min_size=2, max_size=5),
        st.sets(st.integers(1, 59), max_size=3),
    )
    def check(rows: list[Row], sizes: list[int], as_rejected: set[int]) -> None:
        every: list[Any] = [rejected_line(row) if at in as_rejected else row for at, row in enumerate(rows)]
        if as_objects:
            every = list(map(decoded, every))
        whole = Outcome.of(every, len(every), verb, mapping, None)
        parts = [
            Outcome.of(every, size, verb, mapping, f"{number}/{len(sizes)}")
            for number, size in enumerate(sizes, start=1)
        ]
        assert sum((part.converted for part in parts), Counter()) == whole.converted
        assert sum((part.refused for part in parts), Counter()) == whole.refused

    check()


@dataclass(frozen=True)
class Outcome:
    """What becomes of rows, by their positions."""

    converted: Counter[tuple[int, str, bytes]]
    refused: Counter[tuple[int, str]]

    @classmethod
    def of(cls, rows: list[Any], size: int, verb: Verb[Any], mapping: Any, part: str | None) -> Outcome:
        """Convert rows in chunks of a size."""
        convert = Guarded(
            converter_for(
                None,  # type: ignore[arg-type]  # nothing is looked up
                verb,
                None if mapping is None else read_mapping(mapping),
                None,
                source=RecordsSource([]),
                resumed=None,
                partition=None if part is None else Partition.of(part),
                is_whole=False,
                stop=threading.Event(),
            )
        )
        converted: Counter[tuple[int, str, bytes]] = Counter()
        refused: Counter[tuple[int, str]] = Counter()
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            end = start + len(some)
            records = convert(Chunk(range(start, end), some, Mark(end - 1)))
            converted.update(zip(records.positions, records.identities, records.bodies[:], strict=True))
            refused.update((refusal.position, refusal.message) for refusal in records.refusals)
        return cls(converted, refused)


@dataclass(frozen=True)
class Loaded:
    """What a load of all rows or of one part said."""

    summary: Any
    rejected: Counter[tuple[int, str]]

    @property
    def numbers(self) -> Counter[str]:
        """The numbers that add up; how many are superseded depends on which rows are in one request."""
        said = self.summary
        return Counter(
            read=said.read,
            loaded=said.accepted + said.superseded,
            rejected=said.rejected,
            identities=said.identities,
        )


def contents(cdf: LocalCdf, stream: str) -> Counter[str]:
    return Counter(json.dumps(item, sort_keys=True) for item in cdf.items(stream))
