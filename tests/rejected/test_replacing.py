"""What a rejected-records file takes the place of, and what it leaves alone."""

from __future__ import annotations

import io
import os
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pytest
from fsspec import register_implementation
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.contents import (
    FIRST_BYTES,
    RejectedFileInUseError,
    check_contents,
)
from airflow_provider_cdf_records.rejected.disk import DiskFile
from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Owner
from airflow_provider_cdf_records.sources.storage import is_local
from tests.rejected.test_file import path, positions, rejection, written

__all__ = ["path"]  # a fixture

MONDAY, TUESDAY = Owner("plant/load[0]", "monday"), Owner("plant/load[0]", "tuesday")
OTHERS = [Owner("plant/load[1]", "monday"), Owner("plant/load", "monday"), Owner("plant/other[0]", "monday")]
NOBODY = 65534
LINE = rejection(1).as_line(MONDAY)
NOT_OURS = {
    "notes": b"call Kari about pump 7\n",
    "records": b'{"space":"s","externalId":"a","sources":[]}\n',
    "a position": b'{"position":1}\n',
    "one long line": b"x" * 3 * FIRST_BYTES,
    "bytes": bytes(range(256)),
    "a line of notes below": LINE + b"the first one is done\n",
    "an unfinished note below": LINE + b"the first one is done",
    "a line of another task below": LINE + rejection(2).as_line(OTHERS[0]),
    "of nobody": rejection(1).as_line(),
}
OURS = {
    "nothing": b"",
    "a blank line": b"\n",
    "a line": LINE,
    "of another run": rejection(1).as_line(TUESDAY),
    "a line without its end": LINE[:-1],
    "half a line": LINE[:30],
    "the first byte of a line": LINE + LINE[:1],
    "a long line": rejection(1).as_line(MONDAY).replace(b'"no"', b'"' + b"n" * 2 * FIRST_BYTES + b'"'),
    "edited": LINE.replace(b'{"n":1}', b'{ "n": 2 }') + b"\n",
}


def put(path: Any, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_a_file_of_something_else_is_refused_at_the_start(path: Any, content: bytes) -> None:
    put(path, content)
    with pytest.raises(InvalidArgumentError, match=r"rejected\.ndjson' holds .* would be lost"):
        RejectedFile(path, MONDAY)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_a_file_of_something_else_that_comes_later_is_not_replaced(path: Any, content: bytes) -> None:
    file = RejectedFile(path, MONDAY)
    put(path, content)
    with pytest.raises(InvalidArgumentError, match=r"holds .* would be lost"):
        write_and_persist(file)
    assert path.read_bytes() == content


@pytest.mark.parametrize("content", NOT_OURS.values(), ids=NOT_OURS)
def test_a_file_of_something_else_that_comes_later_is_not_removed(
    path: Any, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = RejectedFile(path, MONDAY)
    put(path, content)
    file.complete()
    file.close()
    assert path.read_bytes() == content
    assert "nothing was removed" in caplog.text


class KeepsAll(MemoryFileSystem):
    """A store whose credentials allow writing and not deleting."""

    protocol = "keepsall"

    def rm(self, path: Any, *_: Any, **__: Any) -> None:
        raise PermissionError(path)

    rm_file = rm


@pytest.mark.filterwarnings("ignore:UPath .keepsall")
def test_a_file_that_may_not_be_removed_does_not_fail_the_load(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register_implementation("keepsall", KeepsAll, clobber=True)
    path = UPath(f"keepsall:///{tmp_path.name}/rejected.ndjson")
    written(path, 1, owner=MONDAY)
    file = RejectedFile(path, TUESDAY)
    file.complete()
    file.close()
    assert "Nothing was rejected, and nothing was removed: rejected_path" in caplog.text
    assert "cannot be removed: no permission (PermissionError" in caplog.text
    assert positions(path) == [1]


@pytest.mark.parametrize("content", OURS.values(), ids=OURS)
def test_a_file_of_the_same_task_is_replaced(path: Any, content: bytes) -> None:
    put(path, content)
    written(path, 7, owner=MONDAY)
    assert positions(path) == [7]


@pytest.mark.parametrize("other", OTHERS)
def test_two_tasks_share_no_file(path: Any, other: Owner) -> None:
    written(path, 1, owner=MONDAY)
    with pytest.raises(InvalidArgumentError, match=r"of task plant/load\[0\].*ti\.map_index"):
        RejectedFile(path, other)
    assert positions(path) == [1]


@pytest.mark.parametrize("other", OTHERS)
def test_two_tasks_that_run_at_the_same_time_share_no_file(path: Any, other: Owner) -> None:
    first, second, third = (RejectedFile(path, owner) for owner in (MONDAY, other, other))
    write_and_persist(first)
    with pytest.raises(InvalidArgumentError, match=r"rejected records of task plant/load\[0\]"):
        write_and_persist(second)
    third.complete()  # it has rejected nothing
    first.close()
    assert positions(path) == [1]


def test_two_loads_of_one_task_do_not_write_between_each_other(path: Any) -> None:
    first, second = RejectedFile(path, MONDAY), RejectedFile(path, TUESDAY)
    write_and_persist(first)
    if is_local(path):  # which can be locked
        with pytest.raises(RejectedFileInUseError, match="being written by another load"):
            RejectedFile(path, TUESDAY)
        with pytest.raises(RejectedFileInUseError, match="being written by another load"):
            second.write(rejection(2))
        second.complete()
        first.write(rejection(3))
    else:
        write_and_persist(second, 2)
        first.write(rejection(3))
        with pytest.raises(RejectedFileInUseError, match="by another program while this load wrote it"):
            first.persist()
        with pytest.raises(RejectedFileInUseError):
            first.close()
    assert positions(path) == ([1, 3] if is_local(path) else [2])


def test_the_file_is_free_once_its_load_has_ended(path: Any) -> None:
    written(path, 1, owner=MONDAY)
    written(path, 2, owner=TUESDAY)
    assert positions(path) == [2]


@pytest.mark.parametrize("harm", ["removed", "replaced"])
def test_a_file_that_is_taken_away_while_it_is_written_is_told(path: Any, harm: str) -> None:
    file = RejectedFile(path, MONDAY)
    write_and_persist(file)
    path.unlink()
    if harm == "replaced":
        path.write_bytes(b"notes, and a few more of them")
    file.write(rejection(2))
    with pytest.raises(RejectedFileInUseError, match="removed"):
        file.persist()
    with pytest.raises(RejectedFileInUseError, match="removed"):
        file.close()
    assert path.exists() is (harm == "replaced")


def test_kept_lines_that_are_gone_by_now_are_told(path: Any) -> None:
    written(path, 1, 2, owner=MONDAY)
    file = RejectedFile(path, MONDAY)
    assert file.keep(2, 2)
    path.write_bytes(LINE)
    with pytest.raises(RejectedFileInUseError, match="the next try starts over"):
        file.persist()
    assert [found.name for found in path.parent.iterdir()] == [path.name]
    path.unlink()
    with pytest.raises(RejectedFileInUseError, match="removed"):
        file.persist()
    assert not path.exists()


def test_a_line_without_an_end_is_not_read_as_a_whole() -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= FIRST_BYTES
            return b"x" * size

        def readline(self, size: int | None = -1, /) -> bytes:
            raise AssertionError

    with pytest.raises(InvalidArgumentError, match="something else than rejected records"):
        check_contents(cast("IO[bytes]", Endless()), Path("a"), None)


def write_and_persist(file: RejectedFile, row: int = 1) -> None:
    file.write(rejection(row))
    file.persist()


def a_link(path: Path) -> None:
    target = path.with_name("target")
    target.write_bytes(LINE)
    path.symlink_to(target)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as found:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket must be short
        try:
            found.bind(path.name)
        finally:
            os.chdir(here)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "is a folder": lambda path: path.mkdir(),
    "is a link, which would be replaced": a_link,
    "is a link, which would be replaced; name": lambda path: path.symlink_to("nowhere"),
    "is a device or a pipe": os.mkfifo,
    "is a device or a pipe.": a_socket,
}


@pytest.mark.parametrize(("words", "make"), SPECIAL.items(), ids=range(len(SPECIAL)))
def test_links_devices_pipes_and_folders_are_refused_at_the_start_and_when_they_come_later(
    tmp_path: Path, words: str, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "rejected.ndjson"
    early = RejectedFile(path, MONDAY)
    make(path)
    before = {found.name: found.lstat() for found in tmp_path.iterdir()}
    with pytest.raises(InvalidArgumentError, match=words):
        RejectedFile(path, MONDAY)
    with pytest.raises(InvalidArgumentError, match=words):
        early.write(rejection(1))
    early.complete()
    early.close()
    assert {found.name: found.lstat() for found in tmp_path.iterdir()} == before


def test_the_null_device_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="is a device"):
        RejectedFile(Path("/dev/null"))
    assert stat.S_ISCHR(os.lstat("/dev/null").st_mode)


def test_a_folder_of_an_object_store_is_refused(tmp_path: Path) -> None:
    put(UPath(f"memory://{tmp_path.name}/folder/a"), b"")
    with pytest.raises(InvalidArgumentError, match="is a folder; name a file in it"):
        RejectedFile(UPath(f"memory://{tmp_path.name}/folder"))


@pytest.mark.parametrize("name", ["notes.txt/rejected.ndjson", "notes.txt/deeper/rejected.ndjson"])
def test_a_file_is_no_folder_to_write_into(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(InvalidArgumentError, match="cannot be written"):
        RejectedFile(tmp_path / name)


@contextmanager
def somebody_else_than_root() -> Iterator[None]:
    """Root may write everywhere."""
    if is_root := os.getuid() == 0:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)


def test_a_folder_that_is_not_writable_is_told_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the folders above may be closed to somebody else
    tmp_path.chmod(0o555)
    with somebody_else_than_root(), pytest.raises(InvalidArgumentError, match="is not writable"):
        RejectedFile(Path("deeper") / "rejected.ndjson")
    tmp_path.chmod(0o700)


def test_what_comes_between_the_last_look_and_the_replacing_stays(tmp_path: Path) -> None:
    path = tmp_path / "rejected.ndjson"
    written(path, 1, owner=MONDAY)

    def kept_lines(file: IO[bytes]) -> list[bytes]:
        path.unlink()
        path.write_bytes(b"notes")
        return file.readlines()

    with pytest.raises(RejectedFileInUseError, match="was removed or replaced"):
        DiskFile(path, MONDAY).start(kept_lines)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"notes"


def test_nothing_is_written_beside_the_file_and_no_link_there_is_followed(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.write_text("notes")
    path = tmp_path / "rejected.ndjson"
    for name in ("rejected.ndjson.new", ".rejected.ndjson", "rejected.ndjson~"):
        (tmp_path / name).symlink_to(notes)
    before = {found.name for found in tmp_path.iterdir()}
    written(path, 1, owner=MONDAY)
    written(path, 2, owner=MONDAY)
    assert {found.name for found in tmp_path.iterdir()} == before | {path.name}
    assert notes.read_text() == "notes"


def test_a_folder_of_the_path_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to("disk")
    written(tmp_path / "data" / "rejected.ndjson", 1)
    assert positions(tmp_path / "disk" / "rejected.ndjson") == [1]


def test_the_file_may_be_read_by_whom_the_process_or_the_file_before_lets_read(tmp_path: Path) -> None:
    path, plain = tmp_path / "rejected.ndjson", tmp_path / "plain"
    plain.touch()
    written(path, 1)
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    written(path, 2)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
