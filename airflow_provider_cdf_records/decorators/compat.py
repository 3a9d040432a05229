"""What decorators are made of, from where the installed Airflow (2.11 or 3) keeps it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from airflow.providers.common.compat.sdk import task_decorator_factory


def task_decorator(operator: type[Any], **arguments: Any) -> Any:
    """Return a decorator that makes tasks of functions, which an operator runs.

    :param arguments: of the operator.
    """
    return task_decorator_factory(decorated_operator_class=operator, **arguments)


def arguments_of_function(function: Any, given: Collection[Any], context: Mapping[str, Any]) -> Any:
    """Return those of the values in a context that a function takes, besides its positional arguments."""
    try:
        determine = import_module("airflow.sdk.bases.decorator").determine_kwargs
    except (ImportError, AttributeError):  # Airflow 2 and 3.0
        determine = import_module("airflow.utils.operator_helpers").determine_kwargs
    return determine(function, given, context)
