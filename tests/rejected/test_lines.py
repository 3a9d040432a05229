from __future__ import annotations

import json
import math
from datetime import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from airflow_provider_cdf_records.mapping.table import as_table
from airflow_provider_cdf_records.mapping.types import property_type
from airflow_provider_cdf_records.records.chunk import Chunk, Mark, RowContext
from airflow_provider_cdf_records.records.unreadable import Unreadable
from airflow_provider_cdf_records.rejected.lines import Owner, read_line, rejected_row, rejection_of
from tests.sample_records import a_record


def test_a_value_that_json_does_not_have_costs_only_itself() -> None:
    row = a_record("a", good=1.5, bad=math.nan, deep=[b"bytes", {"x": math.inf}], when=datetime(2026, 1, 2))
    line = json.loads(rejection_of("records[0]", 0, row, "no").as_line())
    assert line["externalId"] == "a"
    assert line["record"]["sources"][0]["properties"] == {
        "good": 1.5,
        "bad": "nan",
        "deep": ["bytes", {"x": "inf"}],
        "when": "2026-01-02T00:00:00.000Z",
    }
    table_row = (["P-1", math.nan], RowContext(("tag", "reading")))
    assert json.loads(rejection_of("row 1", 1, table_row, "no").as_line())["record"] == {
        "tag": "P-1",
        "reading": "nan",
    }


def test_a_line_names_the_row_and_the_reason() -> None:
    rejection = rejection_of("line 3", 3, a_record("a"), "no", status=400, request_id="r-1")
    assert str(rejection) == "line 3 (plant/a): CDF answered 400: no"
    line = json.loads(rejection.as_line())
    line.pop("time")
    assert line == {
        "position": 3,
        "where": "line 3",
        "space": "plant",
        "externalId": "a",
        "status": 400,
        "message": "no",
        "requestId": "r-1",
        "record": a_record("a"),
    }


def test_an_identity_that_is_no_text_is_written_as_far_as_it_can_be() -> None:
    line = json.loads(rejection_of("row 1", 1, {"id": 1}, "no", identity="plant/a/\ud800").as_line())
    assert (line["space"], line["externalId"]) == ("plant", "a/\\ud800")


def test_the_row_of_a_line_is_what_was_rejected() -> None:
    line = rejection_of("line 3", 3, b'{"n": 1e999}', "no").as_line()
    assert rejected_row(line) == b'{"n":1e999}'
    found = read_line(line)
    assert found is not None
    assert (found.position, found.task, found.run) == (3, None, None)
    assert read_line(line[:20]) is None


def test_a_line_names_the_task_and_loads_again_with_and_without_it() -> None:
    rejection = rejection_of("line 3", 3, a_record("a"), "no")
    owned, ownerless = rejection.as_line(Owner("plant/load[3]", "monthly")), rejection.as_line()
    assert json.loads(owned).keys() - json.loads(ownerless).keys() == {"task", "run"}
    assert json.loads(owned)["task"] == "plant/load[3]"
    for line in (owned, ownerless):
        assert json.loads(rejected_row(line)) == rejected_row(json.loads(line)) == a_record("a")


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (b'{"a": "\xff\xe9"}\n', r'{"a": "\xff\xe9"}'),
        (b"nonsense", "nonsense"),
        ("a text", "a text"),
        ((["x\udcff", "\ud800"], RowContext(("a", "b"))), {"a": r"x\xff", "b": r"\ud800"}),
        ({"a": ["\udc80"]}, {"a": [r"\x80"]}),
    ],
)
def test_bytes_that_are_no_text_are_shown_as_they_are(row: Any, shown: Any) -> None:
    assert json.loads(rejection_of("x", 1, row, "no \udcff").as_line())["record"] == shown


def test_texts_that_mean_null_are_null_in_a_line() -> None:
    context = RowContext(nulls=frozenset({"NULL"}))
    for row in (b'{"a": "NULL", "b": ["NULL", 1.10]}', {"a": "NULL", "b": ["NULL", Decimal("1.10")]}):
        line = rejection_of("x", 1, (row, context), "no").as_line()
        assert rejected_row(line) == b'{"a":null,"b":["NULL",1.10]}'
    assert json.loads(rejection_of("x", 1, (b"nonsense", context), "no").as_line())["record"] == "nonsense"


def sent(kind: str, value: Any) -> Any:
    if value is None or kind == "text":
        return value
    return float(value) if kind == "float64" else bytes(value)


@pytest.mark.parametrize("text", ["1.10", "123456789012345678.0", "1e16", "1E+500", "0.1", "7", "1e-7"])
@pytest.mark.parametrize("kind", ["text", "json", "float64"])
def test_a_number_of_a_rejected_row_makes_the_same_value_again(text: str, kind: str) -> None:
    def value(row: Any) -> tuple[list[Any], dict[int, str]]:
        table = as_table(Chunk([1], [row], Mark(1)), ["n"])
        return convert.column(table.column("n", exact=convert.needs_all_digits))

    convert = property_type({"type": kind})
    for row in (f'{{"n":{text}}}'.encode(), {"n": Decimal(text)}):
        again = rejected_row(rejection_of("x", 1, row, "no").as_line())
        (first,), problems = value(row)
        (second,), problems_again = value(again)
        assert sent(kind, first) == sent(kind, second)
        assert problems.keys() == problems_again.keys()


@pytest.mark.parametrize(
    "row",
    [b"", b"\xff", b'{"position":1}', b"[" * 100_000, a_record(), {}, 7, None, ([1], RowContext(("a",)))],
    ids=range(9),
)
def test_other_rows_are_no_lines(row: Any) -> None:
    assert rejected_row(row) is None


def again(row: Any) -> Any:
    """Return what is loaded of a row that was rejected."""
    return rejected_row(rejection_of("x", 1, row, "no").as_line())


@pytest.mark.parametrize(
    "value", [b"\xff", "a\ud800", math.inf, Unreadable("too late", 2**62), object()], ids=range(5)
)
def test_what_stands_for_a_value_that_json_does_not_have_is_no_value(value: Any) -> None:
    row = again({"id": "a", "v": value, "deep": [{"n": Decimal("1.10"), "v": value}]})
    for _ in range(2):  # also when it is rejected a second time
        assert (row["id"], row["deep"][0]["n"]) == ("a", Decimal("1.10"))
        assert isinstance(row["v"], Unreadable)
        assert isinstance(row["deep"][0]["v"], Unreadable)
        row = again(row)
    line = json.loads(rejection_of("x", 1, {"id": "a", "v": value}, "no").as_line())
    assert isinstance(rejected_row(line)["v"], Unreadable)


def test_a_corrected_text_is_a_value_again() -> None:
    line = rejection_of("x", 1, {"id": "a", "v": b"caf\xe9"}, "no").as_line()
    corrected = line.replace(
        rb'"record":{"id":"a","v":"caf\\xe9"}', '"record":{"id":"a","v":"café"}'.encode()
    )
    assert corrected != line
    assert rejected_row(corrected) == {"id": "a", "v": "café"}


def test_correcting_one_text_does_not_make_values_of_the_others() -> None:
    line = rejection_of("x", 1, {"v": [math.nan, {"a": math.nan}]}, "no").as_line()
    first, second = rejected_row(line.replace(b'"record":{"v":["nan"', b'"record":{"v":[1.5'))["v"]
    assert first == 1.5
    assert math.isnan(second["a"])


@pytest.mark.parametrize(
    "row", [{"v": math.nan}, {"v": pd.NaT}, {"v": pd.NA}, {"v": Decimal("nan")}, b'{"v": NaN}'], ids=range(5)
)
def test_what_is_not_a_number_is_none_again(row: Any) -> None:
    assert math.isnan(again(row)["v"])


def test_a_row_of_json_with_nan_keeps_its_other_values() -> None:
    row = again(b'{"id": "a", "n": 123456789012345678.0, "v": NaN, "w": "\\ud800"}')
    assert (row["id"], str(row["n"])) == ("a", "123456789012345678.0")
    assert isinstance(row["w"], Unreadable)
    nulled = again((b'{"id": "NA", "v": NaN}', RowContext(nulls=frozenset({"NA"}))))
    assert nulled["id"] is None


@pytest.mark.parametrize(
    ("values", "key"), [(["a", "b", "c"], "values without a column"), (["a"], "columns without a value")]
)
def test_a_row_with_too_many_or_too_few_values_names_the_key_to_remove(values: list[str], key: str) -> None:
    row = (values, RowContext(("tag", "note")))
    line = json.loads(rejection_of("row 1", 1, row, "must have 2 values").as_line())
    assert line["message"] == (
        f"must have 2 values; to load the row again, correct it, and remove its key {key!r}"
    )
    assert key in line["record"]
    again = json.loads(rejection_of("row 1", 1, line["record"], f"still has {key!r}").as_line())
    assert again["message"] == f"still has {key!r}"
    del line["record"][key]
    assert json.loads(rejection_of("row 1", 1, line["record"], "no").as_line())["message"] == "no"
