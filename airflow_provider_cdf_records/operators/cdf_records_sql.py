"""The operator that loads the rows of a database query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.argument_checks import WHERE_NONE_IS_KEPT, check_watermark
from airflow_provider_cdf_records.task_arguments.operator import Argument
from airflow_provider_cdf_records.task_arguments.own_asset import asset_of_task, store_of
from airflow_provider_cdf_records.task_arguments.references import delimiters_of, is_open
from airflow_provider_cdf_records.version_compat import keeps_state_between_runs

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.paths import MappingLike, Path

KEPT_WITH = "cdf_records_watermark"  # the beginning of the asset's name, and its group
Verb = Literal["upsert", "ingest", "delete"]


class CdfRecordsFromSqlOperator(CdfRecordsLoadOperator):
    """Upsert, ingest or delete the rows of a database query in a stream of Cognite Data Fusion (CDF).

    .. code-block:: python

        CdfRecordsFromSqlOperator(
            task_id="load",
            stream_id="alarms",
            conn_id="historian",
            sql="SELECT tag, time, severity FROM alarm WHERE time >= %(start)s ORDER BY time",
            parameters={"start": {"timestamp": "{{ data_interval_start }}"}},
            mapping={
                "space": "plant",
                "external_id": "{tag}/{time}",
                "sources": [{"space": "plant", "container": "Alarm", "properties": {"severity": "severity"}}],
            },
        )

    The rows are fetched while the records are sent, so that a result of any size takes little memory: from
    PostgreSQL by a server-side cursor, from others by ``fetchmany``. The Airflow provider of the database
    must be installed.

    :param sql: one ``SELECT``, or the path of a ``.sql`` file; the last of several rows with one identity
        stays, so order them.
    :param conn_id: an Airflow connection to a SQL database.
    :param mapping: how records are made of rows, or the path of a JSON file that holds it.
    :param parameters: values for the placeholders in the query, which are those of the driver. Moments are
        ``{"timestamp": "{{ data_interval_start }}"}``, with ``"time_zone": "Europe/Oslo"`` for a column of
        local times, and with ``"format"`` (a pattern, ``"s"``, ``"ms"``, ``"us"``, ``"ns"``) for one of texts
        or numbers; dates are ``{"date": "{{ ds }}"}``. A text that is a moment is an error where the database
        would miss rows, else a warning.
    :param hook_params: arguments of the database's hook, such as ``{"schema": "other_database"}``.
    :param spool: fetch all rows to a file first, at the database's pace, and load them from there with the
        connection closed: where the database ends a query whose rows wait for CDF, or where a retry should
        not query again. A retry goes on from the file. ``True``: in the temporary folder of this worker
        (``$TMPDIR``), from which retries on the same worker go on; the path of a folder; or the URL of one
        on storage, such as ``s3://aws_default@bucket/spool/``, from which retries on any worker do. Only the
        task's user can read a local one. It is removed when all is loaded, when trying again cannot help,
        or by a later load after a day; on storage, let a lifecycle rule do the last.
    :param watermark: a column of the result, such as ``time`` or a growing number. Its highest value is kept
        when a load has ended well, and is the parameter ``watermark`` of the next run's query: ``WHERE time
        >= %(watermark)s``, or, among parameters without names, ``{"watermark": True}`` in its place. It is
        kept in the state store of an asset of the task's own, ``cdf_records_watermark/<dag_id>/<task_id>``,
        by the key ``cdf_records_watermark``; delete it there to load everything again. Needs Airflow 3.3;
        not for mapped tasks. All tries of a run begin with the same watermark, also after it is cleared; no
        run sets it back; ``limit`` and ``validate_only`` leave it where it is.
    :param initial_watermark: the parameter of the first run: a value of the column, or a moment such as
        ``{"timestamp": "2020-01-01T00:00:00Z"}``.
    :param verb: ``upsert``, ``ingest`` (see :class:`.CdfRecordsIngestOperator`) or ``delete`` (of the records
        whose ``space`` and ``external_id`` the mapping makes).

    The other parameters are those of :class:`.CdfRecordsLoadOperator`.
    """

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "sql": Argument(kinds.query, is_text=True, shown_as="sql"),
        "conn_id": Argument(kinds.connection_id, is_text=True),
        "parameters": Argument(kinds.optional(kinds.query_parameters), shown_as="json"),
        "hook_params": Argument(kinds.optional(kinds.json_object), shown_as="json"),
        "spool": Argument(kinds.optional(kinds.flag_or_folder)),
        "watermark": Argument(kinds.optional(kinds.text), is_text=True),
        "initial_watermark": Argument(kinds.optional(kinds.first_watermark), shown_as="json"),
        "verb": Argument(kinds.one_of(*get_args(Verb)), is_text=True),
    }
    template_ext: Sequence[str] = (".sql",)

    def __init__(
        self,
        *,
        sql: str,
        conn_id: str,
        mapping: MappingLike,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        hook_params: Mapping[str, Any] | None = None,
        spool: bool | Path | None = None,
        watermark: str | None = None,
        initial_watermark: Any = None,
        verb: Verb = "upsert",
        **kwargs: Any,
    ) -> None:
        self.verb = verb
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters
        self.hook_params = hook_params
        self.spool = spool
        self.watermark = watermark
        self.initial_watermark = initial_watermark
        super().__init__(mapping=mapping, **kwargs)
        if watermark is not None and not keeps_state_between_runs():
            raise ValueError(WHERE_NONE_IS_KEPT)
        self._kept_with = None if watermark is None else asset_of_task(self, KEPT_WITH)

    def check_together(self) -> None:
        super().check_together()
        if self.watermark is not None and not is_open(self.watermark, delimiters_of(self.get_dag())):
            check_watermark(self.watermark, self.initial_watermark)

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the load, and return its summary."""
        arguments = self.arguments(context)
        return self.load(
            "query",
            self.sql,
            conn_id=self.conn_id,
            parameters=self.parameters,
            hook_params=self.hook_params,
            spool=self.spool,
            watermark=self.watermark,
            initial_watermark=self.initial_watermark,
            watermark_store=store_of(context, self._kept_with),
            **arguments,
        )
