"""The base class of all operators that write records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.operators.rendering import TextRenderingOperator, is_template
from airflow_provider_cdf_records.records.argument_checks import (
    IfEmpty,
    check_flag,
    check_if_empty,
    check_limit,
    check_max_rejected,
)
from airflow_provider_cdf_records.version_compat import XComArg

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
    from airflow_provider_cdf_records.hooks.paths import MappingLike, Path
    from airflow_provider_cdf_records.load.summary import Summary

SUMMARY_KEY = "summary"  # of the XCom that every load pushes, however it ends


class CdfRecordsLoadOperator(TextRenderingOperator):
    """Writes records to a stream; its subclasses define the verb and the source.

    Returns the summary, and pushes it to XCom with the key ``summary`` also when the task fails.

    :param stream_id: the stream. (templated)
    :param mapping: how records are made of rows, or the path of a JSON file that holds it: a relative one
        from the working directory, or else from the folder of the DAG's file. (templated)
    :param check_schema: look at stream, capabilities and containers before the first record is sent.
    :param max_rejected: how many records may be rejected before the task fails; a ``float`` is a
        share of all, from 0.0 to 1.0.
    :param rejected_path: a file (any fsspec URL) for the rejected records and the reasons. (templated)
    :param if_empty: how a load of nothing ends (an empty list or file, or only a header): ``"succeed"``,
        ``"skip"`` (the task and what is downstream of it) or ``"fail"``, without a retry. A missing file or
        folder, a pattern that matches nothing and an upstream task that returned ``None`` fail, unless it is
        ``"skip"``.
    :param limit: load only this many rows, the first ones, the rejected ones included; by default all.
    :param validate_only: do everything but the sending; the summary says how many records are ``valid``.
    :param max_concurrency: requests in flight at most.
    :param cdf_conn_id: an Airflow connection of type ``cdf``. (templated)
    """

    verb: str
    text_fields = frozenset({"stream_id", "rejected_path", "cdf_conn_id"})
    fields_of_texts = frozenset({"mapping"})
    ui_color = "#d7ecf5"

    def __init__(
        self,
        *,
        stream_id: str,
        mapping: MappingLike | None = None,
        check_schema: bool = True,
        max_rejected: float = 0,
        rejected_path: Path | None = None,
        if_empty: IfEmpty = "succeed",
        limit: int | None = None,
        validate_only: bool = False,
        max_concurrency: int = 4,
        cdf_conn_id: str = "cdf_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stream_id = stream_id
        self.mapping = mapping
        self.check_schema = check_schema
        if isinstance(mapping, Mapping) and not _is_templated(mapping):
            _check_mapping(mapping)
        if not isinstance(max_concurrency, int) or max_concurrency < 1:
            msg = f"max_concurrency must be a whole number of at least 1, got {max_concurrency!r}."
            raise ValueError(msg)
        check_max_rejected(max_rejected)
        check_if_empty(if_empty)
        check_limit(limit)
        check_flag("validate_only", validate_only)
        check_flag("check_schema", check_schema)
        self.if_empty = if_empty
        self.limit = limit
        self.validate_only = validate_only
        self.max_rejected = max_rejected
        self.rejected_path = rejected_path
        self.max_concurrency = max_concurrency
        self.cdf_conn_id = cdf_conn_id

    @cached_property
    def hook(self) -> CdfRecordsHook:
        """The hook that does the work."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        return CdfRecordsHook(self.cdf_conn_id, max_concurrency=self.max_concurrency)

    def arguments(self, context: Any) -> dict[str, Any]:
        """Return the arguments that all loads of the hook share."""
        state_store = context.get("task_state_store")  # Airflow 3.3 and later
        return {
            "mapping": self.mapping,
            "check_schema": self.check_schema,
            "max_rejected": self.max_rejected,
            "if_empty": self.if_empty,
            "limit": self.limit,
            "validate_only": self.validate_only,
            "rejected_path": self.rejected_path,
            "is_retry": getattr(context.get("ti"), "try_number", 1) > 1,
            "state_store": state_store,
            "on_end": partial(self._push_summary, context),
        }

    def load(self, source: str, *given: Any, **arguments: Any) -> dict[str, Any]:
        """Load with the verb of the task, and return the summary.

        :param source: the kind of source, as the hook's methods call it: ``records``, ``file``, ``query``.
        """
        summary = getattr(self.hook, f"{self.verb}_{source}")(self.stream_id, *given, **arguments)
        return dict(summary.as_dict())

    def _push_summary(self, context: Any, summary: Summary) -> None:
        """Push the summary, also of a load that failed; a failure here must not hide how the load ended."""
        task_instance = context.get("ti")
        if task_instance is None:
            return
        try:
            task_instance.xcom_push(SUMMARY_KEY, summary.as_dict())
        except Exception as error:
            self.log.warning("The summary could not be pushed to XCom: %s", error)

    def on_kill(self) -> None:
        """End the load within seconds; the next try goes on from there where Airflow keeps task state."""
        self.hook.on_kill()


def _is_templated(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_is_templated, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_is_templated, value))
    return isinstance(value, XComArg) or (isinstance(value, str) and is_template(value))


def _check_mapping(mapping: Mapping[str, Any]) -> None:
    """Check a mapping when its DAG is parsed."""
    from airflow_provider_cdf_records.mapping.spec import read_mapping  # noqa: PLC0415

    read_mapping(mapping)
