"""The operators behind the decorators."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import DecoratedOperator

from airflow_provider_cdf_records.decorators.compat import arguments_of_function
from airflow_provider_cdf_records.decorators.function_rows import FunctionRows
from airflow_provider_cdf_records.operators.cdf_records import (
    CdfRecordsDeleteOperator,
    CdfRecordsIngestOperator,
    CdfRecordsUpsertOperator,
)
from airflow_provider_cdf_records.operators.records_or_path import CdfRecordsOrPathOperator
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.task_arguments.references import check_references
from airflow_provider_cdf_records.version_compat import AirflowFailException

NOT_OF_FUNCTIONS = ("records", "path", "filter", "file_format", "file_options")
OF_THE_FUNCTION = ("op_args", "op_kwargs")  # as Airflow calls its arguments
SHOWN_AS = dict.fromkeys(OF_THE_FUNCTION, "py")


def check_given(arguments: Mapping[str, Any], decorator: str) -> None:
    """Refuse an argument that says where rows come from.

    :raises InvalidArgumentError: naming it.
    """
    for name in NOT_OF_FUNCTIONS:
        if arguments.get(name) is not None:
            msg = (
                f"{decorator} takes no {name}, since its rows are what the function returns or yields. "
                f"For {name}, use the operator."
            )
            raise InvalidArgumentError(msg)


async def _awaited(result: Awaitable[Any]) -> Any:
    return await result


def _fields(operator: Any) -> tuple[str, ...]:
    return OF_THE_FUNCTION + tuple(name for name in operator.all_arguments if name not in NOT_OF_FUNCTIONS)


class FunctionOperator(DecoratedOperator, CdfRecordsOrPathOperator):
    """Calls a function when the task runs, and loads what it returns or yields.

    A generator is read while the records are sent, in a thread of its own. Its rows are in no list and in no
    XCom, and the function's result is not what the task returns: that is the summary.
    """

    custom_operator_name: str
    shallow_copy_attrs: Sequence[str] = ("python_callable",)
    if not hasattr(DecoratedOperator, "xcom_push"):
        xcom_push = None  # Airflow 3.0 asks for it, hands it on and does not use it

    def __init__(self, *, python_callable: Callable[..., Any], **kwargs: Any) -> None:
        check_given(kwargs, self.custom_operator_name)
        super().__init__(python_callable=python_callable, records=(), **kwargs)

    def execute(self, context: Any) -> Any:
        """Call the function, run the load, and return its summary."""
        name = getattr(self.python_callable, "__name__", "the function")
        self.records = FunctionRows(self._call, name)
        return super().execute(context)

    def _call(self, context: Any) -> Any:
        """Call the function with its arguments, and those of the context that it takes."""
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415

        try:
            with airflow_failures():
                self._check_function_arguments()
                context.update(self.op_kwargs)
                arguments = arguments_of_function(self.python_callable, self.op_args, context)
                result = self.python_callable(*self.op_args, **arguments)
                return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result
        except Exception:
            self.push_summary_of_nothing(context)
            raise

    def _check_function_arguments(self) -> None:
        names = [f"argument {number}" for number in range(1, len(self.op_args) + 1)] + list(self.op_kwargs)
        for name, value in zip(names, [*self.op_args, *self.op_kwargs.values()], strict=True):
            try:
                check_references(f"{name} of {self.python_callable.__name__}()", value)
            except InvalidArgumentError as error:
                raise AirflowFailException(str(error)) from None


class CdfRecordsUpsertFunctionOperator(FunctionOperator, CdfRecordsUpsertOperator):
    """Upserts what a function returns or yields."""

    template_fields = _fields(CdfRecordsUpsertOperator)
    template_fields_renderers = CdfRecordsUpsertOperator.template_fields_renderers | SHOWN_AS
    custom_operator_name = "@task.cdf_records_upsert"


class CdfRecordsIngestFunctionOperator(FunctionOperator, CdfRecordsIngestOperator):
    """Ingests what a function returns or yields."""

    template_fields = _fields(CdfRecordsIngestOperator)
    template_fields_renderers = CdfRecordsIngestOperator.template_fields_renderers | SHOWN_AS
    custom_operator_name = "@task.cdf_records_ingest"


class CdfRecordsDeleteFunctionOperator(FunctionOperator, CdfRecordsDeleteOperator):
    """Deletes the records that a function returns or yields the identities of."""

    template_fields = _fields(CdfRecordsDeleteOperator)
    template_fields_renderers = CdfRecordsDeleteOperator.template_fields_renderers | SHOWN_AS
    custom_operator_name = "@task.cdf_records_delete"
