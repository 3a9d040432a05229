"""Compressed files: whole, cut short, damaged, and packed very well."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import SourceError, StorageError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.compression import COMPRESSIONS
from tests.sources.reading import most_memory, read, refusal, rows_of
from tests.sources.writing import COMPRESS, NDJSON, ROWS, WRITERS, as_ndjson, some_rows, write

NAMES = {known.suffix: known.name for known in COMPRESSIONS}


def test_every_compression_is_tested() -> None:
    assert NAMES.keys() == COMPRESS.keys()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_member_of_a_compressed_file_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(b"".join(COMPRESS[suffix](line) for line in NDJSON.splitlines(keepends=True)))
    assert [row for _, row in read(path)] == ROWS


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_truncated_file_delivers_what_is_there_and_then_fails(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESS[suffix](os.urandom(1_500_000).hex().encode().replace(b"00", b"\n"))
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(whole[: len(whole) // 2])
    chunks = []
    with pytest.raises(SourceError, match=rf"{path} is cut short: its {NAMES[suffix]} data ends before"):
        for chunk in FileSource(path):
            chunks.append(chunk)
    assert chunks


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("left", [4, 5, 10, -1])
def test_a_file_cut_anywhere_is_not_taken_for_a_whole_one(tmp_path: Path, suffix: str, left: int) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(COMPRESS[suffix](b"n\n1\n2\n")[:left])
    assert "is cut short" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.json"])
def test_a_file_is_decompressed_whatever_its_suffix_says(tmp_path: Path, name: str, suffix: str) -> None:
    content = WRITERS[name.partition(".")[2]](some_rows(5))
    for other in ("", *COMPRESS):
        path = tmp_path / f"{name}{other}"
        path.write_bytes(COMPRESS[suffix](content))
        assert [row for _, row in read(path)] == some_rows(5)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_as_it_is_though_its_suffix_says_that_it_is_compressed(
    tmp_path: Path, encoding: str, suffix: str
) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes("größe\ttext\r\n1\tä\r\n".encode(encoding))
    assert read(path, "tsv", encoding=encoding) == [(1, {"größe": "1", "text": "ä"})]


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"n\n1\n\x00\x00", b"\x1f"])
def test_bytes_that_are_neither_compressed_nor_text_are_refused(
    tmp_path: Path, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(content)
    assert f"is not the {NAMES[suffix]} file that its suffix says, nor text" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_of_no_bytes_is_cut_short(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.csv{suffix}"
    path.write_bytes(b"")
    assert "is cut short: it has 0 bytes" in refusal(path)


def test_a_text_that_begins_as_compressed_data_does_is_text(tmp_path: Path) -> None:
    assert read(write(tmp_path / "a.csv", b"BZh1\n1\n")) == [(1, {"BZh1": "1"})]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_load_goes_on_in_a_file_that_is_compressed_without_its_suffix(tmp_path: Path, suffix: str) -> None:
    rows = some_rows(3000)
    path = tmp_path / "a.ndjson"
    path.write_bytes(COMPRESS[suffix](as_ndjson(rows)))
    mark = next(iter(FileSource(path))).end
    source = FileSource(path)
    source.resume_after(mark)
    assert [row for _, row in rows_of(source)] == rows[mark.position :]


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_load_goes_on_in_a_text_whose_suffix_says_that_it_is_compressed(
    tmp_path: Path, suffix: str
) -> None:
    rows = some_rows(3000)
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(as_ndjson(rows))
    mark = next(iter(FileSource(path))).end
    source = FileSource(path)
    source.resume_after(mark)
    assert [row for _, row in rows_of(source)] == rows[mark.position :]


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("format_name", ["parquet", "arrow"])
def test_a_format_that_compresses_inside_is_not_compressed_as_a_whole(
    tmp_path: Path, format_name: str, suffix: str
) -> None:
    path = tmp_path / f"a.{format_name}"
    path.write_bytes(COMPRESS[suffix](WRITERS[format_name](some_rows(5))))
    assert "is compressed as a whole" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    content = bytearray(COMPRESS[suffix](os.urandom(5000).hex().encode()))
    content[len(content) // 2] ^= 0xFF
    content[-3] ^= 0xFF
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(bytes(content))
    assert f"is damaged: its {NAMES[suffix]} data cannot be read" in refusal(path)


@settings(max_examples=50)
@given(
    frames=st.lists(st.binary(max_size=200).map(bytes.hex), min_size=1, max_size=5),
    suffix=st.sampled_from(sorted(COMPRESS)),
)
def test_compressed_bytes_are_read_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, frames: list[str], suffix: str
) -> None:
    path = tmp_path_factory.mktemp("compressed") / f"a.csv{suffix}"
    path.write_bytes(b"".join(COMPRESS[suffix](frame.encode()) for frame in ["n\n", *frames]))
    text = "".join(frames)
    assert read(path) == ([(1, {"n": text})] if text else [])


@pytest.mark.parametrize("suffix", COMPRESS)
def test_rows_that_are_packed_very_well_take_little_memory(tmp_path: Path, suffix: str) -> None:
    """A hundred megabytes of constant rows become a few kilobytes, which no read may unpack at once."""
    path = tmp_path / f"a.ndjson{suffix}"
    line = b'{"n":"%s"}\n' % (b"x" * 10_000)
    path.write_bytes(COMPRESS[suffix](line * 10_000))
    list(FileSource(write(tmp_path / f"small.ndjson{suffix}", line)))  # the imports
    counts: list[int] = []
    peak = most_memory(lambda: counts.extend(len(chunk.rows) for chunk in FileSource(path)))
    assert sum(counts) == 10_000
    assert peak < 20_000_000


@pytest.mark.parametrize("suffix", COMPRESS)
def test_an_error_of_the_storage_is_not_taken_for_damage(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / f"a.ndjson{suffix}", os.urandom(2_000_000).hex().encode())

    class LosesItsConnection(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:  # type: ignore[override]
            if self.tell():
                raise ConnectionResetError(errno.ECONNRESET, "the storage went away")
            return super().read(size) or b""

    monkeypatch.setattr(type(path), "open", lambda path, _: LosesItsConnection(str(path)))
    with pytest.raises(StorageError, match=rf"{path} cannot be accessed: .*the storage went away") as failed:
        list(FileSource(path))
    assert failed.value.retryable
    assert isinstance(failed.value.__cause__, ConnectionResetError)


def test_a_file_compressed_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(bz2.compress(b"a,b\n1,2\n")))
    assert "is compressed twice: its gzip data holds bzip2 data; decompress it once" in refusal(path)
