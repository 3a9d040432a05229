"""Reading ahead in a thread: the same rows, and an end within seconds whatever the source is doing."""

from __future__ import annotations

import logging
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.records.chunk import Chunk, Mark
from airflow_provider_cdf_records.sources import FORMATS, FileSource, ReadAhead, RecordsSource, read_ahead
from airflow_provider_cdf_records.sources.read_ahead import CHUNKS_AHEAD, CHUNKS_TOGETHER
from tests.sources.reading import rows_of
from tests.sources.writing import some_rows, write_rows
from tests.waiting import PATIENCE, wait_until

SETTING: ContextVar[str] = ContextVar("setting", default="none")


def read_ahead_of(source: Any) -> ReadAhead[Chunk]:
    return ReadAhead(source, lambda chunk: chunk)


class Chunks:
    """A source of what a function yields, a row a chunk."""

    def __init__(self, rows: Callable[[], Iterator[Any]]) -> None:
        self._rows = rows

    def __iter__(self) -> Iterator[Chunk]:
        for position, row in enumerate(self._rows()):
            yield Chunk([position], [row], Mark(position))

    def where(self, position: int) -> str:
        return f"row {position}"

    def share(self) -> float | None:
        return 0.5


class Blocking(Chunks):
    """A source that blocks after its first row until it is cancelled."""

    def __init__(self) -> None:
        super().__init__(self._block)
        self.blocks = threading.Event()
        self.cancelled = threading.Event()
        self.cancels = 0

    def cancel(self) -> None:
        self.cancels += 1
        self.cancelled.set()

    def _block(self) -> Iterator[Any]:
        yield "first"
        self.blocks.set()
        self.cancelled.wait(PATIENCE)
        yield "second"


def rows_until_end(ahead: ReadAhead, source: Blocking, end: Callable[[], None]) -> list[Any]:
    """Return the rows of a source that is ended once its first row is here and it blocks."""
    rows: list[Any] = []
    has_first = threading.Event()

    def end_when_it_blocks() -> None:
        source.blocks.wait(PATIENCE)
        has_first.wait(PATIENCE)
        end()

    threading.Thread(target=end_when_it_blocks).start()
    with ahead:
        for chunk in ahead:
            rows += chunk.rows
            has_first.set()
    return rows


def source_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "cdf-source"]


@pytest.mark.parametrize("name", [f"a{known.suffixes[0]}" for known in FORMATS])
def test_the_rows_of_a_source_come_as_they_are(tmp_path: Path, name: str) -> None:
    paths = [write_rows(tmp_path / f"{number}{name}", some_rows()) for number in range(2)]
    source = FileSource(*paths)
    expected = rows_of(source)
    with read_ahead_of(source) as ahead:
        assert rows_of(ahead) == expected


def test_a_source_can_be_read_again() -> None:
    with read_ahead_of(RecordsSource(some_rows())) as ahead:
        assert rows_of(ahead) == rows_of(ahead) == list(enumerate(some_rows()))


def test_chunks_are_converted_in_the_thread_of_the_source() -> None:
    source = RecordsSource(some_rows())
    with ReadAhead(source, lambda chunk: (threading.current_thread().name, len(chunk.rows))) as ahead:
        assert {name for name, _ in ahead} == {"cdf-source"}


def test_an_error_of_the_conversion_is_raised_after_what_came_before() -> None:
    def convert(chunk: Chunk) -> Any:
        if chunk.rows == ["b"]:
            msg = "cannot be converted"
            raise LookupError(msg)
        return chunk.rows

    got = []
    with (
        pytest.raises(LookupError, match="cannot be converted"),
        ReadAhead(Chunks(lambda: iter("abc")), convert) as ahead,
    ):
        got.extend(ahead)
    assert got == [["a"]]


@pytest.mark.parametrize("waits_for_others", [False, True])
def test_only_a_few_chunks_are_read_ahead(waits_for_others: bool) -> None:
    begun: list[int] = []
    most_ahead = 0

    def rows() -> Iterator[int]:
        for number in range(1000):
            begun.append(number)
            yield number

    source = Chunks(rows)
    if waits_for_others:
        source.cancel = lambda: None  # type: ignore[attr-defined]
    with read_ahead_of(source) as ahead:
        for taken, _ in enumerate(ahead, start=1):
            if waits_for_others and taken == 1:
                wait_until(lambda: len(begun) == CHUNKS_TOGETHER)
            elif waits_for_others and taken == 2:
                wait_until(lambda: len(begun) == 2 * CHUNKS_TOGETHER)
            most_ahead = max(most_ahead, len(begun) - taken)
    assert len(begun) == 1000
    if waits_for_others:
        assert 2 * CHUNKS_TOGETHER - 2 <= most_ahead <= CHUNKS_AHEAD + CHUNKS_TOGETHER
    else:
        assert most_ahead == CHUNKS_TOGETHER - 1


def test_an_error_comes_after_the_rows_before_it_with_its_traceback() -> None:
    def fail_here() -> Iterator[str]:
        yield "a"
        yield "b"
        msg = "the database went away"
        raise LookupError(msg)

    rows = []
    with (
        pytest.raises(LookupError, match="the database went away") as failure,
        read_ahead_of(Chunks(fail_here)) as ahead,
    ):
        for chunk in ahead:
            rows += chunk.rows
    assert rows == ["a", "b"]
    assert "fail_here" in [frame.name for frame in traceback.extract_tb(failure.value.__traceback__)]
    wait_until(lambda: not source_threads())


def test_a_generator_runs_with_the_context_of_the_caller() -> None:
    def rows() -> Iterator[str]:
        yield SETTING.get()
        SETTING.set("changed by the source")
        yield SETTING.get()

    token = SETTING.set("of the caller")
    try:
        with read_ahead_of(Chunks(rows)) as ahead:
            assert [row for chunk in ahead for row in chunk.rows] == [
                "of the caller",
                "changed by the source",
            ]
        assert SETTING.get() == "of the caller"
    finally:
        SETTING.reset(token)


def test_a_generator_that_is_left_is_closed_and_its_thread_ends() -> None:
    closed_by: list[str] = []

    def rows() -> Iterator[int]:
        try:
            yield from range(1000)
        finally:
            closed_by.append(threading.current_thread().name)

    with read_ahead_of(Chunks(rows)) as ahead:
        next(iter(ahead))
    assert closed_by == ["cdf-source"]
    assert not source_threads()


def test_an_iterator_without_close_is_read_too() -> None:
    class Plain(Chunks):
        def __iter__(self) -> Iterator[Chunk]:
            return map(lambda n: Chunk([n], [n], Mark(n)), range(3))  # noqa: C417 (no generator)

    with read_ahead_of(Plain(lambda: iter(()))) as ahead:
        assert [row for chunk in ahead for row in chunk.rows] == [0, 1, 2]


def test_a_source_that_blocks_is_cancelled_when_it_is_left() -> None:
    source = Blocking()
    with read_ahead_of(source) as ahead:
        next(iter(ahead))
        source.blocks.wait(PATIENCE)
    assert source.cancels
    assert not source_threads()


def test_a_source_that_has_ended_is_not_cancelled() -> None:
    source = Blocking()
    source.cancelled.set()
    with read_ahead_of(source) as ahead:
        assert [row for chunk in ahead for row in chunk.rows] == ["first", "second"]
    assert not source.cancels


def test_stop_ends_the_iteration_from_any_thread() -> None:
    source = Blocking()
    ahead = read_ahead_of(source)
    assert rows_until_end(ahead, source, ahead.stop) == ["first"]
    wait_until(lambda: not source_threads())


@pytest.mark.parametrize("raises", [False, True])
def test_a_signal_ends_the_iteration_while_the_source_blocks(raises: bool) -> None:
    source = Blocking()
    ahead = read_ahead_of(source)

    def handle(*_: Any) -> None:
        if raises:
            raise TimeoutError
        ahead.stop()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        rows = rows_until_end(ahead, source, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    except TimeoutError:
        assert raises
    else:
        assert not raises
        assert rows == ["first"]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert source.cancels


def test_a_source_that_blocks_for_ever_is_left_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(read_ahead, "STOP_WITHIN", 0.05)
    monkeypatch.setattr(read_ahead, "LOOK_EVERY", 0.01)
    released = threading.Event()

    def rows() -> Iterator[str]:
        yield "first"
        released.wait(PATIENCE)

    with caplog.at_level(logging.WARNING), read_ahead_of(Chunks(rows)) as ahead:
        next(iter(ahead))
    assert "The source did not stop within 0.05 seconds" in caplog.text
    assert all(thread.daemon for thread in source_threads())
    released.set()
    wait_until(lambda: not source_threads())


def test_what_comes_after_the_end_is_not_converted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "STOP_WITHIN", 0.05)
    blocks, released = threading.Event(), threading.Event()
    converted: list[Any] = []

    def rows() -> Iterator[str]:
        yield "first"
        blocks.set()
        released.wait(PATIENCE)
        yield "too late"

    with ReadAhead(Chunks(rows), lambda chunk: converted.append(chunk.rows) or chunk) as ahead:
        next(iter(ahead))
        blocks.wait(PATIENCE)
    released.set()
    wait_until(lambda: not source_threads())
    assert converted == [["first"]]
