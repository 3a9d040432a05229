"""Columns of rows of any form: all digits of numbers, what means null, and rows that have no columns."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_cdf_records.mapping.table import Table, as_table
from airflow_provider_cdf_records.mapping.types import property_type
from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.records.encoding import encode_value
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.mapping.loading import NOT_KNOWN, SCHEMA, Loaded, mapping


def table(*rows: Any, wanted: list[str] | None = None) -> Table:
    return as_table(Chunk(range(len(rows)), list(rows), Mark(len(rows) - 1)), wanted)


FIELDS = ["n", "deep", "deep.n", "deep.t.m"]
WANTED = [FIELDS, None, [*FIELDS, 'not "a" field']]
of_each_kind = pytest.mark.parametrize("wanted", WANTED, ids=["fields", "any", "odd names"])


@of_each_kind
@pytest.mark.parametrize(
    "text",
    ["123456789012345678.0", "123456789012345679.0", "9007199254740993.0", "1.10", "0.1", "-0.0", "1e999"],
)
def test_an_exact_column_has_all_digits(wanted: list[str] | None, text: str) -> None:
    rows = table(f'{{"n": {text}}}'.encode(), b'{"n": 1}', b'{"n": NaN}', b"{}", wanted=wanted)
    first, second, third, fourth = rows.column("n", exact=True)
    assert str(first) == str(Decimal(text)) or repr(first) == text
    assert Decimal(text) == Decimal(str(first))
    assert (second, fourth) == (1, None)
    assert repr(third) == "nan"


@of_each_kind
def test_a_number_inside_of_a_value_has_all_digits_too(wanted: list[str] | None) -> None:
    row = b'{"deep": {"n": [1.10, 123456789012345678901234.5, 0.5], "t": "{\\"m\\": 1.10}"}}'
    deep = table(row, wanted=wanted)
    numbers = ["1.10", "123456789012345678901234.5", "0.5"]
    assert list(map(str, deep.column("deep", exact=True)[0]["n"])) == numbers
    assert list(map(str, deep.column("deep.n", exact=True)[0])) == numbers
    assert deep.column("deep.t.m", exact=True) == [Decimal("1.10")]
    assert str(deep.column("deep.t.m", exact=True)[0]) == "1.10"
    assert deep.column("deep.n") == [[1.1, 1.2345678901234568e23, 0.5]]


@of_each_kind
def test_a_column_that_need_not_be_exact_has_floats(wanted: list[str] | None) -> None:
    rows = table(b'{"n": 1.10}', b'{"n": 123456789012345678.0}', wanted=wanted)
    assert list(map(type, rows.column("n"))) == [float, float]


def test_a_number_is_a_text_and_an_id_as_people_write_it() -> None:
    texts = {
        "1e16": "10000000000000000",
        "1.10": "1.10",
        "1e-7": "0.0000001",
        "1E+500": "1E+500",
        "7.0": "7.0",
    }
    rows = table(*(f'{{"n": {text}}}'.encode() for text in texts), wanted=["n"])
    values, problems = property_type({"type": "text"}).column(rows.column("n", exact=True))
    assert not problems
    assert values == list(texts.values())


NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
@example(["1e999", "-0", "1e-999", "1.0E5"])
def test_any_number_arrives_in_json_with_its_value(numbers: list[str]) -> None:
    row = f'{{"deep": [{", ".join(numbers)}]}}'.encode()
    (deep,) = table(row, wanted=["deep"]).column("deep", exact=True)
    if any(abs(Decimal(number)) > Decimal(10) ** 308 for number in numbers):
        return
    arrived = json.loads(encode_value(deep), parse_float=Decimal, parse_int=Decimal)
    assert arrived == list(map(Decimal, numbers))


@pytest.mark.parametrize("exponent", ["9" * 20, f"-{'9' * 20}"])
def test_an_exponent_that_no_number_has_costs_only_its_row(exponent: str) -> None:
    rows = table(f'{{"n": 1e{exponent}}}'.encode(), b'{"n": 1}', wanted=["n"])
    assert [value for value in rows.column("n", exact=True) if value == 1] == [1]
    assert len(rows.rows) + len(rows.refusals) == 2


@pytest.mark.parametrize(
    "other", [b'{"k\xff": 1}', b'{"k": "\xff"}', b'{"k": 1e999}', b'{"k": "\\ud800"}', b'{"\\ud800": 1}']
)
def test_the_names_of_columns_are_found_whatever_is_in_them(other: bytes) -> None:
    rows = table(b'{"n": 1}', other, b'{"m": [' + b"9" * 5000 + b"]}", wanted=["n"])
    assert {"n", "m"} <= set(rows.names())


# What means null


@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
@pytest.mark.parametrize("properties", [{"text": "text", "value": "deep.n"}, {"value": "deep.n", "*": "*"}])
def test_null_values_are_nulls_in_columns_and_paths(tmp_path: Path, name: str, properties: Any) -> None:
    rows: list[Any] = [
        {"id": "a", "text": "NULL", "deep": {"n": "-"}},
        {"id": "b", "text": "", "deep": {"n": "1.5"}},
        {"id": "c", "text": None, "deep": None},
    ]
    text = json.dumps(rows) if name == "a.json" else "\n".join(map(json.dumps, rows))
    (tmp_path / name).write_text(text)
    source = FileSource(tmp_path / name, file_options={"null_values": ["NULL", "-"]})
    loaded = Loaded(source, mapping(properties), NOT_KNOWN)
    found = [
        {name: value for name, value in record.items() if name != "deep"} for record in loaded.properties()
    ]
    assert found == [{}, {"text": "", "value": "1.5"}, {}]


def test_null_values_are_nulls_in_a_rejected_file(tmp_path: Path) -> None:
    content = b'{"id": "a", "text": "NULL", "level": "worst", "any": {"n": 1.10}}\n'
    (tmp_path / "a.ndjson").write_bytes(content)
    source = FileSource(tmp_path / "a.ndjson", file_options={"null_values": ["NULL"]})
    (refused,) = Loaded(source, mapping({"text": "text", "level": "level"})).refusals
    line = rejection_of("x", *refused[:3]).as_line()
    assert b'"record":{"id":"a","text":null,"level":"worst","any":{"n":1.10}}' in line
    (tmp_path / "rejected.ndjson").write_bytes(line)
    assert Loaded(FileSource(tmp_path / "rejected.ndjson"), mapping({"text": "text"})).properties() == [{}]
    again = FileSource(tmp_path / "rejected.ndjson", file_options={"null_values": ["NULL"]})
    assert Loaded(again, mapping({"text": "text"})).properties() == [{}]


# Rows from csv.DictReader


def dict_rows(text: str) -> list[Any]:
    return list(csv.DictReader(io.StringIO(text)))


def test_surplus_values_of_a_row_are_refused_and_have_to_be_corrected(tmp_path: Path) -> None:
    rows = dict_rows("id,text\na,x\nb,y,7,z\nc,w,,\n")
    loaded = Loaded(RecordsSource(rows), mapping({"text": "text"}))
    assert loaded.identities == ["plant/a", "plant/c"]
    assert loaded.messages() == {
        1: "has 2 more values than columns (under the key None, as csv.DictReader has it): '7', 'z'"
    }
    line = rejection_of("x", *loaded.refusals[0][:3]).as_line()
    (tmp_path / "rejected.ndjson").write_bytes(line)
    again = Loaded(FileSource(tmp_path / "rejected.ndjson"), mapping({"text": "text"}))
    assert "still has 'values without a column'" in again.messages()[1]


def test_a_star_takes_no_surplus_values() -> None:
    loaded = Loaded(RecordsSource(dict_rows("id,text\nb,y,7\nc,w,\n")), mapping("*"))
    assert loaded.properties() == [{"text": "w"}]
    assert [*loaded.messages()] == [0]


@pytest.mark.parametrize("key", [7, ("a", "b"), b"id", 1.5])
def test_a_key_that_is_no_text_is_refused(key: Any) -> None:
    loaded = Loaded(RecordsSource([{"id": "a"}, {"id": "b", key: "x"}]), mapping({}), SCHEMA)
    assert loaded.identities == ["plant/a"]
    assert loaded.messages() == {1: f"the keys of a row must be texts, got {key!r} ({type(key).__name__})"}
