"""Tells values that are known when a DAG is parsed from those that only a run knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.version_compat import (
    AirflowException,
    DagParam,
    ResolveMixin,
    XComNotFound,
)

DELIMITERS = ("{{", "{%", "{#")  # of Jinja, unless a DAG sets others
DELIMITER_NAMES = (
    "variable_start_string",
    "block_start_string",
    "comment_start_string",
    "line_statement_prefix",
    "line_comment_prefix",
)

# What a reference raises that no retry can mend: an XCom without that key, `.map` over what is no list, a
# parameter that the DAG does not have.
FAILURES = (XComNotFound, ValueError, TypeError, LookupError, RuntimeError)


class FailedReference:
    """Stands for the value of a reference that gave none, until the argument is read.

    :param reason: what it raised.
    """

    def __init__(self, reason: Exception) -> None:
        self._reason = reason

    def __repr__(self) -> str:
        return f"a reference that fails: {type(self._reason).__name__}: {self._reason}"


def resolved(reference: Any, context: Any) -> Any:
    """Return what a reference stands for in a run: an upstream task's output, or an argument or parameter."""
    try:
        return reference.resolve(context)
    except FAILURES as error:
        return FailedReference(error)
    except AirflowException as error:
        if not isinstance(reference, DagParam):
            raise
        return FailedReference(error)  # Airflow 2: a parameter that the DAG does not have


def delimiters_of(dag: Any) -> tuple[str, ...]:
    """Return what the templates of a DAG, which may be ``None``, begin with."""
    given = getattr(dag, "jinja_environment_kwargs", None) or {}
    defaults = dict(zip(DELIMITER_NAMES, DELIMITERS, strict=False))
    return tuple(start for name in DELIMITER_NAMES if (start := given.get(name, defaults.get(name))))


def is_template(text: str, delimiters: Iterable[str] = DELIMITERS) -> bool:
    """Whether a text holds a template."""
    return any(start in text for start in delimiters)


def is_reference(value: Any) -> bool:
    """Whether a value stands for another: an XCom, a DAG's parameter, an argument of a mapped task group."""
    return isinstance(value, ResolveMixin)


def is_open(value: Any, delimiters: Iterable[str] = DELIMITERS) -> bool:
    """Whether a value, or one inside of it, is a template or a reference."""
    return any(
        is_template(inner, delimiters) if isinstance(inner, str) else is_reference(inner)
        for inner in _inside(value)
    )


def references_in(value: Any) -> Iterator[Any]:
    """Yield the references inside of a value."""
    return filter(is_reference, _inside(value))


def names_of(reference: Any) -> Iterator[str]:
    """Yield the tasks whose output a reference stands for, such as ``extract`` or ``check['rows']``."""
    for operator, key in reference.iter_references():
        yield operator.task_id if key == "return_value" else f"{operator.task_id}[{key!r}]"


def resolved_in(value: Any, context: Any) -> Any:
    """Return a value with what the references inside of it stand for, and nothing else changed."""
    if is_reference(value):
        return resolved(value, context)
    if isinstance(value, Mapping):
        return {key: resolved_in(inner, context) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [resolved_in(inner, context) for inner in value]
    return value


def check_references(name: str, value: Any) -> None:
    """Refuse an argument in which a reference gave no value.

    :raises InvalidArgumentError: naming the argument, and what the reference raised.
    """
    for inner in _inside(value):
        if isinstance(inner, FailedReference):
            msg = f"{name} is {inner!r}."
            raise InvalidArgumentError(msg)


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            yield from _inside(inner)
    else:
        yield value
