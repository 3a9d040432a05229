"""Keeps a row that makes a converter fail from ending the load."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_cdf_records.records.chunk import Chunk, Convert, Records, Refusal, joined
from airflow_provider_cdf_records.records.encoding import display
from airflow_provider_cdf_records.records.identifiers import InvalidRecordError

MAX_TEXT = 1000  # characters of an error's text in the reason


class Guarded:
    """A converter that rejects the rows for which another one fails in a way that nobody foresaw.

    A chunk that fails is halved until the rows that fail are alone.

    :param convert: the other converter; an error of it that has the attribute ``retryable`` is one of the
        whole load, and passes.
    """

    def __init__(self, convert: Convert) -> None:
        self._convert = convert

    def __call__(self, chunk: Chunk) -> Records:
        try:
            return self._convert(chunk)
        except Exception as error:
            if _ends_the_load(error):
                raise
            parts = [*self._parts(chunk._replace(refusals=()), error)]
        return joined(parts, chunk.refusals)

    def _parts(self, chunk: Chunk, error: Exception) -> Iterator[Records]:
        """Convert a chunk that failed as a whole, in parts.

        :param chunk: without refusals.
        :param error: what it failed with.
        """
        count = len(chunk.rows)
        if count <= 1:
            refusals = [Refusal(chunk.positions[0], chunk.as_read()[0], _reason(error))] if count else []
            yield Records([], [], [], [], refusals)
            return
        middle = count // 2
        for start, end in ((0, middle), (middle, count)):
            part = chunk._replace(positions=chunk.positions[start:end], rows=chunk.rows[start:end])
            try:
                yield self._convert(part)
            except Exception as error_here:
                if _ends_the_load(error_here):
                    raise
                yield from self._parts(part, error_here)


def _ends_the_load(error: Exception) -> bool:
    return isinstance(error, MemoryError) or hasattr(error, "retryable")


def _reason(error: Exception) -> str:
    text = display(error, str)
    text = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
    if isinstance(error, InvalidRecordError):
        return text
    return f"cannot be converted: {type(error).__name__}: {text}".rstrip(": ")
