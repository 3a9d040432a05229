"""Compressed files: whole, cut short, damaged, and packed very well."""

from __future__ import annotations

import errno
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.records.errors import SourceError
from airflow_provider_cdf_records.sources import FileSource
from airflow_provider_cdf_records.sources.compression import COMPRESSIONS
from tests.sources.reading import read, refusal
from tests.sources.writing import COMPRESS, NDJSON, ROWS, write

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
def test_a_file_that_is_not_compressed_as_its_suffix_says_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.ndjson{suffix}"
    path.write_bytes(NDJSON)
    assert f"is not the {NAMES[suffix]} file that its suffix says" in refusal(path)


@pytest.mark.parametrize("suffix", COMPRESS)
@pytest.mark.parametrize("name", ["a.ndjson", "a.csv", "a.json"])
def test_a_compressed_file_without_its_suffix_is_refused(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / name
    path.write_bytes(COMPRESS[suffix](NDJSON))
    assert f"is {NAMES[suffix]} data; give it a name that ends in {suffix}" in refusal(path)


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
    tracemalloc.start()
    try:
        count = sum(len(chunk.rows) for chunk in FileSource(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 10_000
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
    with pytest.raises(ConnectionResetError, match="the storage went away"):
        list(FileSource(path))
