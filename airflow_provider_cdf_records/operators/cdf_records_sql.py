"""The operator that loads the rows of a database query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.task_arguments.operator import Argument

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.paths import MappingLike

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
    :param verb: ``upsert``, ``ingest`` (see :class:`.CdfRecordsIngestOperator`) or ``delete`` (of the records
        whose ``space`` and ``external_id`` the mapping makes).

    The other parameters are those of :class:`.CdfRecordsLoadOperator`.
    """

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "sql": Argument(kinds.query, is_text=True, shown_as="sql"),
        "conn_id": Argument(kinds.connection_id, is_text=True),
        "parameters": Argument(kinds.optional(kinds.query_parameters), shown_as="json"),
        "hook_params": Argument(kinds.optional(kinds.json_object), shown_as="json"),
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
        verb: Verb = "upsert",
        **kwargs: Any,
    ) -> None:
        self.verb = verb
        self.sql = sql
        self.conn_id = conn_id
        self.parameters = parameters
        self.hook_params = hook_params
        super().__init__(mapping=mapping, **kwargs)

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the load, and return its summary."""
        arguments = self.arguments(context)
        return self.load(
            "query",
            self.sql,
            conn_id=self.conn_id,
            parameters=self.parameters,
            hook_params=self.hook_params,
            **arguments,
        )
