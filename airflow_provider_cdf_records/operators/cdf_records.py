"""Operators that write an upstream task's records or those of files, or delete them, or create a stream."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.operators.records_or_path import CdfRecordsOrPathOperator
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.task_arguments.operator import Argument, ArgumentsOperator

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook


class CdfRecordsUpsertOperator(CdfRecordsOrPathOperator):
    """Upsert records into a mutable stream of Cognite Data Fusion (CDF).

    .. code-block:: python

        CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", records=extract_alarms())
        CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", path="/data/{{ run_id }}.ndjson.gz")

    Of several rows with the same ``space`` and ``externalId``, the last one that CDF takes is what the stream
    holds at the end. The returned summary (XCom) says how many records were ``read``, ``upserted``,
    ``superseded`` and ``rejected``.

    The parameters are those of :class:`.CdfRecordsOrPathOperator`.
    """

    verb = "upsert"


class CdfRecordsIngestOperator(CdfRecordsOrPathOperator):
    """Ingest records into a stream of Cognite Data Fusion (CDF): create them, and overwrite none.

    .. code-block:: python

        CdfRecordsIngestOperator(task_id="ingest", stream_id="archive", path="/data/{{ run_id }}.ndjson.gz")

    An immutable stream takes each row as a record of its own, also where identities repeat. A mutable
    stream keeps what it has: a record that exists there already is rejected, unless an earlier attempt or try
    of this task may have stored it. The summary says ``ingested``.

    The parameters are those of :class:`.CdfRecordsOrPathOperator`.
    """

    verb = "ingest"


class CdfRecordsDeleteOperator(CdfRecordsOrPathOperator):
    """Delete records of a mutable stream of Cognite Data Fusion (CDF).

    .. code-block:: python

        CdfRecordsDeleteOperator(task_id="delete", stream_id="alarms", path="/data/closed.ndjson")
        CdfRecordsDeleteOperator(
            task_id="delete",
            stream_id="alarms",
            filter={"equals": {"property": ["plant", "Alarm", "state"], "value": "closed"}},
        )

    Of each row only ``space`` and ``externalId`` count, so that it takes the records that were upserted,
    or a rejected-records file; with a ``mapping``, its ``space`` and ``external_id``. Records that do
    not exist are no error. The summary says ``deleted``.

    :param records: rows with identities, as above.
    :param path: instead, a file of such rows.
    :param filter: instead, a filter in CDF's filter language, or JSON text of one: the records that match it,
        as far as CDF shows them when the task runs, are deleted. Needs the capability to read records, too.

    The other parameters are those of :class:`.CdfRecordsOrPathOperator`.
    """

    verb = "delete"
    own_arguments = {"filter": Argument(kinds.optional(kinds.json_object, as_text=False), shown_as="json")}  # noqa: RUF012

    def __init__(self, *, filter: Mapping[str, Any] | str | None = None, **kwargs: Any) -> None:
        self.filter = filter
        self._has_filter = filter is not None  # rendered, it may be nothing
        super().__init__(**kwargs)

    def sources(self) -> dict[str, Any]:
        """Return the arguments of which one is given: where the rows come from."""
        return super().sources() | {"filter": self.filter}

    def execute(self, context: Any) -> dict[str, Any]:
        """Run the load, and return its summary."""
        if self._has_filter:
            arguments = self.arguments(context)
            return self.load("filter", self.filter, **arguments)
        return super().execute(context)


class CdfStreamCreateOperator(ArgumentsOperator):
    """Create a stream in Cognite Data Fusion (CDF), unless it exists already.

    .. code-block:: python

        CdfStreamCreateOperator(task_id="create", stream_id="alarms", template="BasicLiveData")

    A stream that exists and is of the same type is a success; one of another type fails the task for good. A
    project can have only a few streams, and a deleted one keeps its id for weeks. Returns the stream as
    CDF describes it (XCom); each part of that is an XCom of its own, too: ``create.output["type"]``. Every
    argument may be a template or a reference, as those of :class:`.CdfRecordsLoadOperator`.

    :param stream_id: the stream.
    :param template: the template that it is made from, such as ``BasicLiveData`` (mutable).
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    """

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "stream_id": Argument(kinds.stream_id, is_text=True),
        "template": Argument(kinds.text, is_text=True),
        "cdf_conn_id": Argument(kinds.connection_id, is_text=True),
    }
    ui_color = "#d7ecf5"

    def __init__(
        self, *, stream_id: str, template: str, cdf_conn_id: str = "cdf_default", **kwargs: Any
    ) -> None:
        self.stream_id = stream_id
        self.template = template
        self.cdf_conn_id = cdf_conn_id
        super().__init__(**kwargs)

    def execute(self, context: Any) -> dict[str, Any]:
        """Create the stream, and return it."""
        self.read_arguments()
        stream = self.hook.create_stream(self.stream_id, self.template)
        if self.do_xcom_push:
            self.push_outputs(context, stream)
        return stream

    @cached_property
    def hook(self) -> CdfRecordsHook:
        """The hook that does the work."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        return CdfRecordsHook(self.cdf_conn_id)

    def on_kill(self) -> None:
        """Stop waiting for CDF."""
        self.hook.on_kill()
