"""One bad item of a JSON array costs only itself, if it is certain where it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.formats import json_text
from tests.mapping.loading import Loaded, mapping
from tests.sample_records import TOO_DEEP
from tests.sources.reading import most_memory

BAD = [
    (b'{"id": "b", "value": }', "not JSON"),
    (b'{"id": "b", "value": 1,}', "not JSON"),
    (b'{"id": "b", "value": 01}', "not JSON"),
    (b'{"id": "b", "value": .5}', "not JSON"),
    (b'{"id": "b", "value": None}', "not JSON"),
    (b'{"id": "b", "value": [1,, 2]}', "not JSON"),
    (b'{"id": "b", "text": "C:\\dir"}', "not JSON"),
    (b'{"id": "b", "text": "two\nlines"}', "not JSON"),
    (b'{"id": "b", "value": NaN}', "expected float64, got nan"),
    (b'{"id": "b", "value": -Infinity}', "expected float64, got -inf"),
    (b'{"id": "b", "value": 1e999}', "expected float64, got Decimal('1E+999')"),
    (b'{"id": "b", "number": %s}' % (b"9" * 5000), "column 'number' -> plant/Alarm.number: expected int32"),
    (b'{"id": "b", "text": "\\ud800"}', "column 'text' -> plant/Alarm.text: expected text"),
    (b'{"id": "b", "deep": %s1%s}' % (b"[" * TOO_DEEP, b"]" * TOO_DEEP), "nested too deeply"),
    (b'{"id": "b", "text": "\xff"}', "not UTF-8: \\xff in 'text'"),
    (b'{"id": "b", "text": "%s"}' % (b"x" * 12_000_000), "expected text"),
    (b"[1]", "expected `object`, got `array`"),
    (b"nonsense", "not JSON"),
    (b"null", "expected `object`, got `null`"),
]
PROPERTIES = {name: {"column": name, "optional": True} for name in ("value", "number", "text")}
NAMES = [row[:22].decode(errors="backslashreplace") for row, _ in BAD]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=NAMES)
@pytest.mark.parametrize("window", [97, 1 << 18])
def test_a_bad_item_is_refused_and_the_others_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: bytes, message: str, window: int
) -> None:
    monkeypatch.setattr(json_text, "CHUNK", window)
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"id": "a", "text": "x"}, ' + bad + b',\n {"id": "c", "text": "y"}]')
    loaded = Loaded(FileSource(path), mapping(PROPERTIES))
    assert loaded.identities == ["plant/a", "plant/c"]
    assert list(loaded.positions) == [0, 2]
    assert [*loaded.messages()] == [1]
    assert message in loaded.messages()[1]


@pytest.mark.parametrize(("bad", "message"), BAD, ids=NAMES)
def test_a_bad_line_is_refused_and_the_others_are_loaded(tmp_path: Path, bad: bytes, message: str) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(
        b'{"id": "a", "text": "x"}\n' + bad.replace(b"\n", b"\t") + b'\n{"id": "c", "text": "y"}'
    )
    loaded = Loaded(FileSource(path), mapping(PROPERTIES))
    assert loaded.identities == ["plant/a", "plant/c"]
    assert [*loaded.messages()] == [2]
    assert message in loaded.messages()[2]


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"9" * 5000, b'"\\ud800"', b"[NaN]"])
@pytest.mark.parametrize("name", ["a.json", "a.ndjson"])
def test_a_value_that_is_not_mapped_may_be_anything(tmp_path: Path, name: str, value: bytes) -> None:
    row = b'{"id": "a", "other": ' + value + b"}"
    path = tmp_path / name
    path.write_bytes(b"[" + row + b"]" if name == "a.json" else row)
    assert Loaded(FileSource(path), mapping(PROPERTIES)).identities == ["plant/a"]


def test_an_item_that_is_too_long_is_refused_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "LONGEST_VALUE", 1 << 20)
    size = 30_000_000
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"n": 1}, {"text": "' + b"x" * (size - 12) + b'"}, {"n": 2}]')
    assert most_memory(lambda: list(FileSource(path))) < 12_000_000
    chunks = list(FileSource(path))
    assert [row for chunk in chunks for row in chunk.rows] == [b'{"n": 1}', b'{"n": 2}']
    (refused,) = [refusal for chunk in chunks for refusal in chunk.refusals]
    assert refused.position == 1
    assert refused.message == f"is longer than 1,048,576 characters: it has {size:,}"
    assert refused.row.startswith('{"text": "xxx')
    assert len(refused.row) < 2000


def test_what_stands_beside_the_array_may_be_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "LONGEST_VALUE", 1000)
    monkeypatch.setattr(json_text, "CHUNK", 100)
    path = tmp_path / "a.json"
    path.write_text(
        json.dumps({"before": ["x" * 50, {"y": "z" * 9999}] * 100, "items": [1], "x": "y" * 9999})
    )
    assert [row for chunk in FileSource(path) for row in chunk.rows] == [b"1"]


ROWS = [{"n": number, "t": 'a "b" \\ c', "in": {"x": [1, {}], "": "]}"}} for number in range(6)]


@settings(max_examples=400)
@example(at=197, change="insert", character="}", window=7)
@given(
    at=st.integers(1, len(json.dumps(ROWS)) - 1),
    change=st.sampled_from(["cut", "drop", "double", "insert"]),
    character=st.sampled_from([*'"{}[]:,\\ x1\n', "null"]),
    window=st.sampled_from([7, 100, 1 << 18]),
)
def test_a_document_with_any_fault_keeps_its_other_items_or_ends_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, at: int, change: str, character: str, window: int
) -> None:
    text = json.dumps(ROWS)
    changed = {
        "cut": text[:at],
        "drop": text[:at] + text[at + 1 :],
        "double": text[:at] + text[at] + text[at:],
        "insert": text[:at] + character + text[at:],
    }[change]
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(changed)
    found: list[tuple[int, bytes]] = []
    message = ""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_text, "CHUNK", window)
        try:
            for chunk in FileSource(path):
                found += zip(chunk.positions, chunk.rows, strict=True)
        except SourceError as error:
            message = str(error)
    if message:
        assert "line " in message or "array" in message
    else:
        assert [position for position, _ in found] == list(range(6))
    objects = [(position, row) for position, row in found if row.startswith(b"{")]  # others are rejected
    different = [row for position, row in objects if row != json.dumps(ROWS[position]).encode()]
    assert len(different) <= 1
