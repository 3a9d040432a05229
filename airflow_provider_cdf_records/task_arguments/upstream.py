"""What upstream tasks returned, and which of them were skipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_cdf_records.task_arguments.references import FailedReference, check_references, resolved
from airflow_provider_cdf_records.version_compat import for_any_thread, states_in_run

SKIPPED = ("skipped", "removed")


@dataclass(frozen=True)
class Nothing:
    """Stands for the output of a task that returned ``None`` or did not run.

    :param names: the task, or tasks, for messages.
    """

    names: str
    was_skipped: bool

    def __str__(self) -> str:
        return self.names


def outputs_of(reference: Any, context: Any) -> Iterator[Any]:
    """Yield what a reference to rows stands for: the outputs of the tasks in it, or :class:`Nothing`.

    Anything else than a reference is yielded as it is.

    :raises InvalidArgumentError: when the reference fails for another reason than a task that was skipped.
    """
    if not hasattr(reference, "iter_references"):
        yield reference
        return
    if hasattr(reference, "args") and not hasattr(reference, "fillvalue"):  # `one.concat(other)`
        for arg in reference.args:
            yield from outputs_of(arg, context)
        return
    value = resolved(reference, context)
    if isinstance(value, FailedReference) and hasattr(reference, "callables"):  # `it.map(function)` of none
        outputs = list(outputs_of(reference.arg, context))
        if outputs and all(isinstance(output, Nothing) for output in outputs):
            yield from outputs
            return
    check_references("records", value)
    yield _nothing_of(reference, context) if value is None else for_any_thread(value)


def _nothing_of(reference: Any, context: Any) -> Nothing:
    tasks = [operator for operator, _ in reference.iter_references()]
    names = ", ".join(repr(task.task_id) for task in tasks)
    return Nothing(names, was_skipped=bool(tasks) and all(_was_skipped(task, context) for task in tasks))


def _was_skipped(task: Any, context: Any) -> bool:
    """Whether no instance of a task did run, of those whose output a running task gets."""
    states = states_in_run(task.task_id, context)
    own = getattr(context.get("ti"), "map_index", None)
    if own in states:  # both are in the same mapped task group
        states = {own: states[own]}
    return bool(states) and all(state in SKIPPED for state in states.values())
