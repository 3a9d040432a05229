"""The official SDK as the only client: the server accepts what it sends, and it can load what it gets."""

from __future__ import annotations

from typing import Any

import pytest
from cognite.client import CogniteClient
from cognite.client.data_classes import data_modeling as dm
from cognite.client.data_classes import filters
from cognite.client.data_classes.data_modeling import ContainerApply, ContainerPropertyApply, SpaceApply
from cognite.client.data_classes.data_modeling.records import (
    RecordContainerId,
    RecordId,
    RecordSource,
    RecordSourceSelector,
    RecordWrite,
    TimeRange,
)
from cognite.client.exceptions import CogniteAPIError

from tests.local_server.sdk import (
    ALL_TYPES,
    CONTAINER,
    SPACE,
    STREAM,
    VALUES,
    a_record,
    a_stream,
    ids,
    matching,
    prop,
    upsert,
)


def test_the_token_can_be_inspected(client: CogniteClient) -> None:
    inspection = client.iam.token.inspect()
    assert [project.url_name for project in inspection.projects] == ["local"]
    assert inspection.capabilities


def test_spaces_are_made_listed_and_retrieved(client: CogniteClient) -> None:
    assert [space.space for space in client.data_modeling.spaces.list()] == [SPACE]
    space = client.data_modeling.spaces.retrieve(SPACE)
    assert space is not None
    assert (space.name, space.is_global) == ("Plant", False)
    assert client.data_modeling.spaces.retrieve("nowhere") is None


def test_lists_longer_than_a_page_come_whole(client: CogniteClient) -> None:
    names = [f"space-{number:02}" for number in range(25)]
    client.data_modeling.spaces.apply([SpaceApply(name) for name in names])
    listed = [space.space for space in client.data_modeling.spaces.list(limit=None)]
    assert sorted(listed) == sorted([SPACE, *names])
    assert len(client.data_modeling.spaces.list(limit=7)) == 7


def test_containers_are_listed_by_space(client: CogniteClient) -> None:
    client.data_modeling.spaces.apply(SpaceApply("other"))
    properties = {"p": ContainerPropertyApply(type=dm.Text())}
    client.data_modeling.containers.apply(ContainerApply("other", "Theirs", properties, used_for="record"))
    assert [held.external_id for held in client.data_modeling.containers.list(space="other")] == ["Theirs"]
    assert len(client.data_modeling.containers.list(limit=None)) == 2


def test_containers_of_all_types_are_made_listed_and_retrieved(client: CogniteClient) -> None:
    (listed,) = client.data_modeling.containers.list(space=SPACE)
    retrieved = client.data_modeling.containers.retrieve((SPACE, CONTAINER))
    assert retrieved is not None
    assert listed.dump() == retrieved.dump()
    assert retrieved.used_for == "record"
    assert {name: type(held.type) for name, held in retrieved.properties.items()} == {
        name: type(kind) for name, kind in ALL_TYPES.items()
    }
    assert client.data_modeling.containers.retrieve((SPACE, "Nothing")) is None


def test_enums_defaults_and_required_properties_are_kept(client: CogniteClient) -> None:
    severity = dm.data_types.Enum({"high": dm.data_types.EnumValue(), "low": dm.data_types.EnumValue("Low")})
    properties = {
        "severity": ContainerPropertyApply(type=severity, nullable=False),
        "source": ContainerPropertyApply(type=dm.Text(), default_value="unknown"),
    }
    client.data_modeling.containers.apply(ContainerApply(SPACE, "Alarm", properties, used_for="record"))
    container = client.data_modeling.containers.retrieve((SPACE, "Alarm"))
    assert container is not None
    assert set(container.properties["severity"].type.dump()["values"]) == {"high", "low"}
    assert not container.properties["severity"].nullable
    source = RecordSource(RecordContainerId(SPACE, "Alarm"), {"severity": "high"})
    upsert(client, RecordWrite(SPACE, "a", [source]))
    (record,) = client.data_modeling.records.filter(stream_id=STREAM)
    assert record.properties[SPACE]["Alarm"] == {"severity": "high", "source": "unknown"}


def test_streams_are_made_listed_retrieved_and_deleted(client: CogniteClient) -> None:
    created = client.data_modeling.streams.create(a_stream("archive", "BasicArchive"))
    assert (created.type, created.created_from_template) == ("Immutable", "BasicArchive")
    assert [stream.external_id for stream in client.data_modeling.streams.list()] == [STREAM, "archive"]
    assert created.settings.limits.max_filtering_interval == "P1Y"
    assert created.settings.lifecycle.retained_after_soft_delete == "P42D"
    client.data_modeling.streams.delete("archive")
    assert client.data_modeling.streams.retrieve("archive") is None
    client.data_modeling.streams.delete("archive")  # CDF accepts a second delete
    with pytest.raises(CogniteAPIError, match="stays reserved") as refused:
        client.data_modeling.streams.create(a_stream("archive"))
    assert refused.value.code == 409


def test_a_streams_statistics_count_its_records(client: CogniteClient) -> None:
    upsert(client, *(a_record(str(n), text="x") for n in range(5)))
    plain = client.data_modeling.streams.retrieve(STREAM)
    counted = client.data_modeling.streams.retrieve(STREAM, include_statistics=True)
    assert plain is not None
    assert counted is not None
    assert plain.settings.limits.max_records_total.consumed is None
    assert counted.settings.limits.max_records_total.consumed == 5
    assert counted.settings.limits.max_giga_bytes_total.consumed


def test_values_of_all_types_come_back_as_they_went(client: CogniteClient) -> None:
    upsert(client, a_record("a", **VALUES))
    (record,) = client.data_modeling.records.filter(stream_id=STREAM)
    assert (record.space, record.external_id) == (SPACE, "a")
    assert record.properties[SPACE][CONTAINER] == VALUES
    assert record.created_time == record.last_updated_time > 1_700_000_000_000


def test_lists_of_all_types_come_back_as_they_went(client: CogniteClient) -> None:
    listed = {name: type(kind)(is_list=True) for name, kind in ALL_TYPES.items() if not kind.is_list}
    properties = {name: ContainerPropertyApply(type=kind) for name, kind in listed.items()}
    client.data_modeling.containers.apply(ContainerApply(SPACE, "Lists", properties, used_for="record"))
    values = {name: [VALUES[name], VALUES[name]] for name in listed}
    source = RecordSource(RecordContainerId(SPACE, "Lists"), values)
    upsert(client, RecordWrite(SPACE, "a", [source]))
    (record,) = client.data_modeling.records.filter(stream_id=STREAM)
    assert record.properties[SPACE]["Lists"] == values


def test_many_records_are_sent_in_requests_of_a_thousand(client: CogniteClient) -> None:
    upsert(client, *(a_record(str(number), small=number) for number in range(2500)))
    pages = list(client.data_modeling.records.sync(STREAM, initialize_cursor="1d-ago"))
    assert sum(map(len, pages)) == 2500
    assert {record.external_id for page in pages for record in page} == set(map(str, range(2500)))


def test_records_read_can_be_written_again(client: CogniteClient) -> None:
    upsert(client, a_record("a", **VALUES))
    found = client.data_modeling.records.filter(stream_id=STREAM)
    client.data_modeling.records.upsert(found.as_write(), stream_id=STREAM)
    (again,) = client.data_modeling.records.filter(stream_id=STREAM)
    assert again.properties == found[0].properties
    assert again.last_updated_time > found[0].last_updated_time


def test_an_upsert_replaces_the_whole_record(client: CogniteClient) -> None:
    upsert(client, a_record("a", text="old", small=1))
    (old,) = client.data_modeling.records.filter(stream_id=STREAM)
    upsert(client, a_record("a", text="new"))
    (new,) = client.data_modeling.records.filter(stream_id=STREAM)
    assert new.properties[SPACE][CONTAINER] == {"text": "new"}
    assert new.created_time == old.created_time
    assert new.last_updated_time > old.last_updated_time


def test_ingest_takes_new_records_only_on_a_mutable_stream(client: CogniteClient) -> None:
    client.data_modeling.records.ingest([a_record("a", text="1")], stream_id=STREAM)
    with pytest.raises(CogniteAPIError) as refused:
        client.data_modeling.records.ingest([a_record("a", text="2"), a_record("b")], stream_id=STREAM)
    assert refused.value.code == 409
    assert refused.value.duplicated == [{"space": SPACE, "externalId": "a"}]
    assert matching(client, filters.MatchAll()) == ["a"]


def test_an_immutable_stream_takes_ingests_and_drops_exact_duplicates(client: CogniteClient) -> None:
    client.data_modeling.streams.create(a_stream("archive", "BasicArchive"))
    for text in ("1", "2", "2"):
        client.data_modeling.records.ingest([a_record("a", text=text)], stream_id="archive")
    found = client.data_modeling.records.filter(stream_id="archive", last_updated_time=TimeRange(gt=0))
    assert ids(found) == ["a", "a"]
    with pytest.raises(CogniteAPIError) as refused:
        client.data_modeling.records.upsert([a_record("a")], stream_id="archive")
    assert refused.value.code == 422


def test_deleted_records_are_gone_and_unknown_ones_passed_over(client: CogniteClient) -> None:
    upsert(client, a_record("a"), a_record("b"))
    client.data_modeling.records.delete([RecordId(SPACE, "a"), RecordId(SPACE, "never")], stream_id=STREAM)
    assert matching(client, None) == ["b"]


@pytest.mark.parametrize(
    ("a_filter", "expected"),
    [
        (filters.Equals(prop("text"), "b"), ["b"]),
        (filters.Equals(prop("flag"), True), ["a"]),
        (filters.Equals(prop("time"), "2026-01-02T04:00:00+01:00"), ["b"]),
        (filters.Equals(["externalId"], "c"), ["c"]),
        (filters.Equals(prop("texts"), "x"), ["a", "b"]),
        (filters.In(prop("small"), [1, 3]), ["a", "c"]),
        (filters.Range(prop("small"), gt=1, lte=3), ["b", "c"]),
        (filters.Range(prop("time"), gte="2026-01-02T03:00:00Z"), ["b", "c"]),
        (filters.Prefix(prop("text"), "b"), ["b", "c"]),
        (filters.Exists(prop("flag")), ["a", "b"]),
        (filters.HasData(containers=[(SPACE, CONTAINER)]), ["a", "b", "c"]),
        (filters.ContainsAny(prop("texts"), ["y", "z"]), ["a", "c"]),
        (filters.ContainsAll(prop("texts"), ["x", "y"]), ["a"]),
        (filters.MatchAll(), ["a", "b", "c", "empty"]),
        (filters.Not(filters.Exists(prop("text"))), ["empty"]),
        (filters.And(filters.Prefix(prop("text"), "b"), filters.Exists(prop("flag"))), ["b"]),
        (filters.Or(filters.Equals(prop("text"), "a"), filters.Equals(prop("small"), 3)), ["a", "c"]),
        (None, ["a", "b", "c", "empty"]),
    ],
    ids=lambda value: str(value.dump()) if isinstance(value, filters.Filter) else "",
)
def test_filters(client: CogniteClient, a_filter: Any, expected: list[str]) -> None:
    upsert(
        client,
        a_record("a", text="a", flag=True, small=1, texts=["x", "y"], time="2026-01-01T00:00:00Z"),
        a_record("b", text="b", flag=False, small=2, texts=["x"], time="2026-01-02T03:00:00Z"),
        a_record("c", text="bc", small=3, texts=["z"], time="2026-01-03T00:00:00"),
        a_record("empty"),
    )
    assert matching(client, a_filter) == expected
    counted = client.data_modeling.records.aggregate({"n": {"count": {}}}, stream_id=STREAM, filter=a_filter)
    assert counted.dump()["aggregates"]["n"] == {"count": len(expected)}


def test_filter_sorts_limits_selects_and_bounds_the_time(client: CogniteClient) -> None:
    records = client.data_modeling.records
    upsert(client, *(a_record(str(n), small=n, text=str(n)) for n in (3, 1, 2)))
    order = [dm.InstanceSort(prop("small"), "descending")]
    assert ids(records.filter(stream_id=STREAM, sort=order)) == ["3", "2", "1"]
    assert ids(records.filter(stream_id=STREAM, sort=order, limit=2)) == ["3", "2"]
    only_text = [RecordSourceSelector(RecordContainerId(SPACE, CONTAINER), ["text"])]
    (first, *_) = records.filter(stream_id=STREAM, sources=only_text)
    assert first.properties[SPACE][CONTAINER] == {"text": "3"}
    before = first.last_updated_time
    assert ids(records.filter(stream_id=STREAM, last_updated_time=TimeRange(gt=before))) == []
    assert len(records.filter(stream_id=STREAM, last_updated_time=TimeRange(gte=before))) == 3


def test_filter_gives_ten_unless_told_otherwise_and_typing_when_asked(client: CogniteClient) -> None:
    upsert(client, *(a_record(str(n), text="x") for n in range(12)))
    found = client.data_modeling.records.filter(stream_id=STREAM, include_typing=True)
    assert len(found) == 10
    assert found.typing is not None
    assert isinstance(found.typing[SPACE][CONTAINER]["text"].type, dm.Text)


def test_sync_pages_through_changes_and_resumes(client: CogniteClient) -> None:
    records = client.data_modeling.records
    upsert(client, *(a_record(str(n)) for n in range(5)))
    pages = list(records.sync(STREAM, initialize_cursor="1d-ago", chunk_size=2))
    assert [ids(page) for page in pages] == [["0", "1"], ["2", "3"], ["4"]]
    assert [page.has_next for page in pages] == [True, True, False]
    upsert(client, a_record("1", text="changed"), a_record("5"))
    records.delete([RecordId(SPACE, "2")], stream_id=STREAM)
    (page,) = records.sync(STREAM, cursor=pages[-1].cursor)
    assert [(record.external_id, record.status) for record in page] == [
        ("1", "updated"),
        ("5", "created"),
        ("2", "deleted"),
    ]
    (page,) = records.sync(STREAM, cursor=page.cursor)
    assert ids(page) == []


def test_sync_gives_typing_when_asked(client: CogniteClient) -> None:
    upsert(client, a_record("a", small=1))
    (page,) = client.data_modeling.records.sync(STREAM, initialize_cursor="1d-ago", include_typing=True)
    assert page.typing is not None
    assert isinstance(page.typing[SPACE][CONTAINER]["small"].type, dm.Int32)


def test_sync_takes_filter_and_sources(client: CogniteClient) -> None:
    upsert(client, a_record("a", small=1, text="x"), a_record("b", small=2, text="y"))
    (page,) = client.data_modeling.records.sync(
        STREAM,
        initialize_cursor="1d-ago",
        filter=filters.Equals(prop("small"), 2),
        sources=[RecordSourceSelector(RecordContainerId(SPACE, CONTAINER), ["text"])],
    )
    assert ids(page) == ["b"]
    assert page[0].properties[SPACE][CONTAINER] == {"text": "y"}
