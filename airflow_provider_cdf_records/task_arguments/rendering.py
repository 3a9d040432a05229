"""Renders the template fields of operators: only templates change, and texts stay texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from airflow_provider_cdf_records.task_arguments.references import (
    DELIMITER_NAMES,
    is_reference,
    is_template,
    resolved,
)
from airflow_provider_cdf_records.version_compat import BaseOperator, render_text


class TextRenderingOperator(BaseOperator):
    """An operator whose texts stay texts, also in a DAG with ``render_template_as_native_obj=True``.

    There, Airflow reads each text of a template field as a Python literal: ``"1e5"`` and the name of a column
    such as ``"1"`` would become numbers, ``"20260101"`` as a path a number, too. Here, a text without a
    template stays as it is. A template in a text field, or inside a field of texts, gives a text; in another
    field, and where it is the whole of a field of texts, it gives a native object, as the DAG asks for.

    :cvar text_fields: template fields that are one text each.
    :cvar fields_of_texts: template fields that are mappings or lists with texts inside.
    """

    text_fields: frozenset[str] = frozenset()
    fields_of_texts: frozenset[str] = frozenset()
    _field = ""  # the template field that is being rendered

    # Nothing public says which field is rendered. Airflow calls this method of the operator for mapped tasks
    # too, so that operators can override it.
    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Any,
        jinja_env: Any,
        seen_oids: set[int],
        **more: Any,
    ) -> None:
        try:
            for self._field in template_fields:
                super()._do_render_template_fields(
                    parent, [self._field], context, jinja_env, seen_oids, **more
                )
        finally:
            self._field = ""

    def render_template(
        self, content: Any, context: Any, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a value of a template field."""
        if seen_oids is not None and id(content) in seen_oids:  # of a mapped task, and rendered already
            return content
        if is_reference(content):
            return resolved(content, context)
        jinja_env = jinja_env or self.get_template_env()
        if isinstance(content, str) and not self._is_template(content, jinja_env):
            return content
        if self._field in self.fields_of_texts and isinstance(content, Mapping | list | tuple):
            return self._with_texts(content, context, jinja_env)
        rendered = super().render_template(content, context, jinja_env, seen_oids)
        is_text = self._field in self.text_fields and isinstance(content, str)
        return self._text(content, context) if is_text and not _can_be_given(rendered) else rendered

    def _is_template(self, text: str, jinja_env: Any) -> bool:
        return is_template(text, _delimiters_of(jinja_env)) or text.endswith(tuple(self.template_ext))

    def _with_texts(self, value: Any, context: Any, jinja_env: Any) -> Any:
        if isinstance(value, str):
            is_text = not is_template(value, _delimiters_of(jinja_env))
            return value if is_text else self._text(value, context)
        if isinstance(value, Mapping):
            return {key: self._with_texts(inner, context, jinja_env) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._with_texts(inner, context, jinja_env) for inner in value]
        return resolved(value, context) if is_reference(value) else value

    def _text(self, text: str, context: Any) -> str:
        dag = self.get_dag()
        env = self.get_template_env() if dag is None else dag.get_template_env(force_sandboxed=True)
        return render_text(env.from_string(text), context)


def _delimiters_of(jinja_env: Any) -> list[str]:
    return [start for name in DELIMITER_NAMES if (start := getattr(jinja_env, name))]


def _can_be_given(rendered: Any) -> bool:
    """Whether what a template gives natively can stay: a text, a path, nothing, or a list (an error)."""
    return (
        rendered is None
        or isinstance(rendered, str | PathLike | list)
        or hasattr(rendered, "protocol")  # a UPath, which need not be a PathLike
    )
