from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import json as json_items
from airflow_provider_cdf_records.sources.source import ROWS_AT_ONCE
from tests.sources.reading import read, refusal, rows_in, rows_of

ROWS = [{"n": number, "text": "snö ☃"} for number in range(5)]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
@pytest.mark.parametrize(
    "document", [ROWS, {"items": ROWS}, {"before": [1, {"items": [2]}], "items": ROWS, "x": 1}]
)
def test_json_is_an_array_or_an_object_with_items(tmp_path: Path, name: str, document: object) -> None:
    path = write(tmp_path / name, json.dumps(document, indent=2).encode())
    assert read(path) == list(enumerate(ROWS))


def test_an_empty_array_is_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.json", b" [ ] ")) == []


@pytest.mark.parametrize("window", [1, 2, 3, 7])
def test_json_may_be_cut_anywhere_when_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(json_items, "CHUNK", window)
    items = [
        {"n": -12.5e3, "t": 'a "quoted\\" \u20ac text', "deep": [[], {}, [1, 23, True, None]]},
        {"last": 123},
    ]
    path = write(tmp_path / "a.json", b"\xef\xbb\xbf" + json.dumps({"k": 123, "items": items}).encode())
    assert [row for _, row in read(path)] == items


@settings(max_examples=100)
@given(
    items=st.lists(
        st.dictionaries(
            st.text(), st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False)
        )
    ),
    window=st.integers(1, 40),
)
def test_any_json_array_is_read_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]], window: int
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(items)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "CHUNK", window)
        assert [row for _, row in read(write(path, text.encode()))] == json.loads(text)


def test_only_a_window_of_a_json_file_is_held(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", json.dumps([{"text": "x" * 1000}] * 5000).encode())
    with path.open("rb") as file:
        rows = json_items.json_items(file)
        next(rows)
        assert file.tell() < path.stat().st_size / 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"n": 1}, {"n": }]', "item 1 is not JSON"),
        (b'[{"n": 1} {"n": 2}]', "after item 1: expected ',', found '{'"),
        (b'[{"n": 1}, {"n": 2}', "after item 2: expected ',', found the end of the file"),
        (b'[{"n": 1}, {"n": "2', "item 1 is not JSON"),
        (b'[{"n": NaN}]', "item 0 is not JSON: NaN is not a JSON number"),
        (b'[{"n": ' + b"9" * 5000 + b"}]", "item 0 is not JSON"),
        (b'{"a": 1 "items": [{}]}', "after item 0: expected ',', found '\"'"),
        (b'{"items": [{}],}', "after item 1: expected '\"', found '}'"),
        (b'{,"items": [{}]}', "after item 0: expected '\"', found ','"),
        (b'{5: 1, "items": [{}]}', "after item 0: expected '\"', found '5'"),
        (b'[{"n": 1},]', "item 1 is not JSON"),
        (b'[{"n": 01}]', "item 0 is not JSON"),
        (b'["a\tb"]', "item 0 is not JSON: Invalid control character"),
        (b'[{"n": -Infinity}]', "item 0 is not JSON: -Infinity is not a JSON number"),
        (b'{"n": 1}', "an object without an array 'items'"),
        (b'{"n": 1}\n{"n": 2}\n', "file_format='ndjson'"),
        (b'[{"n": 1}]\n[{"n": 2}]', "more after the end"),
        (b"hello", "neither a JSON array nor an object"),
        (b'[{"n": "\xff"}]', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_broken_json_file_is_refused_at_its_item(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in refusal(write(tmp_path / "a.json", content))


def test_what_comes_before_a_broken_item_is_delivered(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", b'[{"n": 1}, {"n": 2}, {"n": }]')
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
