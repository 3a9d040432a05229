"""What is read quickly is what the exact checks let pass, and is stored as they store it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_cdf_records.local_server.checks.errors import ApiError
from airflow_provider_cdf_records.local_server.checks.facts import TWICE_IN_REQUEST
from airflow_provider_cdf_records.local_server.definitions import load
from airflow_provider_cdf_records.local_server.http.bodies import decode_json
from airflow_provider_cdf_records.local_server.settings import Settings
from airflow_provider_cdf_records.local_server.state.project import Project
from airflow_provider_cdf_records.local_server.state.quick_reading import MAX_TYPED
from tests.local_server.checks.test_values import ACCEPTED, REFUSED

KINDS: list[dict[str, Any]] = [kind for kind, _ in ACCEPTED]
VALUES = [value for table in (ACCEPTED, REFUSED) for _, values in table for value in values]
TIMES = [
    "2023-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2026-01-02T24:00:00Z",
    "2026-01-02T03:04:05Z\n",
    "2026-01-02T03:04:60Z",
    "2026-01-02T03:04:05+24:00",
    "2026-01-02t03:04:05z",
    "٢٠٢٦-01-02T03:04:05Z",
    "2000-02-29",
    "2100-02-29",
    "2026-06-31",
    "0000-01-01",
    "2026-01-02\n",
]
KEYS = ["class", "p0", "Z", "a_1", *(f"k{number}" for number in range(len(KINDS) - 4))]
PLAIN = {f"{key}": {"type": kind} for key, kind in zip(KEYS, KINDS, strict=True)}
STRICT = {
    "needed": {"type": {"type": "int32"}, "nullable": False},
    "free": {"type": {"type": "float32"}},
}
DEFAULTED = {
    "filled": {"type": {"type": "text"}, "nullable": False, "defaultValue": "as usual"},
    "needed": {"type": {"type": "timestamp"}, "nullable": False},
    "free": {"type": {"type": "json"}},
}
MANY = {f"m{number}": {"type": {"type": "int32"}} for number in range(MAX_TYPED + 1)}
DATED = {"day": {"type": {"type": "date"}}}
CONTAINERS: dict[str, dict[str, Any]] = {
    "Plain": PLAIN,
    "Strict": STRICT,
    "Defaulted": DEFAULTED,
    "Many": MANY,
    "Dated": DATED,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder: Path = tmp_path_factory.mktemp("project")
    project = Project(Settings(folder / "cdf.sqlite"))
    containers = [
        {"space": "s", "externalId": name, "properties": properties}
        for name, properties in CONTAINERS.items()
    ]
    load(project, {"spaces": ["s"], "containers": containers, "streams": ["quick", "exact"]})
    yield project
    project.close()


def properties_of(container: str) -> st.SearchStrategy[dict[str, Any]]:
    anything = st.one_of(
        st.sampled_from(VALUES), st.sampled_from(TIMES), st.none(), st.integers(), st.floats(), st.text()
    )
    names = [*list(CONTAINERS[container])[:30], "unknown", "space"]
    fitting = {
        name: st.sampled_from(
            [None, *(value for kind, values in ACCEPTED if kind == held["type"] for value in values)]
        )
        for name, held in list(CONTAINERS[container].items())[:30]
    }
    good = st.fixed_dictionaries({}, optional=fitting)
    return good | st.tuples(good, st.dictionaries(st.sampled_from(names), anything, max_size=2)).map(
        lambda both: both[0] | both[1]
    )


SOURCES = st.sampled_from([*CONTAINERS, "Unknown"]).flatmap(
    lambda name: st.fixed_dictionaries(
        {
            "source": st.just({"type": "container", "space": "s", "externalId": name}),
            "properties": properties_of(name if name in CONTAINERS else "Plain"),
        },
        optional={"more": st.none()} if name == "Unknown" else {},
    )
)
ITEMS = st.fixed_dictionaries(
    {
        "space": st.sampled_from(["s", "s", "s", "s", "t", "node", ""]),
        "externalId": st.sampled_from(["a", "b", "ø" * 256, "x" * 257, "", "a\0b", 1]) | st.text(max_size=5),
        "sources": st.lists(SOURCES, min_size=1, max_size=2),
    }
)
SAID_TWICE = st.sampled_from(
    [
        (b'"properties":', b'"properties":{"Z":"\\ud800"},"properties":'),
        (b'"properties":', b'"\\u0070roperties":{"Z":1e400},"properties":'),
        (b'"properties":', b'"properties":{},"properti\\u0065s":'),
        (b'"sources":', b'"sources":[{"source":{"type":"container","space":"s","externalId":"Z"},'
                        b'"properties":{"a":"\xff"}}],"sources":'),
        (b'"externalId":', b'"externalId":"\\q","externalId":'),
        (b'"space":', b'"space":1, "space":'),
        (b"{", b'{"x":"\xff",'),
        (b":", b" : "),
        (b"s", b"\\u0073"),
        (b"}", b",}"),
        (b"e", b"E"),
    ]
)  # fmt: skip


def check(project: Project, body: bytes) -> None:
    """Check that a body that is read quickly is stored as the exact checks store it."""
    good = project.records.read_quickly(body)
    exact = refusal_of(lambda: project.records.upsert("exact", decode_json(body)))
    if good is None:
        return
    assert refusal_of(lambda: project.records.upsert("quick", good)) == exact
    if exact is None:
        count = len(good.records)
        quickly, exactly = (
            project.browsing.page(name, None, None, count).records for name in ("quick", "exact")
        )
        assert [(one.space, one.external_id, one.properties) for one in quickly] == [
            (one.space, one.external_id, one.properties) for one in exactly
        ]
    else:
        assert exact["error"]["code"] == TWICE_IN_REQUEST


def refusal_of(write: Callable[[], Any]) -> dict[str, Any] | None:
    try:
        write()
    except ApiError as refusal:
        return refusal.body()
    return None


@given(st.lists(ITEMS, min_size=1, max_size=3))
def test_the_quick_way_lets_nothing_pass_that_the_exact_one_refuses(
    project: Project, items: list[dict[str, Any]]
) -> None:
    check(project, json.dumps({"items": items}).encode())
    check(project, json.dumps({"items": items}, ensure_ascii=False).encode(errors="replace"))


@given(st.lists(ITEMS, min_size=1, max_size=2), SAID_TWICE, st.integers(0, 5))
def test_the_quick_way_looks_at_every_byte(
    project: Project, items: list[dict[str, Any]], change: tuple[bytes, bytes], at: int
) -> None:
    parts = json.dumps({"items": items}, separators=(",", ":")).encode().split(change[0])
    at = at % len(parts)
    check(project, change[0].join(parts[: at + 1]) + change[1] + change[0].join(parts[at + 1 :]))


@pytest.mark.parametrize(("kind", "values"), [*ACCEPTED, *REFUSED])
def test_each_value_is_taken_by_both_or_refused_by_the_exact_way(
    project: Project, kind: dict[str, Any], values: list[Any]
) -> None:
    key = KEYS[KINDS.index(kind)] if kind in KINDS else "Z"
    for value in [*values, *TIMES]:
        check(project, json.dumps({"items": [an_item("Plain", {key: value})]}).encode())


def an_item(container: str, properties: dict[str, Any]) -> dict[str, Any]:
    source = {"type": "container", "space": "s", "externalId": container}
    return {"space": "s", "externalId": "a", "sources": [{"source": source, "properties": properties}]}


def test_usual_records_are_read_quickly(project: Project) -> None:
    for kind, values in ACCEPTED:
        usual = {KEYS[KINDS.index(kind)]: values[0]}
        body = json.dumps({"items": [an_item("Plain", usual)]}, ensure_ascii=False).encode()
        assert project.records.read_quickly(body), kind
    for container, properties in (
        ("Plain", {}),
        ("Plain", {"Z": None}),
        ("Strict", {"needed": 1}),
        ("Defaulted", {"needed": "2026-01-02T03:04:05Z", "filled": None, "free": {"b": 1, "a": [2]}}),
    ):
        body = json.dumps({"items": [an_item(container, properties)]}).encode()
        assert project.records.read_quickly(body)
        check(project, body)


def test_a_record_in_several_containers_is_read_quickly(project: Project) -> None:
    item = an_item("Strict", {"needed": 1})
    item["sources"] += an_item("Plain", {"Z": None})["sources"]
    body = json.dumps({"items": [item]}).encode()
    assert project.records.read_quickly(body)
    check(project, body)


def test_a_container_that_changes_is_read_by_its_new_definition(tmp_path: Path) -> None:
    project = Project(Settings(tmp_path / "cdf.sqlite"))
    definition = {"space": "s", "externalId": "C", "properties": {"a": {"type": {"type": "text"}}}}
    load(project, {"spaces": ["s"], "containers": [definition], "streams": ["x"]})
    body = json.dumps({"items": [an_item("C", {"b": 1})]}).encode()
    assert project.records.read_quickly(body) is None
    definition["properties"] = {"b": {"type": {"type": "int32"}}}
    load(project, {"containers": [definition]})
    assert project.records.read_quickly(body)
    project.close()


@pytest.mark.parametrize(
    ("usual", "unusual"),
    [
        (b'"properties"', b'"properties": {"Z": "\xff"}, "properties"'),
        (b'"properties"', b'"\\u0070roperties": {"Z": 1e400}, "properties"'),
        (b'"properties"', b'"p\\u0072operties": {"Z": "\xff"}, "properties"'),
        (b'"a"', b'"a\\u0000b"'),
        (b'"properties": {}', '"properties": {"day": "202٦-01-02"}'.encode()),
    ],
)
def test_what_only_looks_usual_is_left_to_the_exact_checks(
    project: Project, usual: bytes, unusual: bytes
) -> None:
    body = json.dumps({"items": [an_item("Dated", {})]}).encode()
    assert project.records.read_quickly(body)
    assert project.records.read_quickly(body.replace(usual, unusual)) is None
    with pytest.raises(ApiError):
        project.records.upsert("exact", decode_json(body.replace(usual, unusual)))
