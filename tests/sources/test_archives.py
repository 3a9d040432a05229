"""Zip archives: a folder of their members, whatever is wrong with them."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.errors import (
    InvalidArgumentError,
    MissingSourceError,
    SourceError,
    StorageError,
)
from airflow_provider_cdf_records.sources import FileSource
from tests.sources.reading import most_memory, read, refusal, rows_in, rows_of
from tests.sources.writing import PLAIN, WRITERS, some_rows


def write_zip(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def csv_of(*numbers: int) -> bytes:
    return b"n\n" + b"".join(b"%d\n" % number for number in numbers)


def numbers_in(source: FileSource) -> list[int]:
    return [int(row["n"]) for _, row in rows_of(source)]


def test_a_zip_is_its_members_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = write_zip(
        tmp_path / "x.zip",
        {"b.csv": csv_of(2), "a.csv": csv_of(1), "in/deep/c.ndjson": b'{"n": 3}\n', "z.json": b'[{"n": 4}]'},
    )
    source = FileSource(path)
    assert [source.where(position) for position, _ in rows_of(source)] == [
        f"row 1 of {path}/a.csv",
        f"row 1 of {path}/b.csv",
        f"line 1 of {path}/in/deep/c.ndjson",
        f"items[0] of {path}/z.json",
    ]
    assert numbers_in(source) == [1, 2, 3, 4]


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_may_have_any_format(tmp_path: Path, name: str, method: int) -> None:
    content = WRITERS[name.partition(".")[2]](some_rows())
    path = write_zip(tmp_path / "x.zip", {name: content, f"in/{name}": content}, method)
    assert [row for _, row in read(path)] == some_rows() * 2


def test_a_member_may_be_compressed_itself(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv.gz": gzip.compress(csv_of(1)), "b.csv": csv_of(2)})
    assert numbers_in(FileSource(path)) == [1, 2]


def test_hidden_members_and_folders_are_left_out(tmp_path: Path) -> None:
    hidden = ["__MACOSX/._a.csv", ".b.csv", "_SUCCESS", "in/.git/c.csv", "in/_d.csv", "empty/"]
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)} | dict.fromkeys(hidden, b""))
    assert numbers_in(FileSource(path)) == [1]


def test_a_zip_among_other_files_is_its_members_too(tmp_path: Path) -> None:
    paths = [tmp_path / "1.csv", write_zip(tmp_path / "2.ZIP", {"a.csv": csv_of(2), "b.csv": csv_of(3)})]
    paths += [tmp_path / "3.csv"]
    paths[0].write_bytes(csv_of(1))
    paths[2].write_bytes(csv_of(4))
    assert numbers_in(FileSource(*paths)) == [1, 2, 3, 4]


def test_file_format_and_file_options_are_those_of_each_member(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.txt": b"a;n\n1;2\n", "b.dat": b"a;n\n3;4\n"})
    assert [row for _, row in read(path, "csv", delimiter=";")] == [
        {"a": "1", "n": "2"},
        {"a": "3", "n": "4"},
    ]
    path = write_zip(tmp_path / "y.zip", {"a.csv": b"n\n1\n", "b.ndjson": b'{"n": 1}\n'})
    with pytest.raises(InvalidArgumentError, match="'delimiter' is not an option of ndjson"):
        FileSource(path, file_options={"delimiter": ";"})


@pytest.mark.parametrize("name", ["download", "data.bin"])
def test_a_zip_without_its_suffix_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    assert numbers_in(FileSource(write_zip(tmp_path / name, {"a.csv": csv_of(1)}))) == [1]


# Where a load goes on


@pytest.mark.parametrize("name", PLAIN)
def test_a_load_goes_on_after_any_chunk_of_a_zip(tmp_path: Path, name: str) -> None:
    write = WRITERS[name.partition(".")[2]]
    members = {f"{number}-{name}": write(some_rows(count)) for number, count in enumerate((1500, 1, 2100))}
    path = write_zip(tmp_path / "x.zip", members)
    whole = FileSource(path)
    chunks = list(whole)
    everything = [row for chunk in chunks for row in rows_in(chunk)]
    words = {position: whole.where(position) for position, _ in everything}
    for mark in [chunk.end for chunk in chunks]:
        source = FileSource(path)
        source.resume_after(mark)
        assert source.where(mark.position) == words[mark.position]
        assert rows_of(source) == [row for row in everything if row[0] > mark.position]


def test_the_fingerprint_changes_with_the_zip(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    before = FileSource(path).fingerprint()
    assert FileSource(path).fingerprint() == json.loads(json.dumps(before)) == before
    assert FileSource(path, file_format="tsv").fingerprint() != before
    write_zip(path, {"a.csv": csv_of(1, 2)})
    assert FileSource(path).fingerprint() != before


def test_a_zip_knows_that_it_is_one_of_the_files(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    assert FileSource(path).reads(path)
    assert not FileSource(path).reads(tmp_path / "y.zip")


def test_the_share_read_grows_with_the_members(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {f"{n}.csv": csv_of(*range(50_000)) for n in range(3)})
    source = FileSource(path)
    shares = [share for _ in source if (share := source.share()) is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.5 < shares[-1] <= 1


# What is wrong with a zip


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "is a zip archive with no files"),
        ({"_SUCCESS": b"", "in/": b""}, "is a zip archive with no files"),
    ],
)
def test_a_zip_with_no_files_is_missing(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(MissingSourceError, match=message):
        FileSource(write_zip(tmp_path / "x.zip", members))


def test_a_zip_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match=r"x\.zip does not exist"):
        FileSource(tmp_path / "x.zip")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("readme.txt", b"hello", "x.zip/readme.txt has none of the suffixes"),
        ("in/b.zip", b"PK\x03\x04", "x.zip/in/b.zip is a zip archive inside another one; unpack it"),
        ("b.csv", b"PK\x03\x04", "x.zip/b.csv is a zip archive inside another one; unpack it"),
        ("b.parquet", b"PAR1", "x.zip/b.parquet: is not a whole Parquet file"),
        ("b.csv.gz", gzip.compress(b"n\n1\n", mtime=0)[:-3], "x.zip/b.csv.gz is cut short: its gzip data"),
        ("[Content_Types].xml", b"<Types/>", "x.zip is a document of an office program"),
    ],
)
def test_a_member_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    assert message in refusal(write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1), name: content}))


def test_a_spreadsheet_is_told(tmp_path: Path) -> None:
    for name in ("x.xlsx", "x", "x.csv", "x.csv.gz"):
        path = write_zip(tmp_path / name, {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b""})
        assert "such as Excel; save its table as CSV" in refusal(path)


def test_an_encrypted_member_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    content = bytearray(path.read_bytes())
    content[6] |= 1  # the flag in the member's own header, and in the list of all members
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert f"{path}/a.csv is encrypted; write the zip archive without a password" in refusal(path)


def test_a_member_with_a_feature_that_python_lacks_is_no_damage(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    content = bytearray(path.read_bytes())
    content[6] |= 0x20  # patched data: the flag in the member's own header, and in the list of all members
    content[content.index(b"PK\x01\x02") + 8] |= 0x20
    path.write_bytes(content)
    message = refusal(path)
    assert f"{path}/a.csv cannot be read: compressed patched data" in message
    assert "damaged" not in message


@pytest.mark.parametrize(("method", "name"), [(zipfile.ZIP_BZIP2, "bzip2"), (zipfile.ZIP_LZMA, "lzma")])
def test_a_member_that_would_be_unpacked_at_once_is_refused(tmp_path: Path, method: int, name: str) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)}, method)
    assert f"{path}/a.csv is compressed by {name}; write the zip archive again with deflate" in refusal(path)


@pytest.mark.parametrize("left", [0, 1, 30, 0.5, -1])
def test_a_zip_cut_anywhere_is_not_taken_for_a_whole_one(tmp_path: Path, left: float) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(*range(1000)), "b.csv": csv_of(1)})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(left * len(whole)) if isinstance(left, float) else left])
    message = refusal(path)
    assert "is cut short: it has 0 bytes" in message or "is not a whole zip archive" in message


def test_damaged_data_of_a_member_is_told(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": b"n\n" + os.urandom(50_000).hex().encode()})
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert f"{path}/a.csv is damaged" in refusal(path)


def test_a_zip_with_any_byte_changed_gives_its_rows_or_an_error(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1, 2), "b.csv": csv_of(3)})
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(SourceError):
            assert numbers_in(FileSource(path)) in ([1, 2, 3], [3, 1, 2]), "a name may be another one"


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
def test_rows_that_are_packed_very_well_take_little_memory(tmp_path: Path, name: str) -> None:
    line = b'{"n":"%s"}\n' % (b"x" * 10_000)
    content = line * 10_000
    path = write_zip(tmp_path / "x.zip", {name: gzip.compress(content) if name.endswith("gz") else content})
    del content
    list(FileSource(write_zip(tmp_path / "small.zip", {"a.ndjson": line})))  # the imports
    counts: list[int] = []
    peak = most_memory(lambda: counts.extend(len(chunk.rows) for chunk in FileSource(path)))
    assert sum(counts) == 10_000
    assert peak < 20_000_000


def test_the_list_of_members_is_not_read_for_each_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists_read = []

    class Counted(zipfile.ZipFile):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            lists_read.append(args)
            super().__init__(*args, **kwargs)

    path = write_zip(tmp_path / "x.zip", {f"{n:04}.csv": csv_of(n) for n in range(300)})
    monkeypatch.setattr(zipfile, "ZipFile", Counted)
    assert numbers_in(FileSource(path)) == list(range(300))
    assert len(lists_read) == 2, "once to choose the members, and once to read them"


def test_no_file_is_left_open(tmp_path: Path) -> None:
    paths = [write_zip(tmp_path / f"{n}.zip", {"a.csv": csv_of(n), "b.csv": csv_of(n)}) for n in range(20)]
    before = len(os.listdir("/dev/fd"))
    source = FileSource(*paths)
    assert len(os.listdir("/dev/fd")) <= before
    for _ in source:
        assert len(os.listdir("/dev/fd")) <= before + 2
    assert len(os.listdir("/dev/fd")) <= before


class OneWay(io.FileIO):
    """A file as some servers give it."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        msg = "Cannot seek streaming HTTP file"
        raise ValueError(msg)


class LosesItsConnection(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise ConnectionResetError("gone")


def opening_as(path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(type(path), "open", lambda path, _: kind(str(path)))
    return path


def test_storage_that_cannot_seek_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    assert "can only be read from start to end" in refusal(opening_as(path, OneWay, monkeypatch))


def test_an_error_of_the_storage_is_not_taken_for_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(1)})
    source = FileSource(path)
    opening_as(path, LosesItsConnection, monkeypatch)
    for read_it in (lambda: FileSource(path), lambda: list(source)):
        with pytest.raises(StorageError, match=r"x\.zip cannot be accessed: ConnectionResetError") as failed:
            read_it()
        assert failed.value.retryable


def test_a_member_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    """As in an archive that is made to be unpacked into more than was expected."""
    path = write_zip(tmp_path / "x.zip", {"a.csv": csv_of(*range(1000))})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    struct.pack_into("<I", content, at, 10)
    path.write_bytes(content)
    assert f"{path}/a.csv is damaged" in refusal(path)
