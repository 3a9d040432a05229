"""The base class of all operators that write records."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, get_args

from airflow_provider_cdf_records.links.cdf_records import LINKS, links_of
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.argument_checks import IfEmpty
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.late_imports import collecting_later
from airflow_provider_cdf_records.task_arguments.callers import note_folders, noted_folders
from airflow_provider_cdf_records.task_arguments.mapping import mapping_or_path
from airflow_provider_cdf_records.task_arguments.operator import Argument, ArgumentsOperator
from airflow_provider_cdf_records.task_arguments.references import delimiters_of, is_open
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, AirflowFailException, OperatorPartial

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
    from airflow_provider_cdf_records.hooks.lineage import LoadLineage
    from airflow_provider_cdf_records.hooks.paths import MappingLike, Path
    from airflow_provider_cdf_records.load.summary import Summary

SUMMARY_KEY = "summary"  # of the XCom that every load pushes, however it ends


class CdfRecordsLoadOperator(ArgumentsOperator):
    """Writes records to a stream; its subclasses define the verb and the source.

    Every argument may be a literal, a template, or a reference: an upstream task's output, ``dag.param``, an
    argument of a mapped task group. Numbers, ``True`` and ``False`` may come as texts.

    Returns the summary, and pushes it to XCom with the key ``summary`` also when the task fails. Each number
    in it is an XCom of its own, too: ``load.output["upserted"]``. (Its ``probes``, by which a
    ``CdfRecordsSensor(load=load.output)`` waits, are in the summary alone.) The rest is also the ``extra`` of
    the events of the task's outlets; an outlet that is an ``AssetAlias`` (Airflow 2: ``DatasetAlias``) gets
    the asset of the stream.

    :param stream_id: the stream.
    :param mapping: how records are made of rows, or the path of a JSON file that holds it: a relative one
        from the working directory, or else from the folder of the DAG's file, also where that file is called
        from another one, such as a test.
    :param check_schema: look at stream, capabilities and containers before the first record is sent.
    :param max_rejected: how many records may be rejected before the task fails; a ``float`` is a
        share of all, from 0.0 to 1.0.
    :param rejected_path: a file (any fsspec URL) for the rejected records and the reasons.
    :param if_empty: how a load of nothing ends (an empty list or file, or only a header): ``"succeed"``,
        ``"skip"`` (the task and what is downstream of it) or ``"fail"``, without a retry. An upstream task
        that was skipped gave nothing; a missing file or folder, a pattern that matches nothing and an
        upstream task that returned ``None`` fail, unless it is ``"skip"``.
    :param limit: load only this many rows, the first ones, the rejected ones included; by default all.
    :param partition: load only a part of the rows, such as ``"2/8"``, the second of eight: those whose
        identity belongs to it. All rows of one identity are of one part, so that eight tasks, one a part, at
        the same time or not, come to what one would, and their summaries add up to its summary.
    :param validate_only: do everything but the sending; the summary says how many records are ``valid``.
    :param max_concurrency: requests in flight at most.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    """

    verb: str
    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "stream_id": Argument(kinds.stream_id, is_text=True),
        "mapping": Argument(mapping_or_path, holds_texts=True, shown_as="json"),
        "check_schema": Argument(kinds.flag),
        "max_rejected": Argument(kinds.count_or_share),
        "rejected_path": Argument(kinds.optional(kinds.path, as_text=False), is_text=True),
        "if_empty": Argument(kinds.one_of(*get_args(IfEmpty)), is_text=True),
        "limit": Argument(kinds.optional(kinds.whole_number(least=1, of="number of rows"))),
        "partition": Argument(kinds.optional(kinds.partition, as_text=False), is_text=True),
        "validate_only": Argument(kinds.flag),
        "max_concurrency": Argument(kinds.whole_number(least=1)),
        "cdf_conn_id": Argument(kinds.connection_id, is_text=True),
    }
    ui_color = "#d7ecf5"
    operator_extra_links = LINKS
    kept_links: Mapping[str, str] | None = None  # of the task that runs

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
        partition: str | None = None,
        validate_only: bool = False,
        max_concurrency: int = 4,
        cdf_conn_id: str = "cdf_default",
        **kwargs: Any,
    ) -> None:
        self.stream_id = stream_id
        self.mapping = mapping
        self.check_schema = check_schema
        self.max_rejected = max_rejected
        self.rejected_path = rejected_path
        self.if_empty = if_empty
        self.limit = limit
        self.partition = partition
        self.validate_only = validate_only
        self.max_concurrency = max_concurrency
        self.cdf_conn_id = cdf_conn_id
        super().__init__(**kwargs)
        if not self.is_of_mapped_task:
            note_folders(self.get_dag(), self.task_id)

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped task, as Airflow's does."""
        partial = super().partial(**kwargs)
        note_folders(partial.kwargs.get("dag"), partial.kwargs["task_id"])
        return partial

    @property
    def folders_of_callers(self) -> list[str]:
        """The folders of the files that make this task, for paths relative to them."""
        return noted_folders(self.dag_id, self.task_id)

    def check_together(self) -> None:
        """Refuse a path of rejected records that a task with another part of the rows has, too."""
        super().check_together()
        dag, path = self.get_dag(), self.rejected_path
        if self.partition is None or path is None or dag is None or is_open(path, delimiters_of(dag)):
            return
        for other in dag.tasks:
            if (
                isinstance(other, CdfRecordsLoadOperator)
                and other.task_id != self.task_id
                and other.partition is not None
                and str(other.rejected_path) == str(path)
            ):
                from airflow_provider_cdf_records.sources.storage import shown_url  # noqa: PLC0415 (heavy)

                msg = (
                    f"rejected_path {shown_url(path)!r} is that of task {other.task_id!r}, too, which would "
                    "lose records: give each part a path of its own, such as by {{ task.task_id }}."
                )
                raise InvalidArgumentError(msg)

    @cached_property
    def hook(self) -> CdfRecordsHook:
        """The hook that does the work."""
        with collecting_later():
            from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        return CdfRecordsHook(self.cdf_conn_id, max_concurrency=self.max_concurrency)

    def arguments(self, context: Any) -> dict[str, Any]:
        """Read all arguments, and return those that all loads of the hook share.

        :raises AirflowFailException: naming an argument that makes no sense.
        """
        try:
            self.read_arguments()
        except AirflowFailException:
            self.push_summary_of_nothing(context)
            raise
        state_store = context.get("task_state_store")  # Airflow 3.3 and later
        return {
            "mapping": self.mapping,
            "check_schema": self.check_schema,
            "max_rejected": self.max_rejected,
            "if_empty": self.if_empty,
            "limit": self.limit,
            "partition": self.partition,
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

    def load_ended(self, rows_read: int) -> None:
        """Do what a kind of source does when a load has ended, well or not."""

    def push_summary_of_nothing(self, context: Any) -> None:
        """Push the summary of a load that does not begin."""
        self._push_summary(context, _summary_of_nothing(self.verb, self.stream_id))

    def _push_summary(self, context: Any, summary: Summary) -> None:
        """Push the summary, whole and in parts, also of a load that failed."""
        from airflow_provider_cdf_records.load.summary import PROBES  # noqa: PLC0415 (heavy)
        from airflow_provider_cdf_records.operators.events import add_to_events  # noqa: PLC0415 (rarely used)

        whole = summary.as_dict()
        self.load_ended(whole["read"])
        numbers = {key: value for key, value in whole.items() if key != PROBES}
        load = self._last_load
        if load is not None:
            self.kept_links = links_of(load.base_url, load.project, whole["rejected_path"])
        links = {} if AIRFLOW_3 else self.kept_links or {}
        self.push_outputs(context, {SUMMARY_KEY: whole, **(numbers if self.do_xcom_push else {}), **links})
        add_to_events(context, self.outlets, whole, load)

    @property
    def _last_load(self) -> LoadLineage | None:
        """What the load has read and written; the hook is not made for this."""
        return self.hook.last_load if "hook" in vars(self) else None

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:  # noqa: ARG002
        """Return what the load has read and written; called by Airflow's provider for OpenLineage."""
        if self._last_load is None:
            return None
        from airflow_provider_cdf_records.lineage.openlineage import operator_lineage  # noqa: PLC0415

        return operator_lineage(self._last_load)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> OperatorLineage[Any, Any] | None:
        """Return the same of a load that failed, as far as it came."""
        return self.get_openlineage_facets_on_complete(task_instance)

    def on_kill(self) -> None:
        """End the load within seconds; the next try goes on from there where Airflow keeps task state."""
        self.hook.on_kill()


def _summary_of_nothing(verb: object, stream_id: object) -> Summary:
    """Return the summary of a load that does not begin."""
    from airflow_provider_cdf_records.load.verbs import UPSERT, VERBS  # noqa: PLC0415 (heavy)

    of = VERBS.get(verb, UPSERT) if isinstance(verb, str) else UPSERT
    return of.summary(of, str(stream_id))
