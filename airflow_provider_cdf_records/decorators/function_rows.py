"""What a function of the user returns or yields, as the rows of an operator."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError, MissingSourceError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.task_arguments.rows import FailingRows, Rows


class FunctionRows(Rows):
    """The argument ``records`` of a task whose rows a function gives.

    :param call: calls the function with its arguments, in a context.
    :param name: of the function, for messages.
    """

    def __init__(self, call: Callable[[Any], Any], name: str) -> None:
        super().__init__(())
        self._call = call
        self._name = name

    def pull(self, context: Any, *, skip_none: bool = False) -> Any:  # noqa: ARG002
        """Call the function, and return its rows, those of a generator as it yields them."""
        result = self._call(context)
        if result is None:
            msg = (
                f"{self._name}() returned None; it must return or yield records, [] when there is nothing "
                "(or set if_empty='skip')."
            )
            return FailingRows(MissingSourceError(msg))
        if not _can_be_rows(result):
            hint = ""
            if isinstance(result, Mapping):
                hint = "; put a single record into a list, or yield it"
            elif isinstance(result, str):
                hint = f"; a file is loaded by an operator with path={self._name}()"
            got = f"{type(result).__name__} {shortened(repr(result))}"
            msg = f"{self._name}() must return or yield records, or return a frame, got {got}{hint}."
            return FailingRows(InvalidArgumentError(msg))
        return _Generated(result) if isinstance(result, GeneratorType) else result


class _Generated:
    """The rows of a generator, which is closed as soon as the load leaves it, and not later."""

    def __init__(self, generator: Iterator[Any]) -> None:
        self._generator = generator

    def __iter__(self) -> Iterator[Any]:
        yield from self._generator


def _can_be_rows(result: Any) -> bool:
    if isinstance(result, str | bytes | bytearray | Mapping):
        return False
    return isinstance(result, Iterable | AsyncIterable) or hasattr(result, "__arrow_c_stream__")
