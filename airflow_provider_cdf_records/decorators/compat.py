"""Airflow's names for decorators, from where the installed Airflow (2.11 or 3) keeps them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from airflow_provider_cdf_records.version_compat import AIRFLOW_3

DECORATORS = "airflow.sdk.bases.decorator" if AIRFLOW_3 else "airflow.decorators.base"


def decorated_operator() -> type[Any]:
    """Return ``DecoratedOperator``, the base of the operators of ``@task.something``."""
    found: type[Any] = import_module(DECORATORS).DecoratedOperator
    return found


def task_decorator(operator: type[Any], **arguments: Any) -> Any:
    """Return a decorator that makes tasks of functions, which an operator runs.

    :param arguments: of the operator.
    """
    return import_module(DECORATORS).task_decorator_factory(decorated_operator_class=operator, **arguments)


def arguments_of_function(function: Any, given: Collection[Any], context: Mapping[str, Any]) -> Any:
    """Return those of the values in a context that a function takes, besides its positional arguments."""
    for module in (DECORATORS, "airflow.utils.operator_helpers"):  # the second in Airflow 2 and 3.0
        if determine := getattr(import_module(module), "determine_kwargs", None):
            return determine(function, given, context)
    msg = "This Airflow has no determine_kwargs."
    raise ImportError(msg)
