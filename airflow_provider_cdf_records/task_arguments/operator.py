"""The base class of operators and sensors, whose arguments may be literals, templates or references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_cdf_records.records.argument_kinds import Kind
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.task_arguments.mapped import check_when_mapped
from airflow_provider_cdf_records.task_arguments.references import (
    check_references,
    delimiters_of,
    is_open,
)
from airflow_provider_cdf_records.task_arguments.rendering import TextRenderingOperator
from airflow_provider_cdf_records.task_arguments.rows import Rows, rows, warn_if_large
from airflow_provider_cdf_records.version_compat import (
    AirflowFailException,
    OperatorPartial,
    current_dag,
    takes_null_outputs,
)


@dataclass(frozen=True)
class Argument:
    """An argument of an operator.

    :param kind: reads its value.
    :param is_text: whether it is one text, which stays one in a DAG that renders native objects.
    :param holds_texts: whether the texts inside of it do.
    :param is_json: whether Airflow shows it as JSON (``"json"``) or in another way (such as ``"sql"``).
    """

    kind: Kind
    is_text: bool = False
    holds_texts: bool = False
    shown_as: str | None = None


class ArgumentsOperator(TextRenderingOperator):
    """An operator that takes its arguments as literals, templates or references of any kind.

    A subclass names its arguments in ``own_arguments``; all are template fields. Its ``__init__`` sets the
    attributes of those names, and then calls that of its base class: there, literals are read, and those that
    make no sense fail when the DAG is parsed. What is known in a run alone is read by :meth:`read_arguments`.
    """

    own_arguments: ClassVar[Mapping[str, Argument]] = {}
    all_arguments: ClassVar[Mapping[str, Argument]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if own := vars(cls).get("own_arguments"):
            known = cls.all_arguments = {**cls.all_arguments, **own}
            cls.template_fields = tuple(known)
            cls.template_fields_renderers = {
                name: one.shown_as for name, one in known.items() if one.shown_as
            }
            cls.text_fields = frozenset(name for name, one in known.items() if one.is_text)
            cls.fields_of_texts = frozenset(name for name, one in known.items() if one.holds_texts)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._refusal: str | None = None
        dag = self.get_dag()
        try:
            for name in self.all_arguments:
                value = self.read_if_literal(name, getattr(self, name), dag)
                setattr(self, name, value)
                if isinstance(value, Rows) and dag is not None and not self.is_of_mapped_task:
                    warn_if_large(value, self.task_id)
            self.check_together()
        except InvalidArgumentError as error:
            if not self.is_of_mapped_task:
                raise
            self._refusal = str(error)  # the values are those of a run: said once, when the task is executed

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped task, as Airflow's does; literals that make no sense fail here, too."""
        dag = kwargs.get("dag") or current_dag()
        for name in cls.all_arguments.keys() & kwargs.keys():
            kwargs[name] = cls.read_if_literal(name, kwargs[name], dag)
            if isinstance(kwargs[name], Rows):
                warn_if_large(kwargs[name], kwargs.get("task_id"))
        return check_when_mapped(super().partial(**kwargs))

    @classmethod
    def read_if_literal(cls, name: str, value: Any, dag: Any = None) -> Any:
        """Return the value of an argument, read unless it is known in a run alone.

        :raises InvalidArgumentError: when it makes no sense.
        """
        kind = cls.all_arguments[name].kind
        return value if kind is not rows and is_open(value, delimiters_of(dag)) else kind(name, value)

    def check_together(self) -> None:
        """Compare arguments with each other, some of which may not be known yet.

        :raises InvalidArgumentError: for some that do not go together.
        """

    def read_arguments(self) -> None:
        """Read all arguments, once Airflow has rendered them.

        :raises AirflowFailException: naming one that makes no sense, since no retry can mend it.
        """
        if self._refusal is not None:
            raise AirflowFailException(self._refusal)
        try:
            for name, argument in self.all_arguments.items():
                value = getattr(self, name)
                check_references(name, value)
                setattr(self, name, argument.kind(name, value))
        except InvalidArgumentError as error:
            raise AirflowFailException(str(error)) from None

    def push_outputs(self, context: Any, outputs: Mapping[str, Any]) -> None:
        """Push XComs, each with its key, for ``task.output[key]``.

        A failure here must not hide how the task ended. With Airflow's ``multiple_outputs``, a key that there
        is not would give ``None``, and nothing of a task that failed. Airflow 3.0 gets no output that is
        ``None``.
        """
        task_instance = context.get("ti")
        if task_instance is None:
            return
        nulls = takes_null_outputs()
        try:
            for key, value in outputs.items():
                if nulls or value is not None:
                    task_instance.xcom_push(key, value)
        except Exception as error:
            self.log.warning("The output could not be pushed to XCom: %s", error)

    @property
    def is_of_mapped_task(self) -> bool:
        """Whether Airflow makes this operator in a run, for one instance of a mapped task."""
        return bool(getattr(self, "_BaseOperator__from_mapped", False))  # nothing public tells
