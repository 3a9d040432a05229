"""The argument ``records`` of operators."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from typing import Any

from airflow_provider_cdf_records.version_compat import AirflowFailException, XComArg, for_any_thread


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

    def pull(self, context: Any) -> Iterable[Any]:
        """Return the records; an upstream task's output is fetched now.

        :raises AirflowFailException: when the upstream task returned nothing, not even an empty list.
        """
        given = self.given
        if isinstance(given, list | tuple) and any(isinstance(item, XComArg) for item in given):
            return [_resolved(item, context) for item in given]
        records: Iterable[Any] = _resolved(given, context)
        return records


def _resolved(item: Any, context: Any) -> Any:
    if not isinstance(item, XComArg):
        return item
    value = item.resolve(context)
    if value is None:
        names = ", ".join(repr(operator.task_id) for operator, _ in item.iter_references())
        msg = f"Task {names} returned no records; it must return a list, an empty one when there is nothing."
        raise AirflowFailException(msg)
    return for_any_thread(value)
