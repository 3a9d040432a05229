"""What is refused of API-shaped records before they are sent, compared with the local server."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server.checks.values import compile_check
from airflow_provider_cdf_records.mapping import ContainerId, SentProperties
from airflow_provider_cdf_records.records import api_shaped
from airflow_provider_cdf_records.records.api_shaped import ApiShaped
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, Records
from airflow_provider_cdf_records.records.record_shapes import traits_of
from tests.mapping.types.test_against_the_server import DEFINITIONS, directs, moments, numbers, texts
from tests.sample_records import CONTAINER, SPACE, a_record

PROPERTIES: dict[str, Any] = {
    "text": {"type": {"type": "text", "maxTextSize": 10}},
    "number": {"type": {"type": "int32"}},
    "time": {"type": {"type": "timestamp"}, "nullable": False},
    "level": {"type": {"type": "enum", "values": {"low": {}, "high": {}}}},
    "tags": {"type": {"type": "text", "list": True, "maxListSize": 2}},
    "small": {"type": {"type": "float32"}},
    "day": {"type": {"type": "date"}},
    "more": {"type": {"type": "json"}},
    "pump": {"type": {"type": "direct"}},
    "filled": {"type": {"type": "int64"}, "nullable": False, "defaultValue": 1},
    "counted": {"type": {"type": "int64"}, "nullable": False, "autoIncrement": True},
    "new": {"type": {"type": "not known yet"}},
}
TIME = "2026-01-02T03:04:05Z"
values = st.one_of(moments, texts, numbers, st.booleans(), directs, st.none())
any_value = st.one_of(values, st.lists(values, max_size=3), st.dictionaries(texts, values, max_size=2))


def checked(properties: dict[str, Any]) -> SentProperties:
    return SentProperties(ContainerId(SPACE, CONTAINER), properties)


def converted(rows: list[dict[str, Any]], check: SentProperties | None = None) -> Records:
    """Convert a chunk after one of good records, and find that the first chunk of a load gives the same."""
    check = check or checked(PROPERTIES)
    lines = [json.dumps(row).encode() for row in rows]
    chunk = Chunk(range(len(rows)), lines, Mark(len(rows)))
    convert = ApiShaped(value_check=lambda _: check)
    good = json.dumps(a_record("good", time=TIME)).encode()
    first = convert(chunk)
    for _ in range(2):
        convert(Chunk([0], [good], Mark(0)))
    later = convert(chunk)
    assert (first.identities, first.bodies, list(first.refusals)) == (later[1], later[2], list(later[4]))
    return later


def reasons(**properties: Any) -> str:
    records = converted([a_record("a", **{"time": TIME, **properties})])
    return "; ".join(refusal.message for refusal in records.refusals)


@given(st.sampled_from(DEFINITIONS), any_value)
@example({"type": "text", "maxTextSize": 6}, "snö ☃")
@example({"type": "text", "maxTextSize": 6}, "snö ☃x")
@example({"type": "json"}, ["x" * 50_000])
@example({"type": "json"}, "ø" * 20_600)
@example({"type": "timestamp"}, "2026-01-02 03:04:05")
@example({"type": "timestamp"}, "2024-02-29T03:04:05Z")
@example({"type": "int64"}, 1.0)
def test_what_is_refused_before_it_is_sent_is_refused_by_the_server(
    definition: dict[str, Any], value: Any
) -> None:
    try:
        line = msgspec.json.encode({"p": value})
    except UnicodeEncodeError:
        return
    check = checked({"p": {"type": definition}})
    problems = list(check.problems(msgspec.json.decode(line), "properties"))
    if problems:
        assert compile_check(definition, "p")(msgspec.json.decode(line)["p"])
    for text in (line, json.dumps({"p": value, "q": "2026-01-02 03"}).encode()):
        traits = traits_of(text, [text])
        kept = msgspec.json.encode({"p": value}) if text is line else json.dumps({"p": value}).encode()
        try:
            msgspec.json.decode(kept, type=check.properties_type(traits))
        except msgspec.ValidationError:
            continue
        assert not problems  # so what a record's neighbours are decides nothing


@given(st.lists(any_value, min_size=1, max_size=5))
def test_a_row_is_refused_or_not_whatever_stands_beside_it(given: list[Any]) -> None:
    rows = [a_record(str(number), time=TIME, text=value) for number, value in enumerate(given)]
    try:
        alone = [bool(converted([row]).refusals) for row in rows]
    except UnicodeEncodeError:
        return
    together = {refusal.position for refusal in converted(rows).refusals}
    assert together == {number for number, is_refused in enumerate(alone) if is_refused}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"number": "7"}, "sources[0].properties.number: expected int32, got '7'"),
        ({"number": 2**31}, "number: expected int32, got 2147483648 (out of the range of int32)"),
        ({"number": True}, "number: expected int32, got True"),
        ({"small": 1e39}, "small: expected float32, got 1e+39 (out of the range of float32)"),
        (
            {"text": "x" * 11},
            "text: expected text, got 'xxxxxxxxxxx' (must be at most 10 bytes of UTF-8, got 11)",
        ),
        ({"text": "øøøøøø"}, "(must be at most 10 bytes of UTF-8, got 12)"),
        ({"time": "2026-01-02 03:04:05"}, "time: expected timestamp, got '2026-01-02 03:04:05' (write it as"),
        ({"time": "2026-02-30T03:04:05Z"}, "time: expected timestamp, got '2026-02-30T03:04:05Z' (day"),
        ({"time": None}, "time: expected timestamp, got nothing, and it is not nullable"),
        ({"day": TIME}, "day: expected a date YYYY-MM-DD, got '2026-01-02T03:04:05Z'"),
        ({"level": "none"}, "level: expected one of high, low, got 'none'"),
        ({"tags": ["a", "b", "c"]}, "(must have at most 2 items, got 3)"),
        ({"tags": ["a", None]}, "(null is not allowed in a list)"),
        ({"tags": "a"}, "tags: expected text[], got 'a' (must be an array)"),
        ({"tags": [1]}, "tags: expected text[], got [1] (expected text, got 1)"),
        ({"pump": "a"}, "pump: expected a direct relation {space, externalId}, got 'a'"),
        (
            {"pump": {"space": "a"}},
            "pump: expected a direct relation {space, externalId}, got {'space': 'a'}",
        ),
        ({"more": "x" * 41_000}, "(must be at most 40,960 bytes of JSON, got 41,002)"),
        ({"other": 1}, "other: container plant/Alarm has no such property; it has 'text', 'number',"),
        (
            {"number": "7", "level": 1},
            "number: expected int32, got '7'; sources[0].properties.level: expected",
        ),
    ],
)
def test_a_value_that_the_property_does_not_take_is_refused_by_name(
    properties: dict[str, Any], reason: str
) -> None:
    assert reason in reasons(**properties)


@pytest.mark.parametrize(
    "properties",
    [
        {"text": None, "filled": None, "counted": None, "pump": None, "new": None},
        {"text": "øøøøø", "number": -(2**31), "small": 1, "level": "low", "tags": [], "day": "2024-02-29"},
        {
            "time": "2024-02-29T23:59:59.999+02:00",
            "more": {"a": [1, None, "2026-01-02 03:04"]},
            "new": [None],
        },
        {
            "time": "2026-01-02T03:04:05.123456Z",
            "number": 1.0,
            "pump": {"space": "", "externalId": "", "x": 1},
        },
    ],
)
def test_what_cdf_takes_or_may_take_passes(properties: dict[str, Any]) -> None:
    assert not reasons(**properties)


def test_the_good_records_beside_a_bad_one_keep_their_order() -> None:
    bad = {2, 5}
    rows = [a_record(str(n), time=TIME, number="x" if n in bad else n) for n in range(8)]
    records = converted(rows)
    assert list(records.positions) == [0, 1, 3, 4, 6, 7]
    assert records.identities == [f"plant/{n}" for n in (0, 1, 3, 4, 6, 7)]
    assert [refusal.position for refusal in records.refusals] == [2, 5]


def test_a_view_and_a_container_that_is_not_known_take_any_value() -> None:
    row = a_record("a", time=7)
    chunk = Chunk([0], [json.dumps(row).encode()], Mark(0))
    assert ApiShaped()(chunk).identities == ["plant/a"]
    row["sources"][0]["source"] = {"type": "view", "space": SPACE, "externalId": "V", "version": "1"}
    assert converted([row]).identities == ["plant/a"]


def test_a_wrong_value_is_told_with_what_else_is_wrong() -> None:
    records = converted([a_record("", time="now", number=1)])
    (refusal,) = records.refusals
    assert refusal.message.startswith(
        "externalId: expected 1 to 256 characters, got 0; sources[0].properties.time"
    )


@pytest.mark.parametrize(
    ("item", "count", "is_refused"),
    [("1e5", 9000, False), ("2.0", 10_400, False), ("-0.00001", 9000, True), ('"1e5"', 9000, True)],
)
def test_json_is_as_long_as_it_may_have_been_sent(item: str, count: int, is_refused: bool) -> None:
    good = json.dumps(a_record("a", time=TIME, more=[])).encode()
    row = good.replace(b"[]", f"[{','.join([item] * count)}]".encode())
    chunk = Chunk([0], [row], Mark(1))
    check = checked(PROPERTIES)
    first, later = ApiShaped(value_check=lambda _: check), ApiShaped(value_check=lambda _: check)
    later(Chunk([0], [good], Mark(1)))
    assert [bool(convert(chunk).refusals) for convert in (first, later)] == [is_refused, is_refused]


class CountedProperties(SentProperties):
    """Counts how many types for decoding are made."""

    made = 0

    def properties_type(self, *arguments: Any) -> Any:
        self.made += 1
        return super().properties_type(*arguments)


def test_records_of_many_kinds_are_checked_without_a_type_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    check = CountedProperties(ContainerId(SPACE, CONTAINER), PROPERTIES)
    rows = [
        a_record(str(n), time=TIME, number="x" if n % 7 == 0 else n) | {"space": f"s{n % 300}"}
        for n in range(900)
    ]
    chunk = Chunk(range(900), [json.dumps(row).encode() for row in rows], Mark(900))
    convert = ApiShaped(value_check=lambda _: check)
    for _ in range(3):
        records = convert(chunk)
        assert records.identities == [f"s{n % 300}/{n}" for n in range(900) if n % 7]
        assert all("number: expected int32, got 'x'" in refusal.message for refusal in records.refusals)
    assert check.made < 110
    monkeypatch.setattr(api_shaped, "MAX_DECODERS", 1000)
    alike = ApiShaped(value_check=lambda _: check)(chunk)
    assert (alike.identities, alike.bodies) == (records.identities, records.bodies)
    assert list(alike.refusals) == list(records.refusals)


class Ordered(SentProperties):
    """Remembers the names of the properties in the order in which a type for decoding has them."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.orders: list[list[str]] = []

    def properties_type(self, *arguments: Any) -> Any:
        made = super().properties_type(*arguments)
        self.orders.append([field.encode_name for field in msgspec.structs.fields(made)])
        return made


@pytest.mark.parametrize("most", [100, 0], ids=["records of few kinds", "records of many kinds"])
def test_records_are_decoded_in_the_order_in_which_they_have_their_properties(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(api_shaped, "MAX_DECODERS", most)
    check = Ordered(ContainerId(SPACE, CONTAINER), PROPERTIES)
    rows = [a_record(str(n), pump=None, time=TIME, number=n, text="a") for n in range(3)]
    rows[1]["space"] = "other"
    chunk = Chunk(range(3), [json.dumps(row).encode() for row in rows], Mark(3))
    convert = ApiShaped(value_check=lambda _: check)
    assert [convert(chunk).identities for _ in range(2)] == [["plant/0", "other/1", "plant/2"]] * 2
    first = ["pump", "time", "number", "text"]
    assert check.orders
    assert all(order == first + [name for name in PROPERTIES if name not in first] for order in check.orders)


@given(st.permutations(["text", "number", "time", "level", "day", "what"]), st.integers(0, 3))
def test_the_order_of_the_properties_decides_nothing(names: list[str], bad: int) -> None:
    good = {"text": "a", "number": 1, "time": TIME, "level": "low", "day": "2026-01-02"}
    rows = [
        a_record(str(n), **{name: good[name] for name in order if name in good})
        for n, order in enumerate([sorted(names), names, names[::-1], sorted(names)])
    ]
    more = {name: "not any" for name in names if name not in ("text", "time")}
    properties = rows[bad]["sources"][0]["properties"]
    rows[bad] = a_record(str(bad), **{name: (properties | more)[name] for name in names})
    records = converted(rows)
    assert records.identities == [f"plant/{n}" for n in range(4) if n != bad]
    (refusal,) = records.refusals
    assert refusal.position == bad
    assert all(f".properties.{name}: " in refusal.message for name in more)
    assert ".text: " not in refusal.message
