"""The hook: from an Airflow connection to records in a stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.client import CdfClient, CdfError, ClientCredentials, RetryPolicy
from airflow_provider_cdf_records.get_provider_info import get_provider_info
from airflow_provider_cdf_records.hooks.connection import InvalidConnectionError, client_config
from airflow_provider_cdf_records.hooks.failures import airflow_failures
from airflow_provider_cdf_records.load.checkpoint import Checkpoint, StateStore
from airflow_provider_cdf_records.load.outcome import ProgressLog, Tally, UpsertSummary
from airflow_provider_cdf_records.load.preflight import MissingCapabilityError, check_project, prepare
from airflow_provider_cdf_records.load.sender import StreamSender
from airflow_provider_cdf_records.load.upload import upload
from airflow_provider_cdf_records.mapping.spec import MappingSpec, read_mapping
from airflow_provider_cdf_records.records.chunk import Convert, Mark
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, LoadFailedError
from airflow_provider_cdf_records.records.record import check_stream_id
from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.sources import (
    FileSource,
    QuerySource,
    ReadAhead,
    RecordsSource,
    Source,
    files_of,
)
from airflow_provider_cdf_records.sources.storage import canonical_path
from airflow_provider_cdf_records.version_compat import (
    BaseHook,
    connection_form_widgets,
    mask_secret,
    object_storage_path,
)

if TYPE_CHECKING:
    from airflow_provider_cdf_records.sources.storage import StoragePath

MappingLike = Mapping[str, Any] | str | PathLike[str]  # the mapping, or the path of a JSON file that holds it

PROGRESS_INTERVAL = 10.0  # seconds between progress lines


class CdfRecordsHook(BaseHook):
    """Upserts records into the streams of a Cognite Data Fusion (CDF) project.

    .. code-block:: python

        summary = CdfRecordsHook("cdf_default").upsert_records("alarms", records)

    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param max_concurrency: requests in flight at the most.
    """

    conn_name_attr = "cdf_conn_id"
    default_conn_name = "cdf_default"
    conn_type = "cdf"
    hook_name = "Cognite Data Fusion"

    def __init__(
        self, cdf_conn_id: str = default_conn_name, *, max_concurrency: int = 4, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_concurrency < 1:
            msg = f"max_concurrency must be at least 1, and is {max_concurrency}."
            raise ValueError(msg)
        self.cdf_conn_id = cdf_conn_id
        self.max_concurrency = max_concurrency
        self._stop = threading.Event()
        self._running: CdfClient | None = None
        self._reading: ReadAhead | None = None

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The form of the connection, for Airflow before 3.2; later ones read the provider description."""
        return connection_form_widgets(_connection_type()["conn-fields"])

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The standard fields of that form, likewise."""
        behaviour = _connection_type()["ui-field-behaviour"]
        return {name.replace("-", "_"): value for name, value in behaviour.items()}

    def get_conn(self) -> CdfClient:
        """Return a new client for the connection's project; usable in a ``with`` statement.

        :raises InvalidConnectionError: when the connection cannot work, saying which field to change.
        """
        return self._client()

    def test_connection(self) -> tuple[bool, str]:
        """Ask CDF what the connection's token may do. Sends one request, without retries."""
        try:
            with self._client(RetryPolicy(max_attempts=1)) as client:
                check_project(client, client.inspect_token())
                return True, f"Connected to project {client.project!r}."
        except (CdfError, InvalidConnectionError, MissingCapabilityError) as error:
            return False, str(error)

    def upsert_records(
        self,
        stream_id: str,
        records: Iterable[Any],
        *,
        mapping: MappingLike | None = None,
        check_schema: bool = True,
        max_rejected: float = 0,
        rejected_path: str | PathLike[str] | None = None,
    ) -> UpsertSummary:
        """Upsert records, and return when CDF has accepted all that can be stored.

        Of two records with the same ``space`` and ``externalId``, the later one stays. A generator is read
        as the records go out, so it may be endless as far as memory goes.

        :param stream_id: a mutable stream.
        :param records: API-shaped records: ``{"space", "externalId", "sources": [...]}``; with a mapping,
            rows (dicts) of any shape.
        :param mapping: how records are made of rows, or the path of a JSON file that holds it.
        :param check_schema: look at stream, capabilities and containers before the first record is sent.
        :param max_rejected: how many records may be refused before the load fails; a ``float`` is a
            share of all, from 0.0 to 1.0.
        :param rejected_path: a file (any fsspec URL) for the refused records and the reasons, as NDJSON.
        :raises AirflowFailException: when trying again cannot help.
        :raises AirflowException: when it can: CDF was not to be reached, or too busy for too long.
        """
        with airflow_failures():
            return self._upsert(
                stream_id,
                RecordsSource(records),
                mapping=mapping,
                check_schema=check_schema,
                max_rejected=max_rejected,
                rejected_path=rejected_path,
            )

    def upsert_file(
        self,
        stream_id: str,
        path: str | PathLike[str],
        *,
        file_format: str | None = None,
        file_options: Mapping[str, Any] | None = None,
        state_store: StateStore | None = None,
        **arguments: Any,
    ) -> UpsertSummary:
        """Upsert the rows of files; the other arguments and errors as for :meth:`upsert_records`.

        :param path: a local path or any fsspec URL, such as ``s3://aws_default@bucket/alarms.ndjson.gz``; a
            folder, or a pattern such as ``/data/*.csv``, stands for its files in the order of their names.
        :param file_format: ``ndjson`` (a record a line), ``json`` (an array, or an object with ``items``),
            ``csv``, ``tsv``, ``parquet`` or ``arrow``; by default what the suffix says.
        :param file_options: of CSV: ``delimiter``, ``encoding``, ``header``, ``null_values``, ``quotechar``.
        :param state_store: where the load keeps how far it came, such as ``context["task_state_store"]``: the
            next try of the task goes on from there. Without one it starts over, which is safe, only slower.
        """
        with airflow_failures():
            files = files_of(_storage_path(path, "path"))
            source = FileSource(*files, file_format=file_format, file_options=file_options)
            return self._upsert(stream_id, source, state_store=state_store, **arguments)

    def upsert_query(
        self,
        stream_id: str,
        sql: str,
        *,
        conn_id: str,
        parameters: Sequence[Any] | Mapping[str, Any] | None = None,
        hook_params: Mapping[str, Any] | None = None,
        **arguments: Any,
    ) -> UpsertSummary:
        """Upsert the rows of a database query; the other arguments and errors as for :meth:`upsert_records`.

        The rows are fetched as the records go out; of PostgreSQL by a server-side cursor.

        :param sql: one ``SELECT``.
        :param conn_id: an Airflow connection to a SQL database (any with a ``DbApiHook``).
        :param parameters: of the query, in the placeholders of the database's driver.
        :param hook_params: arguments of the database's hook.
        """
        from airflow_provider_cdf_records.hooks.sql import Query  # noqa: PLC0415 (needs common.sql)

        with airflow_failures():
            query = Query(sql, conn_id, parameters, hook_params)
            with ReadAhead(QuerySource(query.execute, query.cancel)) as self._reading:
                return self._upsert(stream_id, self._reading, **arguments)

    def upsert_source(self, stream_id: str, source: Source, **arguments: Any) -> UpsertSummary:
        """Upsert the rows of a source of your own; the other arguments and errors as before."""
        with airflow_failures():
            return self._upsert(stream_id, source, **arguments)

    def on_kill(self) -> None:
        """End a running load within seconds; it keeps its checkpoint, and fails so that it can be retried."""
        self._stop.set()
        if self._reading is not None:
            self._reading.stop()
        if self._running is not None:
            self._running.cancel()

    def _upsert(
        self,
        stream_id: str,
        source: Source,
        *,
        mapping: MappingLike | None = None,
        check_schema: bool = True,
        max_rejected: float = 0,
        rejected_path: str | PathLike[str] | None = None,
        state_store: StateStore | None = None,
    ) -> UpsertSummary:
        check_stream_id(stream_id)
        mapping_path = _storage_path(mapping, "mapping") if isinstance(mapping, str | PathLike) else None
        definition = mapping if mapping_path is None else _json_in(mapping_path, str(mapping))
        spec = None if definition is None else read_mapping(definition)
        rejected = _storage_path(rejected_path, "rejected_path") if rejected_path else None
        if rejected is not None:
            _check_not_read(rejected, source, mapping_path)
        with self._client() as client:
            self._running = client
            try:
                checkpoint, resumed = self._checkpoint(stream_id, source, spec, client, state_store)
                convert = prepare(
                    client,
                    stream_id,
                    spec,
                    check_schema=check_schema,
                    check_columns=resumed is None,
                    stop=self._stop,
                )
                after = resumed.position if resumed else None
                rejected_file = RejectedFile(rejected, after) if rejected else None
                tally = Tally(
                    stream_id, max_rejected=max_rejected, rejected_file=rejected_file, resumed=resumed
                )
                with tally, ProgressLog(lambda: self._report(tally, source), PROGRESS_INTERVAL):
                    return self._load(source, convert, client, tally, checkpoint)
            finally:
                self._running = None

    def _load(
        self, source: Source, convert: Convert, client: CdfClient, tally: Tally, checkpoint: Checkpoint
    ) -> UpsertSummary:
        """Run the load, and see that every way in which it ends leaves the right checkpoint and a summary."""
        final = True
        try:
            upload(
                source,
                convert,
                StreamSender(client, tally.stream_id),
                tally,
                max_concurrency=self.max_concurrency,
                checkpoint=checkpoint,
                stop=self._stop,
            )
        except BaseException as error:
            final = getattr(error, "retryable", True) is False
            if not hasattr(error, "retryable"):
                raise
            message = f"{str(error).rstrip('.')}. {_summary(tally, client)}"
            raise LoadFailedError(message, retryable=not final) from error
        finally:
            tally.persist()
            if final:
                checkpoint.clear()
            else:
                checkpoint.save()
            summary = _summary(tally, client)
            self.log.info("%s", summary)
        tally.raise_if_too_many_rejected(summary)
        if summary.unsettled:
            msg = f"{summary.unsettled:,} records were read and not sent. {summary}"
            raise LoadFailedError(msg, retryable=True)
        return summary

    def _checkpoint(
        self,
        stream_id: str,
        source: Source,
        spec: MappingSpec | None,
        client: CdfClient,
        state_store: StateStore | None,
    ) -> tuple[Checkpoint, Mark | None]:
        """Find where an earlier try came to. Only files can be gone on with."""
        if not isinstance(source, FileSource) or state_store is None:
            return Checkpoint(None, {}), None
        target = {
            "stream_id": stream_id,
            "conn_id": self.cdf_conn_id,
            "project": client.project,
            "url": client.base_url,
            "mapping": None if spec is None else spec.digest,
        }
        checkpoint = Checkpoint(state_store, source.fingerprint() | target)
        mark = checkpoint.load()
        if mark is not None:
            source.resume_after(mark)
            where = source.where(mark.position)
            self.log.info("Going on after %s, where an earlier try stopped.", where)
        return checkpoint, mark

    def _report(self, tally: Tally, source: Source) -> None:
        summary = tally.summary()
        share = source.share()
        self.log.info(
            "%s records read%s, %s upserted, %s rejected; %s records/s.",
            f"{summary.read:,}",
            "" if share is None else f" ({share:.0%})",
            f"{summary.upserted:,}",
            f"{summary.rejected:,}",
            f"{summary.read / summary.seconds:,.0f}",
        )

    def _client(self, retry: RetryPolicy | None = None) -> CdfClient:
        conn = self.get_connection(self.cdf_conn_id)
        config = client_config(conn, max_concurrency=self.max_concurrency)
        if isinstance(config.auth, ClientCredentials):
            mask_secret(config.auth.secret)
        return CdfClient(replace(config, retry=retry) if retry else config, on_token=mask_secret)


def _connection_type() -> dict[str, Any]:
    (connection_type,) = get_provider_info()["connection-types"]
    found: dict[str, Any] = connection_type
    return found


def _summary(tally: Tally, client: CdfClient) -> UpsertSummary:
    sent = client.traffic
    return replace(tally.summary(), requests=sent.requests, retries=sent.retries, bytes_sent=sent.bytes_sent)


def _json_in(path: StoragePath, given: str) -> Any:
    try:
        with path.open("rb") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        msg = f"mapping {given!r} is not a JSON file that can be read: {error}"
        raise InvalidArgumentError(msg) from None


def _check_not_read(rejected: StoragePath, source: Source, mapping: StoragePath | None) -> None:
    """Refuse to write the rejected records over what is read."""
    is_source = isinstance(source, FileSource) and source.reads(rejected)
    is_mapping = mapping is not None and canonical_path(rejected) == canonical_path(mapping)
    if is_source or is_mapping:
        what = "one of the files to load" if is_source else "the mapping"
        msg = f"rejected_path {str(rejected)!r} is {what}, and would be overwritten; choose another."
        raise InvalidArgumentError(msg)


def _storage_path(path: str | PathLike[str], argument: str) -> StoragePath:
    if not isinstance(path, str | PathLike) or not str(path):
        msg = f"{argument} must be a path or an fsspec URL, and is {path!r}."
        raise InvalidArgumentError(msg)
    try:
        opened = object_storage_path(str(path))
        opened.fs.invalidate_cache()  # of listings, which may lack what an upstream task just wrote
        opened.exists()
    except (ImportError, ValueError) as error:
        msg = f"{argument} {str(path)!r} cannot be opened: {error}"
        raise InvalidArgumentError(msg) from None
    storage_path: StoragePath = opened
    return storage_path
