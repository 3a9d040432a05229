"""The space and external id of a record, and a mapping to them alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.mapping import IdentityMapping, read_mapping
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.lines import rejection_of
from airflow_provider_cdf_records.sources import FileSource, RecordsSource
from tests.mapping.loading import (
    Identified,
    Loaded,
    Rows,
    Shape,
    as_ndjson,
    every_kind,
    every_nested_kind,
    mapping,
)

AnyMapping = type[Loaded] | type[Identified]
every_mapping = pytest.mark.parametrize("load", [Loaded, Identified], ids=["records", "identities"])


@every_mapping
@every_kind
def test_identifiers_are_format_strings_over_columns(tmp_path: Path, kind: Shape, load: AnyMapping) -> None:
    rows = [{"site": "north", "tag": "PT-1", "n": 7}]
    spec = mapping({"text": "tag"}, space="plant_{site}", external_id="{tag}/{{{n}}}-{tag}")
    assert load(kind(tmp_path, rows), spec).identities == ["plant_north/PT-1/{7}-PT-1"]


@every_mapping
@every_kind
@pytest.mark.parametrize(
    ("template", "external_id", "message"),
    [
        ("{id}", None, "external_id: column 'id': is empty"),
        ("{id}{more}", None, "external_id: column 'id': is empty"),
        ("{id}", "x" * 257, "externalId: expected 1 to 256 characters, got 257"),
        ("{id}{more}", "x" * 256, "externalId: expected 1 to 256 characters, got 257"),
    ],
)
def test_a_row_without_an_external_id_is_refused(
    tmp_path: Path, kind: Shape, load: AnyMapping, template: str, external_id: Any, message: str
) -> None:
    rows = [{"id": name, "more": "-"} for name in ("a", external_id, "c")]
    loaded = load(kind(tmp_path, rows), mapping({}, external_id=template))
    assert len(loaded.identities) == 2
    assert list(loaded.messages().values()) == [message]


@every_mapping
@every_nested_kind
@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "a\0"}, "externalId: must not hold a null byte"),
        ({"id": ""}, "externalId: expected 1 to 256 characters, got 0"),
        ({"id": ["a"]}, "external_id: column 'id': expected text, got ['a']"),
        ({"id": "a", "site": "9"}, "space: expected a space: "),
        ({"id": "a", "site": "system"}, "space: 'system' is reserved by CDF"),
        ({"id": "a", "site": None}, "space: column 'site': is empty"),
    ],
)
def test_a_row_without_an_identity_is_refused(
    tmp_path: Path, kind: Shape, load: AnyMapping, row: dict[str, Any], message: str
) -> None:
    rows = [{"id": "first", "site": "plant"}, {"site": "plant"} | row, {"id": "last", "site": "plant"}]
    loaded = load(kind(tmp_path, rows), mapping({}, space="{site}"))
    assert loaded.identities == ["plant/first", "plant/last"]
    assert list(loaded.messages()) == [2 if kind is as_ndjson else 1]
    assert next(iter(loaded.messages().values())).startswith(message)


@every_mapping
@pytest.mark.parametrize("template", ["\ud800", "{id}\ud800"])
def test_a_format_string_that_is_not_utf_8_is_refused(load: AnyMapping, template: str) -> None:
    with pytest.raises(InvalidArgumentError, match="half of a surrogate pair"):
        load(RecordsSource([{"id": "a"}]), mapping({}, external_id=template))


@every_kind
def test_an_identity_is_space_and_external_id_alone(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": "a", "site": "north"}, {"id": 'the "b"', "site": "north"}]
    spec = mapping({"text": "tag", "number": {"column": "site"}}, space="plant_{site}", external_id="x-{id}")
    identified = Identified(kind(tmp_path, rows), spec)
    assert identified.bodies == [
        b'{"space":"plant_north","externalId":"x-a"}',
        b'{"space":"plant_north","externalId":"x-the \\"b\\""}',
    ]
    assert identified.identities == ["plant_north/x-a", 'plant_north/x-the "b"']
    assert not identified.refusals


@every_kind
def test_identities_of_many_chunks_keep_positions_and_rows(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": "x" * 257 if number == 1200 else str(number)} for number in range(2500)]
    identified = Identified(kind(tmp_path, rows), mapping("*"))
    good = [str(number) for number in range(2500) if number != 1200]
    assert [record["externalId"] for record in identified.records] == good
    assert len(identified.positions) == len(identified.rows) == len(good)
    assert len(identified.refusals) == 1


@every_nested_kind
def test_an_identity_may_come_from_nested_columns(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"pump": {"id": "p"}}, {"pump": {}}]
    identified = Identified(kind(tmp_path, rows), mapping({}, external_id="{pump.id}"))
    assert identified.identities == ["plant/p"]
    assert list(identified.messages().values()) == ["external_id: column 'pump.id': is empty"]


@every_kind
def test_an_identity_needs_the_columns_of_its_format_strings(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"Id": "a", "site": "north"}]
    with pytest.raises(InvalidArgumentError) as refused:
        Identified(kind(tmp_path, rows), mapping({"text": "tag"}))
    assert str(refused.value) == (
        "mapping: the rows have no column 'id'; they have 'Id', 'site'. Did you mean 'Id'?"
    )


def test_a_wrong_delimiter_is_guessed_from_a_single_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id~site\na~north\n")
    with pytest.raises(InvalidArgumentError, match=r"Is the delimiter right \(file_options\)\?"):
        Identified(FileSource(tmp_path / "a.csv"), mapping({}))


def test_in_the_middle_of_a_source_rows_may_lack_the_columns_of_an_identity() -> None:
    convert = IdentityMapping(read_mapping(mapping({})), begun_file=0)
    (chunk,) = RecordsSource([{"other": "a"}])
    assert [refusal.message for refusal in convert(chunk).refusals] == ["external_id: column 'id': is empty"]


@every_kind
def test_rows_whose_identity_was_refused_can_be_tried_again(tmp_path: Path, kind: Shape) -> None:
    rows: Rows = [{"id": "a", "site": "9"}, {"id": "b", "site": "north"}]
    refusals = Identified(kind(tmp_path, rows), mapping({}, space="{site}")).refusals
    path = tmp_path / "rejected.ndjson"
    path.write_bytes(b"".join(rejection_of("x", *refusal[:3]).as_line() for refusal in refusals))
    again = Identified(FileSource(path), mapping({}, space="plant_{site}"))
    assert again.bodies == [b'{"space":"plant_9","externalId":"a"}']


def test_identities_of_no_rows_are_none() -> None:
    assert not Identified(RecordsSource([]), mapping({})).bodies


@pytest.mark.parametrize("row", [5, b"not json"])
def test_a_row_that_cannot_be_read_has_no_identity(row: Any) -> None:
    identified = Identified(RecordsSource([{"id": "a"}, row]), mapping({}))
    assert identified.identities == ["plant/a"]
    assert list(identified.messages()) == [1]
