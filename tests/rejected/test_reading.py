"""Rejected rows are taken out of their lines, and converted like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.chunk import (
    WITHOUT_A_NAME,
    WITHOUT_A_VALUE,
    Chunk,
    Mark,
    Records,
    RowContext,
)
from airflow_provider_cdf_records.rejected.lines import Owner, rejection_of
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected
from tests.sample_records import a_record

HINT = "(a rejected row of a load with a mapping needs that mapping again)"


def line(row: Any) -> bytes:
    return rejection_of("line 3", 3, row, "no", status=400).as_line()


def as_json(row: Any) -> bytes:
    return json.dumps(row, separators=(",", ":")).encode()


def a_chunk(rows: list[Any]) -> Chunk:
    return Chunk(range(10, 10 + len(rows)), rows, Mark(9 + len(rows)))


def converted(rows: list[Any], *, has_mapping: bool = False) -> Records:
    return UnwrapRejected(ApiShaped(), has_mapping=has_mapping)(a_chunk(rows))


class Counting:
    """A converter that keeps the chunks that it gets."""

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self._convert = ApiShaped()

    def __call__(self, chunk: Chunk) -> Records:
        self.chunks.append(chunk)
        return self._convert(chunk)


def test_a_line_is_its_row() -> None:
    records = converted([line(a_record("inner"))])
    assert records.identities == ["plant/inner"]
    assert json.loads(records.rows[0]) == a_record("inner")


def test_a_line_of_a_line_is_its_innermost_row() -> None:
    assert converted([line(line(a_record("inner")))]).identities == ["plant/inner"]


@pytest.mark.parametrize("decode", [bytes, json.loads], ids=["JSON", "mapping"])
@pytest.mark.parametrize("lines", [(0,), (4,), (2,), (1, 3), range(5)])
def test_lines_and_other_rows_may_be_mixed(lines: list[int], decode: Callable[[bytes], Any]) -> None:
    bad = {"tag": "P-1"}
    rows = [decode(line(a_record(f"{n}")) if n in lines else as_json(a_record(f"{n}"))) for n in range(5)]
    records = converted([*rows[:2], as_json(bad), *rows[2:], as_json(a_record("last"))])
    assert records.identities == [*(f"plant/{n}" for n in range(5)), "plant/last"]
    assert list(records.positions) == [10, 11, 13, 14, 15, 16]
    assert [(refusal.position, refusal.row) for refusal in records.refusals] == [(12, as_json(bad))]


def test_rows_that_are_no_lines_are_converted_once() -> None:
    convert = Counting()
    chunk = a_chunk([as_json(a_record()), as_json({"tag": "P-1"}), as_json(a_record())])
    UnwrapRejected(convert, has_mapping=False)(chunk)
    assert convert.chunks == [chunk]
    assert not chunk.is_retried


def test_a_chunk_of_lines_is_converted_once_as_one_that_is_retried() -> None:
    convert = Counting()
    UnwrapRejected(convert, has_mapping=False)(a_chunk([line(a_record("a")), line(a_record("b"))]))
    [chunk] = convert.chunks
    assert chunk.is_retried
    assert list(map(json.loads, chunk.rows)) == [a_record("a"), a_record("b")]


def test_rows_of_a_table_are_left_alone() -> None:
    chunk = Chunk([1], [["x", "y"]], Mark(1), ("a", "b"))
    nothing = Records([], [], [], [])
    assert UnwrapRejected(lambda _: nothing, has_mapping=True)(chunk) is nothing


def test_a_row_that_is_still_wrong_asks_for_its_mapping_and_is_kept_without_its_line() -> None:
    row = as_json({"tag": "P-1"})
    rows = [line(row), row]
    first, second = converted(rows).refusals
    problems = "space: is missing; externalId: is missing; sources: is missing"
    assert first[:3] == (10, row, f"{problems} {HINT}")
    assert second[:3] == (11, row, problems)
    with_mapping, _ = converted(rows, has_mapping=True).refusals
    assert with_mapping[:3] == (10, row, problems)


@pytest.mark.parametrize("decode", [bytes, json.loads], ids=["JSON", "mapping"])
def test_a_row_that_was_no_json_is_the_same_text_in_the_next_file(decode: Callable[[bytes], Any]) -> None:
    [refusal] = converted([decode(line(b"nonsense"))]).refusals
    assert json.loads(line(refusal.row))["record"] == "nonsense"


@pytest.mark.parametrize("decode", [bytes, json.loads], ids=["JSON", "mapping"])
def test_a_row_that_was_no_json_can_be_mended_in_its_text(decode: Callable[[bytes], Any]) -> None:
    row = as_json(a_record("a"))
    rejected = line(row[:-1])
    assert isinstance(json.loads(rejected)["record"], str)
    mended = json.dumps(json.loads(rejected) | {"record": row.decode()}).encode()
    assert converted([decode(mended)]).identities == ["plant/a"]
    [refusal] = converted([decode(rejected)]).refusals
    assert refusal.message.startswith("not JSON: ")
    assert json.loads(line(refusal.row))["record"] == row[:-1].decode()


@pytest.mark.parametrize("decode", [bytes, json.loads], ids=["JSON", "mapping"])
@pytest.mark.parametrize(("values", "key"), [(["P-1", "7", "8"], WITHOUT_A_NAME), (["P-1"], WITHOUT_A_VALUE)])
def test_a_row_of_the_wrong_number_of_values_has_to_be_corrected(
    values: list[str], key: str, decode: Callable[[bytes], Any]
) -> None:
    rejected = decode(line((values, RowContext(("tag", "reading")))))
    [refusal] = converted([rejected], has_mapping=True).refusals
    assert refusal.message == f"still has {key!r}: correct the row, and remove that key"


def test_the_words_of_such_a_key_may_be_in_a_value() -> None:
    row = a_record("a", text=WITHOUT_A_NAME, note=f'"{WITHOUT_A_VALUE}"')
    assert converted([line(row)]).identities == ["plant/a"]


BAD_ROWS = [
    b"",
    b'{"position": "\xff"}',
    line(a_record())[:-20],
    line(a_record("\xe9")).decode().encode("latin-1"),
    line(a_record()).replace(b'"no"', b'"\xff"'),
    line(a_record()).replace(b'"record":', b'"record":' + b"[" * 100_000),
]


@pytest.mark.parametrize("bad", BAD_ROWS, ids=["empty", "not UTF-8", "half", "latin-1", "message", "deep"])
def test_a_broken_line_is_a_refusal(bad: bytes) -> None:
    records = converted([line(a_record("a")), bad, line(a_record("b"))])
    assert records.identities == ["plant/a", "plant/b"]
    assert [refusal.position for refusal in records.refusals] == [11]
    assert [refusal.position for refusal in converted([bad]).refusals] == [10]


ROWS = [a_record("a"), a_record("a", text="snö"), {"tag": "P-1"}, {WITHOUT_A_NAME: [1]}, "text", None, [1]]


@given(st.lists(st.tuples(st.sampled_from(ROWS), st.booleans())))
def test_no_row_is_lost(rows: list[tuple[Any, bool]]) -> None:
    records = converted([line(as_json(row)) if is_line else as_json(row) for row, is_line in rows])
    positions = [*records.positions, *(refusal.position for refusal in records.refusals)]
    assert sorted(positions) == list(range(10, 10 + len(rows)))
    by_position = dict(
        zip(positions, [*records.rows, *(refusal.row for refusal in records.refusals)], strict=True)
    )
    assert [json.loads(by_position[n]) for n in sorted(by_position)] == [row for row, _ in rows]


def test_a_row_that_could_not_be_read_says_what_to_put_in_its_place() -> None:
    def convert(chunk: Chunk) -> Records:
        return Records([], [], [], [])

    [refusal] = UnwrapRejected(convert, has_mapping=True)(a_chunk([line(b'a,"x')])).refusals
    assert "could not be read, and stands here as a text: put an object" in refusal.message


# Lines that are not in the order of their source


def warnings_of(caplog: pytest.LogCaptureFixture, *chunks: list[tuple[int, Owner | None]], **how: Any) -> int:
    """Return how many warnings there are for chunks of lines, each with its position and owner."""
    decode = how.get("decode", bytes)
    convert = UnwrapRejected(ApiShaped(), has_mapping=False)
    start = 0
    for chunk in chunks:
        rows = [
            decode(rejection_of("there", position, a_record(str(position)), "no").as_line(owner))
            for position, owner in chunk
        ]
        convert(Chunk(range(start, start + len(rows)), rows, Mark(start + len(rows) - 1)))
        start += len(rows)
    return caplog.text.count("not in the order of the source")


MONDAY, TUESDAY = Owner("plant/load", "monday"), Owner("plant/load", "tuesday")


@pytest.mark.parametrize("decode", [bytes, json.loads], ids=["JSON", "mapping"])
def test_lines_that_a_killed_load_left_in_no_order_are_warned_of_once(
    caplog: pytest.LogCaptureFixture, decode: Callable[[bytes], Any]
) -> None:
    chunks = [(3, MONDAY), (5, MONDAY)], [(4, MONDAY), (9, MONDAY), (6, MONDAY)]
    assert warnings_of(caplog, *chunks, decode=decode) == 1
    assert "position 4 is after 5" in caplog.text


def test_lines_in_order_are_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of(caplog, [(3, None), (5, None)], [(5, None), (9, None)]) == 0


def test_each_load_has_an_order_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    assert warnings_of(caplog, [(3, MONDAY), (5, MONDAY), (1, TUESDAY), (4, TUESDAY)]) == 0


def test_a_chunk_that_is_converted_again_is_not_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    convert = UnwrapRejected(ApiShaped(), has_mapping=False)
    rows = [rejection_of("there", position, a_record("a"), "no").as_line() for position in (3, 4)]
    for _ in range(2):
        convert(a_chunk(rows))
    assert not caplog.text
