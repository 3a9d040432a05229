"""Which columns of the rows a mapping takes, and which it misses."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from airflow_provider_cdf_records.mapping.row_mapping import RowMapping
from airflow_provider_cdf_records.mapping.schema import Schema
from airflow_provider_cdf_records.mapping.spec import read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.mapping.loading import (
    NOT_KNOWN,
    SCHEMA,
    Identified,
    Loaded,
    Rows,
    Shape,
    container,
    every_kind,
    every_nested_kind,
    mapping,
)


@every_kind
@pytest.mark.parametrize("schema", [SCHEMA, NOT_KNOWN], ids=["known", "not known"])
def test_a_star_stands_for_all_columns_that_are_not_named(
    tmp_path: Path, kind: Shape, schema: Schema
) -> None:
    rows = [{"id": "a", "reading": "x", "text": "t", "level": "low"}]
    loaded = Loaded(kind(tmp_path, rows), mapping("*", external_id="{id}-{reading}"), schema)
    assert loaded.properties() == [{"text": "t", "level": "low"}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"any": "reading", "*": "*"}), schema)
    assert loaded.properties() == [{"any": "x", "text": "t", "level": "low"}]


@every_kind
def test_a_named_property_comes_before_a_column_of_its_name(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "reading": "x", "text": "other"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "reading", "*": "*"})).properties() == [
        {"text": "x"}
    ]


@every_kind
def test_a_star_goes_on_through_all_chunks(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": str(n), "text": str(n), "level": "low"} for n in range(2500)]
    loaded = Loaded(kind(tmp_path, rows), mapping({"any": "level", "*": "*"}))
    assert loaded.properties() == [{"any": "low", "text": str(n)} for n in range(2500)]


@every_nested_kind
def test_a_star_takes_what_each_row_has(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "text": "t"}, {"id": "b", "number": 5}, {"id": "c"}]
    assert Loaded(kind(tmp_path, rows), mapping("*")).properties() == [{"text": "t"}, {"number": 5}, {}]


@every_nested_kind
def test_a_path_leads_into_nested_columns(tmp_path: Path, kind: Shape) -> None:
    rows = [
        {"id": "a", "pump": {"name": "p", "deep": {"n": 1}}},
        {"id": "b", "pump": {"deep": None}},
        {"id": "c", "pump": None},
    ]
    spec = mapping({"text": "pump.name", "number": "pump.deep.n"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"text": "p", "number": 1}, {}, {}]
    spec = mapping({"text": {"format": "<{pump.name}>"}}, external_id="{id}-{pump.deep.n}")
    assert Loaded(kind(tmp_path, rows[:1]), spec).records[0]["externalId"] == "a-1"


@every_kind
def test_a_path_leads_into_a_text_that_holds_an_object(tmp_path: Path, kind: Shape) -> None:
    pumps = ['{"name": "p", "deep": "{\\"n\\": 1}"}', "{}", ""]
    rows = [{"id": f"r{number}", "pump": pump} for number, pump in enumerate(pumps)]
    spec = mapping({"text": "pump.name", "number": "pump.deep.n"})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{"text": "p", "number": 1}, {}, {}]


@every_kind
@pytest.mark.parametrize("pump", ["text", '{"name": ', '["name"]'])
@pytest.mark.parametrize(
    "spec",
    [
        mapping({"text": "pump.name"}),
        mapping({"any": "pump.name"}),
        mapping({"number": "pump.name"}),
        mapping({"text": {"format": "<{pump.name}>"}}),
        mapping({}, external_id="{id}{pump.name}"),
    ],
)
def test_a_path_into_a_value_that_is_no_object_rejects_the_row(
    tmp_path: Path, kind: Shape, spec: Any, pump: str
) -> None:
    rows = [{"id": "a", "pump": '{"name": "1"}'}, {"id": "b", "pump": pump}]
    loaded = Loaded(kind(tmp_path, rows), spec)
    assert len(loaded.records) == 1
    [message] = loaded.messages().values()
    assert f"expected an object with 'name', got {pump!r}" in message


@every_nested_kind
def test_a_path_into_a_number_or_a_list_rejects_the_row(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": f"r{number}", "pump": pump} for number, pump in enumerate([5, [{"name": "p"}], True])]
    loaded = Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"}))
    assert next(iter(loaded.messages().values())).endswith("expected an object with 'name', got 5")
    assert len(loaded.messages()) == 3


@every_nested_kind
def test_an_empty_value_in_place_of_an_object_is_none(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": f"r{number}", "pump": pump} for number, pump in enumerate(["", " ", [], "n/a"])]
    spec = mapping({"text": {"column": "pump.name", "null_values": ["n/a"]}})
    assert Loaded(kind(tmp_path, rows), spec).properties() == [{}, {}, {}, {}]


@every_nested_kind
def test_a_column_named_as_a_path_comes_before_the_path_even_if_it_is_null(
    tmp_path: Path, kind: Shape
) -> None:
    rows = [{"id": "a", "pump": "text", "pump.name": None}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"})).properties() == [{}]


@every_nested_kind
def test_a_name_with_a_dot_and_a_path_may_stand_side_by_side(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump.name": "p"}, {"id": "b", "pump": {"name": "q"}}]
    loaded = Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"}))
    assert loaded.properties() == [{"text": "p"}, {"text": "q"}]


@every_kind
def test_a_column_may_have_a_dot_in_its_name(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a", "pump.name": "p", "pump": "q"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "pump.name"})).properties() == [{"text": "p"}]


@every_kind
@pytest.mark.parametrize("name", ['the "best" column', "back\\slash", "new\nline", "snö ☃", "a b", "*", "c0"])
def test_a_column_may_have_any_name(tmp_path: Path, kind: Shape, name: str) -> None:
    rows = [{"id": "a", name: "x"}, {"id": "b", name: "y"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": name})).properties() == [
        {"text": "x"},
        {"text": "y"},
    ]


@every_kind
@pytest.mark.parametrize(
    ("spec", "column"),
    [
        (mapping({"text": "tag"}), "tag"),
        (mapping({"text": "tag.name"}), "tag.name"),
        (mapping({"text": {"format": "{tag}"}}), "tag"),
        (mapping({}, external_id="{tag}"), "tag"),
        (mapping({"*": "*", "text": "tag"}), "tag"),
    ],
)
def test_a_missing_column_is_reported_with_those_that_the_rows_have(
    tmp_path: Path, kind: Shape, spec: dict[str, Any], column: str
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        Loaded(kind(tmp_path, [{"id": "a", "Tag": "x"}, {"id": "b", "Tag": "y"}]), spec)
    said = f"mapping: the rows have no column {column!r}; they have 'id', 'Tag'."
    said += " Did you mean 'Tag'?" if column == "tag" else ""
    hint = f" If only some rows have it, map {{'column': {column!r}, 'optional': true}}."
    assert str(refused.value) in (said, said + hint)


@every_nested_kind
def test_an_optional_column_may_come_late(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": f"r{number}"} for number in range(1500)]
    rows[-1]["tag"] = "late"
    with pytest.raises(InvalidArgumentError, match=r"If only some rows have it, map .*'optional': true"):
        Loaded(kind(tmp_path, rows), mapping({"text": "tag"}))
    loaded = Loaded(kind(tmp_path, rows), mapping({"text": {"column": "tag", "optional": True}}))
    assert loaded.properties()[-2:] == [{}, {"text": "late"}]


def test_in_the_middle_of_a_source_rows_need_not_have_all_columns() -> None:
    convert = RowMapping(read_mapping(mapping({"text": "tag"})), Schema(), begun_file=0)
    (chunk,) = RecordsSource([{"id": "a"}])
    assert convert(chunk).identities == ["plant/a"]


def test_rows_with_changing_columns_do_not_fill_the_memory() -> None:
    names = [f"p{number}" for number in range(12)]
    definition = container("Alarm", {name: ("int64", {"nullable": True}) for name in names})
    convert = RowMapping(read_mapping(mapping("*")), Schema([definition], complete=True))
    before = len(gc.get_objects())
    for mask in range(4096):
        row = {"id": "a"} | {name: 1 for at, name in enumerate(names) if mask >> at & 1}
        records = convert(next(iter(RecordsSource([row]))))
        assert json.loads(records.bodies[0])["sources"][0]["properties"] == {n: 1 for n in row if n != "id"}
    gc.collect()
    assert len(gc.get_objects()) - before < 4096


@every_nested_kind
def test_a_column_that_some_of_the_first_rows_have_is_enough(tmp_path: Path, kind: Shape) -> None:
    rows = [{"id": "a"}, {"id": "b", "note": "x"}]
    assert Loaded(kind(tmp_path, rows), mapping({"text": "note"})).properties() == [{}, {"text": "x"}]


@pytest.mark.parametrize(
    "properties",
    [
        {"text": "x"},
        {"text": {"column": "x", "optional": True}},
        {"text": {"format": "{x}-{id}"}},
        {"any": "x.inner"},
        "*",
        {"any": "id", "*": "*"},
    ],
)
def test_a_mapped_column_that_is_there_twice_is_refused(tmp_path: Path, properties: Any) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x,x\na,1,2\n")
    with pytest.raises(
        InvalidArgumentError, match="the rows have column 'x' more than once; one that is mapped"
    ):
        Loaded(FileSource(path), mapping(properties))
    with pytest.raises(InvalidArgumentError, match="column 'x' more than once"):
        Identified(FileSource(path), mapping({}, external_id="{x}"))


def test_a_column_that_is_there_twice_and_not_mapped_is_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,x,x,text\na,1,2,t\n")
    assert Loaded(FileSource(path), mapping({"text": "text"})).properties() == [{"text": "t"}]


def test_a_column_of_the_second_file_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for name, header in (("a.csv", "id,text,x"), ("b.csv", "id,text,text")):
        (tmp_path / name).write_text(f"{header}\na,1,2\n")
    source = FileSource(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(InvalidArgumentError, match="column 'text' more than once"):
        Loaded(source, mapping({"text": "text"}))


@pytest.mark.parametrize("schema", [SCHEMA, NOT_KNOWN], ids=["known", "not known"])
@pytest.mark.parametrize("header", ["id,text,", ",id,text"])
def test_a_column_without_a_name_or_values_is_none_of_a_star(
    tmp_path: Path, header: str, schema: Schema
) -> None:
    path = tmp_path / "a.csv"
    row = header.replace("id", "a").replace("text", "t")
    path.write_text(f"{header}\n{row}\n")
    assert Loaded(FileSource(path), mapping("*"), schema).properties() == [{"text": "t"}]


def test_a_column_without_a_name_that_has_values_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",id,text\n0,a,t\n")
    with pytest.raises(InvalidArgumentError, match=r"column 'column 1'.* is not a property of container"):
        Loaded(FileSource(path), mapping("*"))
    assert Loaded(FileSource(path), mapping({"text": "text"})).properties() == [{"text": "t"}]


def test_a_late_value_in_a_column_without_a_name_refuses_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,\n" + "a,t,\n" * 1500 + "b,t,x\n")
    loaded = Loaded(FileSource(path), mapping("*"))
    assert loaded.messages() == {1501: "column 'column 3' -> plant/Alarm.column 3: there is no such property"}


def test_a_later_frame_that_lacks_a_column_is_told() -> None:
    whole = pa.table({"id": ["a"], "tag": ["x"]})
    for other in (pa.table({"id": ["b"]}), pa.table({"id": ["b"], "Tag": ["y"]})):
        with pytest.raises(InvalidArgumentError, match="have no column 'tag'"):
            Loaded(RecordsSource([whole, whole, other]), mapping({"text": "tag"}))


def test_the_columns_of_frames_may_change_their_order() -> None:
    frames = [pa.table({"id": ["a"], "tag": ["x"]}), pa.table({"tag": ["y"], "id": ["b"]})]
    loaded = Loaded(RecordsSource(frames), mapping({"text": "tag"}))
    assert loaded.properties() == [{"text": "x"}, {"text": "y"}]


def test_a_later_table_that_lacks_a_column_that_a_star_took_is_told(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.csv" for number in range(3)]
    for file, content in zip(files, ["id\nz\n", "id,text,number\na,x,1\n", "id,number\nb,2\n"], strict=True):
        file.write_text(content)
    assert Loaded(FileSource(*files[:2]), mapping("*")).properties() == [{}, {"text": "x", "number": 1}]
    with pytest.raises(InvalidArgumentError, match="have no column 'text', which rows before"):
        Loaded(FileSource(*files), mapping("*"))
