from __future__ import annotations

import json
from collections import UserDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Records, Refusal, RowContext
from airflow_provider_cdf_records.records.deletions import records_to_delete
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import (
    InvalidRecordError,
    check_external_id,
    check_space,
)
from airflow_provider_cdf_records.rejected.lines import rejection_of
from tests.sample_records import TOO_DEEP, a_record


def converted(rows: list[Any], **more: Any) -> Records:
    return records_to_delete(Chunk(range(10, 10 + len(rows)), rows, Mark(9 + len(rows)), **more))


def as_json(row: Any) -> bytes:
    return json.dumps(row).encode()


ID = {"space": "plant", "externalId": "a"}
ROWS = {
    "an id": ID,
    "a record": a_record("a"),
    "a rejected record": json.loads(rejection_of("line 3", 3, a_record("a"), "no").as_line()),
    "a key that is no text": ID | {1: 2},
    "JSON of an id": as_json(ID),
    "JSON of a record": as_json(a_record("a")),
    "a line of a rejected-records file": rejection_of("line 3", 3, a_record("a"), "no").as_line(),
    "JSON with other keys that are not UTF-8": as_json(ID | {"text": "?"}).replace(b"?", b"\xff"),
    "another mapping": UserDict(ID),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_of_a_row_only_space_and_external_id_count(row: Any) -> None:
    records = converted([row])
    assert list(records.positions) == [10]
    assert records.identities == ["plant/a"]
    assert records.bodies == [b'{"space":"plant","externalId":"a"}']
    assert records.rows == [row]


def test_rows_of_any_kind_may_be_mixed() -> None:
    records = converted(list(ROWS.values()))
    assert records.identities == ["plant/a"] * len(ROWS)
    assert records.rows == list(ROWS.values())


BAD_ROWS = {
    "space: expected `str`, got `null`": ID | {"space": None},
    "space: is missing": {"externalId": "a"},
    "externalId: is missing": {"space": "plant"},
    "space: expected `str`, got `int`; externalId: is missing": {"space": 5},
    "space: 'node' is reserved by CDF; externalId: expected 1 to 256 characters, got 0": {
        "space": "node",
        "externalId": "",
    },
    "space: 'edge' is reserved": as_json({"space": "edge", "externalId": "a", "?": 1}).replace(b"?", b"\xff"),
    "externalId: expected `str`, got `int`": ID | {"externalId": 7},
    "space: expected a space": ID | {"space": "1"},
    "space: 'system' is reserved by CDF": ID | {"space": "system"},
    "externalId: expected 1 to 256 characters, got 0": ID | {"externalId": ""},
    "externalId: expected 1 to 256 characters, got 257": ID | {"externalId": "x" * 257},
    "externalId: must not hold a null byte": ID | {"externalId": "a\0b"},
    "not JSON: 'utf-8' codec": b'{"space": "plant", "externalId": "\xff"}',
    "not JSON: Input data was truncated": b'{"space": "plant"',
    "not JSON: nested too deeply": b'{"text": ' + b"[" * TOO_DEEP,
    "externalId: 'utf-8' codec": ID | {"externalId": "\ud800"},
    "expected a record's space and externalId (a dict), got int": 7,
}


@pytest.mark.parametrize(("message", "row"), BAD_ROWS.items(), ids=BAD_ROWS.keys())
@pytest.mark.parametrize("good", [ID, as_json(ID)], ids=["mapping", "JSON"])
def test_a_bad_row_is_refused_and_the_others_stay(message: str, row: Any, good: Any) -> None:
    records = converted([good, row, good])
    assert list(records.positions) == [10, 12]
    assert records.identities == ["plant/a"] * 2
    assert records.rows == [good, good]
    [refusal] = records.refusals
    assert refusal[:2] == (11, row)
    assert refusal.message.startswith(message)


def test_refusals_of_the_source_stay() -> None:
    refusal = Refusal(9, b"?", "unreadable")
    assert converted([ID], refusals=[refusal]).refusals == [refusal]
    assert converted([7], refusals=[refusal]).refusals[0] == refusal


def test_an_empty_chunk_is_no_records() -> None:
    assert converted([]).bodies == []


def test_a_table_with_both_columns_needs_no_mapping() -> None:
    columns, nulls = ("text", "externalId", "space"), frozenset({"NULL"})
    rows = [["x", "a", "plant"], ["y", "NULL", "plant"], ["NULL", "c", "plant"]]
    records = converted(rows, columns=columns, nulls=nulls)
    assert records.identities == ["plant/a", "plant/c"]
    context = RowContext(columns, nulls)
    assert records.rows == [(rows[0], context), (rows[2], context)]
    assert records.refusals == [
        Refusal(11, (rows[1], context), "externalId: expected `str`, got `null`"),
    ]


def test_texts_that_mean_null_are_no_identities() -> None:
    nulls = frozenset({"NULL"})
    rows = [ID, as_json(ID), ID | {"externalId": "NULL"}, as_json(ID | {"space": "NULL"}), b"nonsense"]
    records = converted(rows, nulls=nulls)
    assert records.identities == ["plant/a"] * 2
    assert [refusal.message[:40] for refusal in records.refusals] == [
        "externalId: expected `str`, got `null`",
        "space: expected `str`, got `null`",
        "not JSON: JSON is malformed: invalid cha",
    ]


def test_a_table_without_both_columns_is_an_invalid_argument() -> None:
    with pytest.raises(InvalidArgumentError, match=r"'space' and 'externalId', .* 'id', 'space'"):
        converted([["a", "plant"]], columns=("id", "space"))


ids = st.fixed_dictionaries(
    {},
    optional={
        "space": st.sampled_from(["plant", "mill", "system", "1", "", None]),
        "externalId": st.text(max_size=3) | st.sampled_from(["x" * 256, "x" * 257]) | st.integers(),
        "more": st.text(max_size=3),
    },
)


def is_good(row: dict[str, Any]) -> bool:
    try:
        check_space(row["space"] or "")
        check_external_id(row["externalId"])
        row["externalId"].encode()
    except (InvalidRecordError, KeyError, TypeError, UnicodeEncodeError):
        return False
    return True


@given(st.lists(ids), st.sampled_from([dict, as_json, UserDict]))
def test_every_row_is_a_record_or_a_refusal(rows: list[dict[str, Any]], kind: Any) -> None:
    sent = [kind(row) for row in rows]
    records = converted(sent)
    good = [number for number, row in enumerate(rows) if is_good(row)]
    bad = [number for number, row in enumerate(rows) if not is_good(row)]
    assert [position - 10 for position in records.positions] == good
    assert [refusal.position - 10 for refusal in records.refusals] == bad
    assert [json.loads(body) for body in records.bodies] == [
        {"space": rows[number]["space"], "externalId": rows[number]["externalId"]} for number in good
    ]
    assert records.identities == [f"{rows[n]['space']}/{rows[n]['externalId']}" for n in good]
    assert records.rows == [sent[number] for number in good]
    assert [refusal.row for refusal in records.refusals] == [sent[number] for number in bad]


def test_a_column_of_the_identity_that_is_there_twice_is_refused() -> None:
    chunk = Chunk(range(1, 2), [["plant", "a", "b"]], Mark(1), ("space", "externalId", "externalId"))
    with pytest.raises(InvalidArgumentError, match="have column 'externalId' more than once"):
        records_to_delete(chunk)
