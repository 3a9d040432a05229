from __future__ import annotations

import json
import math
from collections import UserDict
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.api_record import to_record
from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Records
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError
from airflow_provider_cdf_records.records.record_shapes import Container
from airflow_provider_cdf_records.records.request import MAX_RECORD_BYTES
from tests.sample_records import a_record


def refusal(row: Any) -> str:
    with pytest.raises(InvalidRecordError) as refused:
        to_record(row)
    return str(refused.value)


def changed(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (a_record() | changes).items() if value is not ...}


def test_a_record_keeps_its_identity_and_fields() -> None:
    row = a_record("æ/1", text="snö ☃", number=1)
    record = to_record(row)
    assert record.identity == "plant/æ/1"
    assert json.loads(record.body) == row


def test_json_goes_out_as_it_came_in() -> None:
    line = json.dumps(a_record(), indent=1).encode()
    assert to_record(line).body == line


def test_any_mapping_is_a_record() -> None:
    row: Mapping[str, Any] = UserDict(a_record())
    assert to_record(row).identity == "plant/a"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(space=...), "space: is missing"),
        (changed(externalId=...), "externalId: is missing"),
        (changed(sources=...), "sources: is missing"),
        (
            changed(space="1st"),
            "space: expected a space: 1-43 letters, digits, '_' and '-', starting with a letter, got '1st'",
        ),
        (changed(space="plant\n"), "space: expected a space"),
        (changed(space="x" * 99), f"starting with a letter, got '{'x' * 80}...'"),
        (changed(space="system"), "space: 'system' is reserved by CDF"),
        (changed(space=None), "space: expected `str`, got `null`"),
        (changed(externalId=""), "externalId: expected 1 to 256 characters, got 0"),
        (changed(externalId="x" * 257), "externalId: expected 1 to 256 characters, got 257"),
        (changed(externalId="a\0b"), "externalId: must not hold a null byte"),
        (changed(externalId=7), "externalId: expected `str`, got `int`"),
        (changed(sources=[]), "sources: expected `array` of length >= 1"),
        (changed(sources=a_record()["sources"] * 101), "sources: expected `array` of length <= 100"),
        (changed(sources=[{"properties": {}}]), "sources[0].source: is missing"),
        ("plant", "expected a record (a dict), got str"),
        (b"[1]", "expected `object`, got `array`"),
        (b'{"space": "plant",', "not JSON: Input data was truncated"),
        (b"nonsense", "not JSON:"),
    ],
)
def test_a_wrong_shape_is_refused_by_the_fields_name(row: Any, message: str) -> None:
    assert message in refusal(row)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"type": "node", "space": "plant", "externalId": "A"}, "invalid value 'node'"),
        ({"type": "view", "space": "plant", "externalId": "A"}, "sources[0].source.version: is missing"),
        ({"type": "container", "space": "plant", "externalId": "A-1"}, "externalId: expected a name"),
        ({"type": "container", "space": "-", "externalId": "A"}, "space: expected a space"),
    ],
)
def test_a_wrong_source_is_refused(source: dict[str, str], message: str) -> None:
    assert message in refusal(changed(sources=[{"source": source, "properties": {}}]))


def test_a_view_is_a_source_too() -> None:
    view = {"type": "view", "space": "plant", "externalId": "V", "version": "1"}
    assert to_record(changed(sources=[{"source": view, "properties": {"x": 1}}]))


WRONG_PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "space": ({"space": "1st"}, "space: expected a space"),
    "externalId": ({"externalId": 7}, "externalId: expected `str`, got `int`"),
    "sources": ({"sources": None}, "sources: expected `array`, got `null`"),
    "no sources": ({"sources": ...}, "sources: is missing"),
    "a source": ({"sources": [a_record()["sources"][0], 5]}, "sources[1]: expected `object`, got `int`"),
    "a container": (
        {
            "sources": [
                {"source": {"type": "container", "space": "plant", "externalId": "A-1"}, "properties": 1}
            ]
        },
        "sources[0].source.externalId: expected a name: 1-255 letters, digits and '_', first a letter, last "
        "a letter or digit, got 'A-1'; sources[0].properties: expected `object`, got `int`",
    ),
}


@pytest.mark.parametrize(
    "parts", [*combinations(WRONG_PARTS, 2), *combinations(WRONG_PARTS, 3)], ids="+".join
)
def test_each_wrong_part_is_told(parts: tuple[str, ...]) -> None:
    changes: dict[str, Any] = {}
    for part in parts:
        changes |= WRONG_PARTS[part][0]
    told = refusal(changed(**changes)).split("; ")
    expected = [
        message
        for change, messages in WRONG_PARTS.values()
        if change.items() <= changes.items()
        for message in messages.split("; ")
    ]
    assert [message for message in expected if not any(one.startswith(message) for one in told)] == []
    assert len(told) == len(expected)


def test_each_value_that_json_does_not_have_is_told() -> None:
    assert refusal(a_record(a=math.nan, b=1, c=[1, math.inf], d=b"x")) == (
        "sources[0].properties.a: nan is not JSON (send None, or leave the property out); "
        "sources[0].properties.c[1]: inf is not JSON (send None, or leave the property out); "
        "sources[0].properties.d: a value of type bytes cannot be written as JSON (convert it first)"
    )


def test_of_many_problems_the_first_are_told_and_the_others_counted() -> None:
    message = refusal(a_record(**{f"p{number}": math.nan for number in range(1234)}))
    assert message.count("is not JSON") == 10
    assert message.startswith("sources[0].properties.p0: nan")
    assert message.endswith("; and 1,224 more")


def test_each_container_that_takes_no_records_is_told_with_what_else_is_wrong() -> None:
    row = a_record() | {"space": "1"}
    row["sources"] = [
        {"source": {"type": "container", "space": "plant", "externalId": name}, "properties": {}}
        for name in ("Gone", "Alarm", "Lost", "Gone")
    ]
    gone = {"Gone", "Lost"}
    convert = ApiShaped(lambda one: f"no container {one.externalId}" if one.externalId in gone else None)
    for space, expected in (("1", ["space: expected a space"]), ("plant", [])):
        [refused] = converted([row | {"space": space}], convert).refusals
        told = refused.message.split("; ")
        assert [one[: len("space: expected a space")] for one in told[: len(expected)]] == expected
        assert told[len(expected) :] == ["no container Gone", "no container Lost"]


@pytest.mark.parametrize("properties", [None, [], "x", 1])
def test_properties_must_be_an_object(properties: object) -> None:
    source = a_record()["sources"][0] | {"properties": properties}
    assert "sources[0].properties: expected `object`" in refusal(changed(sources=[source]))


def test_bytes_that_are_not_utf8_are_refused() -> None:
    line = json.dumps(a_record(text="é"), ensure_ascii=False).encode("latin-1")
    assert "not UTF-8" in refusal(line)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NaN", "nan is not JSON (send None, or leave the property out)"),
        ("[-Infinity]", "-inf is not JSON"),
        (r'"\ud800"', "surrogates not allowed"),
    ],
)
def test_what_a_line_holds_that_is_no_json_is_told_with_its_place(value: str, message: str) -> None:
    told = refusal(json.dumps(a_record(bad="?")).replace('"?"', value).encode())
    assert told.startswith("sources[0].properties.bad")
    assert message in told


def test_a_surplus_value_of_a_record_is_refused() -> None:
    assert "has 1 more value than columns" in refusal({**a_record(), None: ["x"]})
    assert to_record({**a_record("a"), None: [""]}).body == to_record(a_record("a")).body


def test_texts_that_mean_null_are_for_rows_with_a_mapping() -> None:
    with pytest.raises(InvalidArgumentError, match="null_values is for rows with a mapping"):
        ApiShaped()(Chunk([1], [json.dumps(a_record()).encode()], Mark(1), nulls=frozenset({"NULL"})))


def test_a_record_over_the_limit_of_a_request_is_refused() -> None:
    room = MAX_RECORD_BYTES - len(to_record(a_record(text="")).body)
    assert to_record(a_record(text="x" * room))
    assert "must be at most 9,999,988 bytes" in refusal(a_record(text="x" * (room + 1)))


@given(st.text(min_size=1, max_size=256).filter(lambda text: "\0" not in text))
def test_any_external_id_survives(external_id: str) -> None:
    try:
        external_id.encode()
    except UnicodeEncodeError:
        assert "externalId" in refusal(a_record(external_id))
    else:
        assert to_record(a_record(external_id)).identity == f"plant/{external_id}"


def converted(rows: list[Any], convert: ApiShaped | None = None) -> Records:
    """Convert a chunk as the first one, as one of known names, and after uniform ones: all the same."""
    convert = convert or ApiShaped()
    chunk = Chunk(range(10, 10 + len(rows)), rows, Mark(9 + len(rows)))
    good = Chunk([0], [json.dumps(a_record("uniform")).encode()], Mark(0))
    first, again = convert(chunk), convert(chunk)
    for _ in range(3):
        convert(good)
    results = [again, convert(chunk)]
    for other in results:
        assert list(first.positions) == list(other.positions)
        assert first[1:3] == other[1:3]
        assert list(first.refusals) == list(other.refusals)
    return results[-1]


def test_a_chunk_of_good_rows_is_taken_as_it_is() -> None:
    rows = [json.dumps(a_record(str(n), text="snö")).encode() for n in range(5)]
    records = converted(rows)
    assert list(records.positions) == [10, 11, 12, 13, 14]
    assert records.identities == [f"plant/{n}" for n in range(5)]
    assert records.bodies == rows
    assert records.request is not None
    assert json.loads(records.request) == {"items": [json.loads(row) for row in rows]}


BAD_LINES = {
    "not JSON": b'{"space": "plant",',
    "no UTF-8": json.dumps(a_record(text="\xe9"), ensure_ascii=False).encode("latin-1"),
    "null byte": json.dumps(a_record("a\0b")).encode(),
    "reserved space": json.dumps(a_record() | {"space": "system"}).encode(),
    "bad space": json.dumps(a_record() | {"space": "1"}).encode(),
    "bad container": json.dumps(a_record()).replace("Alarm", "A-1").encode(),
    "no object": json.dumps(
        a_record() | {"sources": [a_record()["sources"][0] | {"properties": []}]}
    ).encode(),
    "another space's container": json.dumps(a_record())
    .replace('"space": "plant", "externalId": "Al', '"space": "1", "externalId": "Al')
    .encode(),
    "twice a container": json.dumps(a_record() | {"sources": [*a_record()["sources"], {}]}).encode(),
    "too large": json.dumps(a_record(text="x" * MAX_RECORD_BYTES)).encode(),
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_one_bad_row_of_a_chunk_is_refused_and_the_others_stay(bad: bytes) -> None:
    good = [json.dumps(a_record(str(n))).encode() for n in range(4)]
    records = converted([*good[:2], bad, *good[2:]])
    assert records.bodies == good
    assert list(records.positions) == [10, 11, 13, 14]
    assert [(refusal.position, refusal.row) for refusal in records.refusals] == [(12, bad)]


def test_rows_of_a_table_are_no_records() -> None:
    with pytest.raises(InvalidArgumentError, match=r"need a mapping .* the columns are 'a', 'b'"):
        ApiShaped()(Chunk([1], [["x", "y"]], Mark(1), ("a", "b")))


def test_a_container_is_asked_about_once() -> None:
    asked: list[Container] = []

    def problem_with(container: Container) -> str | None:
        asked.append(container)
        return "no such container" if container.externalId == "Typo" else None

    typo = json.loads(json.dumps(a_record("typo")).replace("Alarm", "Typo"))
    records = converted([a_record("a"), typo, a_record("b"), typo], ApiShaped(problem_with))
    assert records.identities == ["plant/a", "plant/b"]
    assert [refusal.message for refusal in records.refusals] == ["no such container"] * 2
    assert asked == [Container("plant", "Alarm"), Container("plant", "Typo")]


def test_rows_of_another_container_or_space_than_those_before_are_taken_too() -> None:
    convert = ApiShaped()
    for name in ("Alarm", "Event", "Alarm"):
        for space in ("plant", "mill"):
            row = json.dumps(a_record("a") | {"space": space}).replace("Alarm", name).encode()
            for _ in range(3):
                records = convert(Chunk([0], [row], Mark(0)))
                assert (records.identities, records.bodies) == ([f"{space}/a"], [row])
