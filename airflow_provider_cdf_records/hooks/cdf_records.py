"""The hook, which reads and writes the records of streams."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.client import SyncPage, query_records, sync_records
from airflow_provider_cdf_records.hooks import connection_form
from airflow_provider_cdf_records.hooks.base import CdfHook
from airflow_provider_cdf_records.hooks.failures import airflow_failures
from airflow_provider_cdf_records.hooks.lineage import telling_of_read
from airflow_provider_cdf_records.hooks.sources import (
    from_file,
    from_filter,
    from_query,
    from_records,
    from_source,
)
from airflow_provider_cdf_records.hooks.streams import ensure_stream
from airflow_provider_cdf_records.load.verbs import DELETE, INGEST, UPSERT
from airflow_provider_cdf_records.records.returned import as_record

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from airflow_provider_cdf_records.hooks.arguments import (
        ChangesQuery,
        FileArguments,
        LoadArguments,
        QueryArguments,
        RecordsQuery,
    )
    from airflow_provider_cdf_records.hooks.paths import Paths
    from airflow_provider_cdf_records.load.verbs import DeleteSummary, IngestSummary, UpsertSummary
    from airflow_provider_cdf_records.sources import Source

    Rows = Iterable[Any] | AsyncIterable[Any]

__all__ = ["CdfRecordsHook", "as_record"]


class CdfRecordsHook(CdfHook):
    """Reads and writes the records of streams in a Cognite Data Fusion (CDF) project.

    .. code-block:: python

        summary = CdfRecordsHook("cdf_default").upsert_records("alarms", records)

    Each verb has a method for each kind of source: ``*_records`` (rows of Python), ``*_file``, ``*_query``
    (SQL) and ``*_source`` (your own). They return a summary once CDF has accepted all records that it can.
    They raise ``AirflowFailException`` when trying again cannot help, else ``AirflowException``. Their
    keyword arguments: :class:`.LoadArguments`, :class:`.FileArguments` and :class:`.QueryArguments`.

    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param max_concurrency: requests in flight at most.
    """

    # Airflow looks for these two in this class and not in its bases.
    get_connection_form_widgets = staticmethod(connection_form.widgets)
    get_ui_field_behaviour = staticmethod(connection_form.field_behaviour)

    def upsert_records(self, stream_id: str, records: Rows, **more: Unpack[LoadArguments]) -> UpsertSummary:
        """Create or fully replace records in a mutable stream; a generator is read while they are sent."""
        return self.load(UPSERT, stream_id, from_records(records), more)

    def upsert_file(self, stream_id: str, path: Paths, **more: Unpack[FileArguments]) -> UpsertSummary:
        """Upsert the rows of a file, of a folder's files, or of those that a pattern matches."""
        return self.load(UPSERT, stream_id, from_file(path, more), more)

    def upsert_query(self, stream_id: str, sql: str, **more: Unpack[QueryArguments]) -> UpsertSummary:
        """Upsert the rows of one ``SELECT``, fetched while the records are sent."""
        return self.load(UPSERT, stream_id, from_query(UPSERT, stream_id, sql, more, self.log), more)

    def upsert_source(self, stream_id: str, source: Source, **more: Unpack[LoadArguments]) -> UpsertSummary:
        """Upsert the rows of a source of your own."""
        return self.load(UPSERT, stream_id, from_source(source), more)

    def ingest_records(self, stream_id: str, records: Rows, **more: Unpack[LoadArguments]) -> IngestSummary:
        """Create records and overwrite none: one that a mutable stream holds already is rejected."""
        return self.load(INGEST, stream_id, from_records(records), more)

    def ingest_file(self, stream_id: str, path: Paths, **more: Unpack[FileArguments]) -> IngestSummary:
        """Ingest the rows of files."""
        return self.load(INGEST, stream_id, from_file(path, more), more)

    def ingest_query(self, stream_id: str, sql: str, **more: Unpack[QueryArguments]) -> IngestSummary:
        """Ingest the rows of one ``SELECT``."""
        return self.load(INGEST, stream_id, from_query(INGEST, stream_id, sql, more, self.log), more)

    def ingest_source(self, stream_id: str, source: Source, **more: Unpack[LoadArguments]) -> IngestSummary:
        """Ingest the rows of a source of your own."""
        return self.load(INGEST, stream_id, from_source(source), more)

    def delete_records(self, stream_id: str, records: Rows, **more: Unpack[LoadArguments]) -> DeleteSummary:
        """Delete records of a mutable stream by ``space`` and ``externalId``; unknown ones are ignored."""
        return self.load(DELETE, stream_id, from_records(records), more)

    def delete_file(self, stream_id: str, path: Paths, **more: Unpack[FileArguments]) -> DeleteSummary:
        """Delete the records that the rows of files name."""
        return self.load(DELETE, stream_id, from_file(path, more), more)

    def delete_query(self, stream_id: str, sql: str, **more: Unpack[QueryArguments]) -> DeleteSummary:
        """Delete the records that the rows of one ``SELECT`` name."""
        return self.load(DELETE, stream_id, from_query(DELETE, stream_id, sql, more, self.log), more)

    def delete_source(self, stream_id: str, source: Source, **more: Unpack[LoadArguments]) -> DeleteSummary:
        """Delete the records that the rows of a source of your own name."""
        return self.load(DELETE, stream_id, from_source(source), more)

    def delete_filter(
        self, stream_id: str, filter: Mapping[str, Any], **more: Unpack[LoadArguments]
    ) -> DeleteSummary:
        """Delete the records that match a filter in CDF's filter language, as CDF shows them now."""
        matching = from_filter(stream_id, filter, check_schema=more.get("check_schema", True))
        return self.load(DELETE, stream_id, matching, more)

    def query_records(self, stream_id: str, **query: Unpack[RecordsQuery]) -> Iterator[dict[str, Any]]:
        """Yield each record that matches a :class:`.RecordsQuery`, requested page by page."""
        with airflow_failures(), self.open_client() as client:
            yield from telling_of_read(self, client, stream_id, query_records(client, stream_id, **query))

    def sync_records(self, stream_id: str, **query: Unpack[ChangesQuery]) -> Iterator[SyncPage]:
        """Yield the pages of changes that match a :class:`.ChangesQuery`, up to now."""
        with airflow_failures(), self.open_client() as client:
            yield from telling_of_read(self, client, stream_id, sync_records(client, stream_id, **query))

    def create_stream(self, stream_id: str, template: str) -> dict[str, Any]:
        """Return a stream, created from a template unless one of the same type exists already."""
        with airflow_failures(), self.open_client() as client:
            return ensure_stream(client, stream_id, template)
