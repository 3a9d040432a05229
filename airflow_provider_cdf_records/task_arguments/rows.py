"""The argument ``records`` of operators."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import chain
from os import PathLike
from typing import Any

from airflow_provider_cdf_records.records.argument_kinds import IS_NOTHING
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, MissingSourceError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.task_arguments.references import (
    check_references,
    is_reference,
    is_template,
    names_of,
    references_in,
    resolved_in,
)
from airflow_provider_cdf_records.task_arguments.upstream import Nothing, outputs_of
from airflow_provider_cdf_records.version_compat import ResolveMixin, RowsOfAnyThread

LARGE = 1_000_000  # characters of literal rows in a DAG's file
MEASURED = 20  # rows of them
FEW = 1000  # literal rows, at most, in which references are looked for each time a DAG's file is read


class Rows(ResolveMixin):
    """The argument ``records``, which Airflow does not touch until the task runs.

    It is a reference, so that the tasks in it become upstream tasks of the operator. Rendering does not
    change it: rows are never rendered as templates, and neither masked nor stored with the rendered fields or
    with the DAG, which would take longer than the load. What Airflow shows of it is ``str(rows)``.

    :ivar read: how many rows a load has read, once it has ended.
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self.read: int | None = None

    def iter_references(self) -> Iterator[Any]:
        """Yield the upstream tasks, for Airflow."""
        items = self.given if isinstance(self.given, list | tuple) else [self.given]
        for item in items:
            if isinstance(item, ResolveMixin):  # without a call for each row
                yield from item.iter_references()
        for reference in self._inside_of_rows():
            yield from reference.iter_references()

    def _inside_of_rows(self) -> Iterator[Any]:
        """Yield the references that are values of literal rows."""
        if isinstance(self.given, list | tuple) and len(self.given) <= FEW:
            for item in self.given:
                if isinstance(item, Mapping):
                    yield from references_in(item)

    def resolve(self, context: Any, *args: Any, **kwargs: Any) -> Rows:  # noqa: ARG002
        """Return the object itself when Airflow renders the task; :meth:`pull` returns the records."""
        self.read = None  # a second run in the same process has read nothing yet
        return self

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.given is None:
            return str(self.given)
        items = self.given if isinstance(self.given, list | tuple) else [self.given]
        references = [item for item in items if isinstance(item, ResolveMixin)]  # without a call for each row
        tasks = dict.fromkeys(name for reference in references for name in names_of(reference))
        if isinstance(self.given, Sized) and not references:
            return f"{len(self.given):,} records"
        what = f"output of {', '.join(tasks)}" if tasks else "records"
        return what if self.read is None else f"{what}: {self.read:,} rows read"

    def pull(self, context: Any, *, skip_none: bool = False) -> Iterable[Any]:
        """Return the records; an upstream task's output is fetched now, and is empty where it was skipped.

        :param skip_none: leave out the tasks, of several, that returned ``None``.
        """
        given = self.given
        if any(True for _ in self._inside_of_rows()):
            given = [resolved_in(item, context) if isinstance(item, Mapping) else item for item in given]
            try:
                check_references("records", given)
            except InvalidArgumentError as error:
                return FailingRows(error)
        items = given if isinstance(given, list | tuple) else [given]
        if not any(map(is_reference, items)):
            records: Iterable[Any] = given
            return records
        try:
            outputs = [output for item in items for output in outputs_of(item, context)]
        except InvalidArgumentError as error:
            return FailingRows(error)
        there = [output for output in outputs if not isinstance(output, Nothing)]
        missing = [output for output in outputs if isinstance(output, Nothing) and not output.was_skipped]
        if missing and not (there and skip_none):
            msg = (
                f"Task {missing[0]} returned no records; it must return a list, an empty one when there is "
                "nothing (or set if_empty='skip')."
            )
            return FailingRows(MissingSourceError(msg))
        if len(there) == 1 and not isinstance(self.given, list | tuple):
            only: Iterable[Any] = there[0]
            return only
        return _joined(there)


class FailingRows:
    """Rows that there are not: the load fails, or skips, when it iterates over them.

    :param error: says why.
    """

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __iter__(self) -> Iterator[Any]:
        raise self._error


def rows_of_no_path(reference: Any, context: Any) -> Iterable[Any]:
    """Return the rows of files whose path, a reference, is ``None``: none where its task was skipped."""
    outputs = list(outputs_of(reference, context))
    if outputs and all(isinstance(output, Nothing) and output.was_skipped for output in outputs):
        return []
    msg = f"path must be a path or an fsspec URL, got None{IS_NOTHING}."
    return FailingRows(MissingSourceError(msg))


def _joined(outputs: list[Any]) -> Iterable[Any]:
    """Return the rows of several outputs, of which the lazy ones are fetched one after the other."""
    if not any(map(_is_lazy, outputs)):
        return outputs
    return chain.from_iterable(output if _is_lazy(output) else [output] for output in outputs)


def _is_lazy(output: Any) -> bool:
    """Whether an output is a sequence of outputs, such as those of a mapped task, and no list or row."""
    if isinstance(output, list | tuple | str | bytes | bytearray):
        return False
    return isinstance(output, RowsOfAnyThread | Sequence)


def rows(name: str, value: Any) -> Rows:
    """Read the argument ``records``.

    :raises InvalidArgumentError: for what can be no rows, whatever they are made of, saying what to give.
    """
    records = value.given if isinstance(value, Rows) else value
    if isinstance(records, str) and is_template(records):
        msg = (
            f"{name} must not be a template, since rows are never rendered, got {shortened(repr(records))}. "
            "Give it the upstream task's output: extract.output, or what calling a @task function returns."
        )
    elif isinstance(records, str | PathLike):
        msg = f"{name} must be rows, got {shortened(repr(records))}; to load a file, use path."
    elif records is None or not isinstance(records, bytes | bytearray | Mapping | int | float):
        return value if isinstance(value, Rows) else Rows(value)
    else:
        msg = f"{name} must be a list (or another iterable) of rows, got {type(records).__name__}"
        msg += (
            "; put a single row into a list, and make a frame of columns."
            if isinstance(records, Mapping)
            else "."
        )
    raise InvalidArgumentError(msg)


def warn_if_large(records: Rows, task_id: Any) -> None:
    """Warn of many literal rows, which every process that reads the DAG's file has to make.

    :param task_id: the id of the task, for the message.
    """
    given = records.given
    if not isinstance(given, list | tuple) or not given:
        return
    measured = given[:: max(1, len(given) // MEASURED)]
    size = sum(len(json.dumps(row, default=str)) for row in measured) * len(given) // len(measured)
    if size <= LARGE:
        return
    warnings.warn(
        f"records of task {task_id!r} are {len(given):,} literal rows, about {size / 1e6:,.0f} MB, which "
        "Airflow makes anew each time it reads the DAG's file. Have an upstream task return them, or load "
        "a file by path.",
        stacklevel=2,
    )
