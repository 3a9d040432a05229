from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.pipeline import json_items
from airflow_provider_cdf_records.pipeline.errors import SourceError
from airflow_provider_cdf_records.pipeline.sources import FileSource, RecordsSource

ROWS = [{"n": number, "text": "snö ☃"} for number in range(5)]
NDJSON = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
EXPECTED = list(enumerate(ROWS))


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(path: Path, file_format: str | None = None) -> list[tuple[int, Any]]:
    source = FileSource(path, file_format)
    return [(at, json.loads(row) if isinstance(row, bytes) else row) for at, row in source]


def refusal(path: Path, file_format: str | None = None) -> str:
    with pytest.raises(SourceError) as refused:
        read(path, file_format)
    assert str(path) in str(refused.value) or file_format
    return str(refused.value)


@pytest.mark.parametrize("name", ["a.ndjson", "a.jsonl", "a.ndjson.gz", "A.NDJSON.GZ"])
def test_ndjson_is_a_row_a_line_with_its_number(tmp_path: Path, name: str) -> None:
    content = gzip.compress(NDJSON) if name.lower().endswith(".gz") else NDJSON
    (tmp_path / name).write_bytes(content)
    assert read(tmp_path / name) == [(at + 1, row) for at, row in EXPECTED]


@pytest.mark.parametrize(
    "content",
    [
        NDJSON.rstrip(b"\n"),
        NDJSON.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + NDJSON,
    ],
    ids=["no last newline", "crlf", "bom"],
)
def test_ndjson_of_any_editor_is_read(tmp_path: Path, content: bytes) -> None:
    assert [row for _, row in read(write(tmp_path / "a.ndjson", content))] == ROWS


def test_blank_lines_are_passed_over_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ndjson", b'\n{"n":1}\n\n  \n{"n":2}\n\n')
    assert read(path) == [(2, {"n": 1}), (5, {"n": 2})]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
@pytest.mark.parametrize(
    "document", [ROWS, {"items": ROWS}, {"before": [1, {"items": [2]}], "items": ROWS, "x": 1}]
)
def test_json_is_an_array_or_an_object_with_items(tmp_path: Path, name: str, document: object) -> None:
    assert read(write(tmp_path / name, json.dumps(document, indent=2).encode())) == EXPECTED


def test_an_empty_array_is_no_rows(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.json", b" [ ] ")) == []


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
def test_json_may_be_cut_anywhere_when_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(json_items, "CHUNK", chunk)
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
    chunk=st.integers(1, 40),
)
def test_any_json_array_is_read_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]], chunk: int
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(items)
    before, json_items.CHUNK = json_items.CHUNK, chunk
    try:
        assert [row for _, row in read(write(path, text.encode()))] == json.loads(text)
    finally:
        json_items.CHUNK = before


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
        (b'[{"n": NaN}]', "NaN is not JSON"),
        (b'{"n": 1}', "an object without an array 'items'"),
        (NDJSON, "file_format='ndjson'"),
        (b'[{"n": 1}]\n[{"n": 2}]', "more after the end"),
        (b"hello", "neither a JSON array nor an object"),
        (b'[{"n": "\xff"}]', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b"   ", "neither a JSON array nor an object"),
    ],
)
def test_a_broken_json_file_is_refused_at_its_item(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in refusal(write(tmp_path / "a.json", content))


def test_file_format_overrides_the_suffix(tmp_path: Path) -> None:
    assert len(read(write(tmp_path / "a.txt", NDJSON), "ndjson")) == len(ROWS)
    assert len(read(write(tmp_path / "b.dat", json.dumps(ROWS).encode()), "json")) == len(ROWS)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.ndjson", b"", "is empty (0 bytes)"),
        ("a.json", b"", "is empty (0 bytes)"),
        ("a.ndjson", b"\n \n", "holds no records"),
        ("a.ndjson", b'[{"n": 1}]', "file_format='json'"),
        ("a.ndjson", gzip.compress(NDJSON), "give it a name that ends in .gz"),
        ("a.txt", NDJSON, "none of the suffixes"),
    ],
)
def test_a_file_that_is_not_what_its_suffix_says_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    assert message in refusal(write(tmp_path / name, content))


def test_a_gz_file_that_is_not_gzip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson.gz").write_bytes(NDJSON)
    assert "is not the gzip file" in refusal(tmp_path / "a.ndjson.gz")


def test_an_empty_gzip_holds_no_records(tmp_path: Path) -> None:
    assert "holds no records" in refusal(write(tmp_path / "a.ndjson.gz", b""))


def test_a_truncated_gzip_delivers_what_is_there_and_then_fails(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(b'{"n":"%d"}\n' % (n * 7919 % 100_003) for n in range(50_000)))
    path = tmp_path / "a.ndjson.gz"
    path.write_bytes(whole[: len(whole) // 2])
    rows = []
    with pytest.raises(SourceError, match="cut short"):
        for row in FileSource(path):
            rows.append(row)
    assert rows


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "missing.ndjson")
    (tmp_path / "folder.ndjson").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.ndjson")


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    assert "choose from json, ndjson" in refusal(write(tmp_path / "a.csv", b"a,b"), "csv")


def test_the_share_read_grows_with_the_file(tmp_path: Path) -> None:
    source = FileSource(write(tmp_path / "a.ndjson", NDJSON * 100_000))
    assert source.share() is None
    shares = [share for at, _ in source if at % 50_000 == 0 and (share := source.share()) is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.2
    assert shares[-1] == 1
    assert source.share() is None


def test_positions_are_put_into_words(tmp_path: Path) -> None:
    assert FileSource(tmp_path / "a.ndjson").where(3) == f"line 3 of {tmp_path}/a.ndjson"
    assert FileSource(tmp_path / "a.json").where(3) == f"item 3 of {tmp_path}/a.json"
    assert RecordsSource([]).where(3) == "records[3]"


def test_lists_of_records_are_flattened() -> None:
    assert list(RecordsSource([{"n": 0}, [{"n": 1}, {"n": 2}], [], ({"n": 3},)])) == [
        (n, {"n": n}) for n in range(4)
    ]


def test_a_generator_is_read_one_row_at_a_time() -> None:
    taken = []

    def generate() -> Iterator[dict[str, int]]:
        for n in range(10):
            taken.append(n)
            yield {"n": n}

    rows = iter(RecordsSource(generate()))
    next(rows)
    assert taken == [0]


def test_the_share_of_a_list_is_known_and_of_a_generator_not() -> None:
    source = RecordsSource([{}] * 4)
    rows = iter(source)
    next(rows)
    assert source.share() == 0.25
    assert RecordsSource(iter([{}])).share() is None


@pytest.mark.parametrize("records", ["a/path.ndjson", b"bytes", {"space": "s"}])
def test_what_is_not_a_list_of_records_is_refused(records: Any) -> None:
    with pytest.raises(SourceError, match="must be a list"):
        RecordsSource(records)
