from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import json_text
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import read, refusal, rows_in, rows_of
from tests.sources.writing import write

ROWS = [{"n": number, "text": "snö ☃"} for number in range(5)]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
@pytest.mark.parametrize(
    "document", [ROWS, {"items": ROWS}, {"before": [1, {"items": [2]}], "items": ROWS, "x": 1}]
)
def test_json_is_an_array_or_an_object_with_items(tmp_path: Path, name: str, document: object) -> None:
    path = write(tmp_path / name, json.dumps(document, indent=2).encode())
    assert read(path) == list(enumerate(ROWS))


def test_an_empty_array_is_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.json", b" [ ] ")) == []


def test_a_row_is_what_the_file_says_without_its_indentation(tmp_path: Path) -> None:
    numbers = b'{"n": [1e16, 1.10, 123456789012345678.0, 1e999, NaN], "s": "\\u00e9\\ud800"}'
    pretty = b'{\n  "n": 1.10,\n  "s": "a  b"\n}'
    (chunk,) = FileSource(write(tmp_path / "a.json", b"[" + numbers + b",\n" + pretty + b"]"))
    assert chunk.rows == [numbers, b'{"n":1.10,"s":"a  b"}']


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_json_may_be_cut_anywhere_when_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(json_text, "CHUNK", window)
    items = [
        {"n": -12.5e3, "t": 'a "quoted\\" \u20ac text', "deep": [[], {}, [1, 23, True, None]]},
        {"last": 123},
    ]
    path = write(tmp_path / "a.json", b"\xef\xbb\xbf" + json.dumps({"k": 123, "items": items}).encode())
    assert [row for _, row in read(path)] == items


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
ANY_ROWS = st.lists(st.dictionaries(st.text(), ANY_VALUE, max_size=4), max_size=6)


@settings(max_examples=200)
@given(
    rows=ANY_ROWS,
    window=st.integers(1, 40),
    indent=st.none() | st.integers(0, 2),
    ensure_ascii=st.booleans(),
    path=st.none() | st.lists(st.text(min_size=1), min_size=1, max_size=3),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
)
def test_any_rows_written_in_any_way_are_read_as_they_are(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]],
    window: int,
    indent: int | None,
    ensure_ascii: bool,
    path: list[str] | None,
    encoding: str,
) -> None:
    document: Any = rows
    for key in reversed(path or []):
        document = {"other ": [1, {"x": "]"}], key: document, "more ": None}
    content = json.dumps(document, indent=indent, ensure_ascii=ensure_ascii).encode(encoding)
    options = {} if path is None else {"items": ".".join(path)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK", window)
        found = read(write(tmp_path_factory.mktemp("json") / "a.json", content), **options)
    assert repr([row for _, row in found]) == repr(json.loads(json.dumps(rows)))


def test_only_a_window_of_a_json_file_is_held(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps([{"text": "x" * 1000}] * 12_000).encode())
    source = FileSource(path)
    chunks = iter(source)
    next(chunks)
    share = source.share()
    assert share is not None
    assert share < 0.5


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("data.records", {"data": {"n": 1, "records": ROWS}, "records": [1]}),
        ("data.records", {"records": [1], "data": {"records": ROWS}}),
        ("data.records", {"data.records": ROWS}),
        ("a.b.c", {"a": {"b": {"x": [2]}}, "a.b": {"c": ROWS}}),
        ("value", {"@odata.context": "x", "value": ROWS}),
        ("items", {"items": ROWS}),
    ],
)
def test_the_array_may_be_under_any_path(tmp_path: Path, path: str, document: object) -> None:
    assert read(write(tmp_path / "a.json", json.dumps(document).encode()), items=path) == list(
        enumerate(ROWS)
    )


@pytest.mark.parametrize(
    ("document", "options", "message"),
    [
        (b'{"n": 1}', {}, "no array at 'items': it is an object with the keys 'n'. Set where the rows are"),
        (b"{}", {}, "it is an object with the keys none"),
        (b'{"value": []}', {}, "the keys 'value' (there is an array at 'value')"),
        (b'{"items": null}', {}, "at 'items' is a number, true, false or null"),
        (b'{"items": {}}', {}, "at 'items' is an object"),
        (b'{"data": {"rows": []}}', {"items": "data.records"}, "at 'data' is an object with the keys 'rows'"),
        (b'{"data": []}', {"items": "data.records"}, "at 'data' is an array"),
        (
            b'{"a": []}',
            {"items": "data.records"},
            "no array at 'data.records': it is an object",
        ),
        (b"[]", {"items": "data.records"}, "is an array, and so has nothing at items='data.records'"),
        (b'{"space": "s", "externalId": "x", "sources": []}', {}, "it is one record"),
        (b'{"space": "s", "externalId": "x", "sources": []}', {}, "a row itself needs brackets"),
        (b'{"n": 1}\n{"n": 2}\n', {}, "several JSON documents, the second at line 2, column 1"),
        (b'{"n": 1}\n{"n": 2}\n', {}, "load it with file_format='ndjson'"),
        (b'[{"n": 1}]\n[{"n": 2}]', {}, "more after the end of the JSON document, at line 2, column 1"),
        (b"hello", {}, "neither a JSON array nor an object with 'items'"),
    ],
)
def test_a_document_without_rows_is_refused_with_what_it_is(
    tmp_path: Path, document: bytes, options: dict[str, str], message: str
) -> None:
    assert message in refusal(write(tmp_path / "a.json", document), **options)


def test_the_keys_of_a_document_are_told_in_bounds(tmp_path: Path) -> None:
    document = {f"{number}" * 1000: number for number in range(10_000)}
    assert len(refusal(write(tmp_path / "a.json", json.dumps(document).encode()))) < 8000


@pytest.mark.parametrize("items", ["", 5, ["data"]])
def test_items_must_be_a_path(tmp_path: Path, items: object) -> None:
    with pytest.raises(InvalidArgumentError, match="items must be the path of the array of rows"):
        FileSource(tmp_path / "a.json", file_options={"items": items})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"n": 1} {"n": 2}]', "after items[0]: expected ',', found '{' at line 1, column 11"),
        (
            b'[{"n": 1}, {"n": 2}',
            "after items[1]: expected ',', found the end of the file at line 1",
        ),
        (b'[{"n": 1}, {"n": "2', "items[1] is not JSON: Unterminated string at line 1, column 18"),
        (
            b'[\n{"n": "a"b"},\n{"n": 2}]',
            "items[0] is not JSON: Expecting ',' delimiter at line 2, column 10",
        ),
        (b'[{"n": "a}, {"n": "b"}]', "items[0] is not JSON"),
        (b'[{"n": {"m": 1}, {"n": 2}]', "items[0] is not JSON"),
        (b'[{"n": "1"2"}, {"3": "4"5"}]', "items[0] is not JSON"),
        (b'[{"n": "a\\"}, {"n": "b"}]', "items[0] is not JSON"),
        (b'[{"n": 1]}, {"n": 2}]', "items[0] is not JSON"),
        (b'[{"n": 1},]', "items[1] is not JSON"),
        (b'{"a": 1 "items": [{}]}', "before the first item: expected ',', found '\"'"),
        (b'{"items": [{}],}', "after items[0]: expected '\"', found '}'"),
        (b'{,"items": [{}]}', "before the first item: expected '\"', found ','"),
        (b'{5: 1, "items": [{}]}', "before the first item: expected '\"', found '5'"),
        (b'{"a": "x"y", "items": [{}]}', "before the first item: expected ',', found 'y'"),
        (b'{"a": [1, "x"y"], "items": [{}]}', "the value of 'a' is not JSON at line 1, column 7"),
    ],
)
def test_an_array_in_which_the_next_item_is_not_found_is_refused_at_its_place(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert message in refusal(write(tmp_path / "a.json", content))


@pytest.mark.parametrize("window", [1, 5, 1 << 18])
def test_a_place_is_right_wherever_the_text_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(json_text, "CHUNK", window)
    content = b'[\n {"n": 1,\n  "m": "some text"},\n {"n": 2}\n\n  {"n": 3}]'
    message = refusal(write(tmp_path / "a.json", content))
    assert "after items[1]: expected ',', found '{' at line 6, column 3" in message


def test_what_comes_before_a_place_that_is_no_json_is_delivered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", b'[{"n": 1}, {"n": 2}, {"n": "a"b"}]')
    chunks = iter(FileSource(path))
    assert rows_in(next(chunks)) == [(0, {"n": 1}), (1, {"n": 2})]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_json_goes_on_after_any_item(tmp_path: Path, name: str) -> None:
    rows = [{"n": number} for number in range(2 * ROWS_AT_ONCE + 3)]
    path = write(tmp_path / name, json.dumps(rows).encode())
    for mark in [chunk.end for chunk in FileSource(path)]:
        source = FileSource(path)
        source.resume_after(mark)
        assert rows_of(source) == list(enumerate(rows))[mark.position + 1 :]
