"""The argument ``records`` of operators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from os import PathLike
from typing import Any

from airflow_provider_cdf_records.operators.rendering import is_template
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, MissingSourceError
from airflow_provider_cdf_records.records.identifiers import shortened
from airflow_provider_cdf_records.version_compat import XComArg, for_any_thread


class Rows(XComArg):
    """The argument ``records``, which Airflow does not touch until the task runs.

    It is an XCom reference, so that the tasks in it become upstream tasks of the operator. Rendering does not
    change it: rows are never rendered as templates, and neither masked nor stored with the rendered fields,
    which would take longer than the upsert.
    """

    def __init__(self, given: Any) -> None:
        self.given = given

    def iter_references(self) -> Iterator[Any]:
        """Yield the upstream tasks, for Airflow."""
        items = self.given if isinstance(self.given, list | tuple) else [self.given]
        for item in items:
            if isinstance(item, XComArg):
                yield from item.iter_references()

    def resolve(self, context: Any, *args: Any, **kwargs: Any) -> Rows:  # noqa: ARG002
        """Return the object itself when Airflow renders the task; :meth:`pull` returns the records."""
        return self

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.given is None or isinstance(self.given, XComArg):
            return str(self.given)
        return f"{len(self.given):,} records" if isinstance(self.given, Sized) else "records"

    def pull(self, context: Any, *, skip_none: bool = False) -> Iterable[Any]:
        """Return the records; an upstream task's output is fetched now.

        :param skip_none: leave out the tasks, of several, that returned ``None``.
        """
        given = self.given
        if isinstance(given, list | tuple) and any(isinstance(item, XComArg) for item in given):
            items = [_resolved(item, context) for item in given]
            returned = [item for item in items if not isinstance(item, NothingReturned)]
            if len(returned) < len(items) and not (returned and skip_none):
                return next(item for item in items if isinstance(item, NothingReturned))
            return returned
        records: Iterable[Any] = _resolved(given, context)
        return records


class NothingReturned:
    """What a task returned that returned ``None``: the load fails, or skips, when it iterates over it.

    :param tasks: the names of the task.
    """

    def __init__(self, tasks: str) -> None:
        self._tasks = tasks

    def __iter__(self) -> Iterator[Any]:
        msg = (
            f"Task {self._tasks} returned no records; it must return a list, an empty one when there is "
            "nothing (or set if_empty='skip')."
        )
        raise MissingSourceError(msg)


def check_records(records: Any) -> None:
    """Refuse what can be no rows, whatever they are made of, when the DAG is parsed.

    :raises InvalidArgumentError: saying what to give instead.
    """
    if isinstance(records, str) and is_template(records):
        msg = (
            f"records must not be a template, since rows are never rendered, got {shortened(repr(records))}. "
            "Give it the upstream task's output: extract.output, or what calling a @task function returns."
        )
    elif isinstance(records, str | PathLike):
        msg = f"records must be rows, got {shortened(repr(records))}; to load a file, use path."
    elif records is None or not isinstance(records, bytes | bytearray | Mapping | int | float):
        return
    else:
        msg = f"records must be a list (or another iterable) of rows, got {type(records).__name__}"
        msg += (
            "; put a single row into a list, and make a frame of columns."
            if isinstance(records, Mapping)
            else "."
        )
    raise InvalidArgumentError(msg)


def _resolved(item: Any, context: Any) -> Any:
    if not isinstance(item, XComArg):
        return item
    value = item.resolve(context)
    if value is None:
        return NothingReturned(", ".join(repr(operator.task_id) for operator, _ in item.iter_references()))
    return for_any_thread(value)
