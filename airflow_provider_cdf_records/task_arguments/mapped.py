"""Checks the literals that a mapped task is mapped over when its DAG is parsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.task_arguments.rows import Rows, warn_if_large
from airflow_provider_cdf_records.version_compat import OperatorPartial

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import MappedOperator


class CheckedPartial(OperatorPartial):
    """What ``.partial()`` of an operator of ours returns."""

    __slots__ = ()

    def expand(self, **mapped: Any) -> MappedOperator:
        """Make a task of it for each value, as Airflow does."""
        for name, values in mapped.items():
            if isinstance(values, list | tuple):
                mapped[name] = [self._checked(name, value) for value in values]
        return super().expand(**mapped)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """Make a task of it for each dict of arguments, as Airflow does."""
        if isinstance(kwargs, Sequence) and not isinstance(kwargs, str):
            kwargs = [
                {name: self._checked(name, value) for name, value in one.items()}
                if isinstance(one, Mapping)
                else one
                for one in kwargs
            ]
        return super().expand_kwargs(kwargs, strict=strict)

    def _checked(self, name: str, value: Any) -> Any:
        operator: Any = self.operator_class
        if name not in operator.all_arguments:
            return value
        read = operator.read_if_literal(name, value, self.kwargs.get("dag"))
        if isinstance(read, Rows):
            warn_if_large(read, self.kwargs.get("task_id"))
        return read


def check_when_mapped(partial: OperatorPartial) -> OperatorPartial:
    """Have a partial task check what it is mapped over."""
    partial.__class__ = (
        CheckedPartial  # a copy would need Airflow's mark that the other one was not forgotten
    )
    return partial
