"""The decorators ``@task.cdf_records_upsert``, ``_ingest`` and ``_delete``, with types for editors."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar

from airflow_provider_cdf_records.decorators.compat import task_decorator
from airflow_provider_cdf_records.decorators.operators import (
    CdfRecordsDeleteFunctionOperator,
    CdfRecordsIngestFunctionOperator,
    CdfRecordsUpsertFunctionOperator,
    FunctionOperator,
    check_given,
)
from airflow_provider_cdf_records.version_compat import current_dag

if TYPE_CHECKING:
    from airflow.sdk.bases.decorator import Task

    from airflow_provider_cdf_records.hooks.paths import MappingLike, Path
    from airflow_provider_cdf_records.records.argument_checks import IfEmpty

P = ParamSpec("P")


class ArrowStream(Protocol):
    """A frame: of pandas, polars, pyarrow or anything else that hands on Arrow data."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """Return the data."""


RowsOfFunction = Iterable[Any] | AsyncIterable[Any] | ArrowStream | None
R = TypeVar("R", bound=RowsOfFunction | Awaitable[RowsOfFunction])


class _Decorator(Protocol):
    """How the decorators are called."""

    def __call__(
        self,
        *,
        stream_id: str,
        mapping: MappingLike | None = None,
        check_schema: bool = True,
        max_rejected: float = 0,
        rejected_path: Path | None = None,
        if_empty: IfEmpty = "succeed",
        limit: int | None = None,
        partition: str | None = None,
        validate_only: bool = False,
        max_concurrency: int = 4,
        cdf_conn_id: str = "cdf_default",
        **task_arguments: Any,
    ) -> Callable[[Callable[P, R]], Task[P, R]]: ...


def _decorator(operator: type[FunctionOperator], doc: str) -> _Decorator:
    name = operator.custom_operator_name

    def decorator(python_callable: Any = None, **arguments: Any) -> Any:
        if python_callable is not None:
            msg = f"{name} needs at least a stream: {name}(stream_id=...)."
            raise TypeError(msg)
        check_given(arguments, name)
        if dag := arguments.get("dag") or current_dag():  # whose templates may have other delimiters
            for argument in operator.all_arguments.keys() & arguments.keys():
                arguments[argument] = operator.read_if_literal(argument, arguments[argument], dag)
        return task_decorator(operator, **arguments)

    decorator.__name__ = decorator.__qualname__ = name.removeprefix("@task.")
    decorator.__doc__ = doc
    return decorator


_PARAMETERS = """
    The function may return a list, a frame, an iterator or a generator, or yield rows, lists of rows or
    frames; it may be asynchronous. A generator is read while the records are sent, so that any number of them
    takes little memory, and none is in XCom. What fails in the middle of it fails the task as it would in any
    task; what was sent stays sent. ``None`` is an error, unless ``if_empty`` is ``"skip"``. The task returns
    the summary.

    The parameters are those of :class:`.CdfRecordsLoadOperator` and of every task.
"""

cdf_records_upsert = _decorator(
    CdfRecordsUpsertFunctionOperator,
    f"""Make a task that upserts what a function returns or yields.

    .. code-block:: python

        @task.cdf_records_upsert(stream_id="alarms")
        def extract(since):
            for alarm in plant.alarms(since):
                yield {{"space": "plant", "externalId": alarm.id, "sources": [...]}}
    {_PARAMETERS}""",
)
cdf_records_ingest = _decorator(
    CdfRecordsIngestFunctionOperator,
    f"""Make a task that ingests what a function returns or yields: creates records, and overwrites none.
    {_PARAMETERS}""",
)
cdf_records_delete = _decorator(
    CdfRecordsDeleteFunctionOperator,
    f"""Make a task that deletes the records whose identities a function returns or yields.
    {_PARAMETERS}""",
)
