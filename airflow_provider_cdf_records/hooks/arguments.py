"""The keyword arguments of the hook's methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from typing_extensions import Required

    from airflow_provider_cdf_records.hooks.paths import MappingLike, Path
    from airflow_provider_cdf_records.load.checkpoint import StateStore
    from airflow_provider_cdf_records.load.summary import Summary
    from airflow_provider_cdf_records.records.argument_checks import IfEmpty


class LoadArguments(TypedDict, total=False):
    """Arguments of every load.

    :param mapping: how records are made of rows (dicts of any shape), or the path of a JSON file that holds
        it; without one, rows must be API-shaped: ``{"space", "externalId", "sources": [...]}``.
    :param if_empty: how a load of nothing ends (an empty list or file, or only a header): ``"succeed"``, the
        default, ``"skip"`` (``AirflowSkipException``) or ``"fail"``. A missing file or folder, a pattern that
        matches nothing and ``None`` as records fail, unless it is ``"skip"``.
    :param limit: read only this many rows, the first ones, the rejected ones included; by default all.
    :param partition: load only a part of the rows, such as ``"2/8"``, the second of eight: those whose
        identity belongs to it. All rows of one identity are of one part, so that eight loads, one a part, at
        the same time or not, come to what one would, and their summaries add up to its summary.
    :param validate_only: do everything but the sending: look at the stream and the containers, convert, write
        the rejected records, fail for too many. The summary says 0 ``upserted`` (or the word of the verb),
        and ``valid``: how many records would have been sent.
    :param check_schema: look at stream, capabilities and containers before the first record is sent; by
        default ``True``.
    :param max_rejected: how many records may be rejected before the load fails, by default 0; a
        ``float`` is a share of all, from 0.0 to 1.0.
    :param rejected_path: a file (any fsspec URL) for the rejected records and the reasons, as NDJSON.
    :param is_retry: whether an earlier try may have stored some of the records: with ``ingest_*``, records
        that exist already then count as ingested. A ``state_store`` that works knows better.
    :param state_store: where the load of a file keeps how far it came, such as
        ``context["task_state_store"]``: the next try of the task goes on from there. Without one it starts
        over, which is safe, only slower.
    :param on_end: called with the summary when the load ends, also when it fails.
    """

    mapping: MappingLike | None
    if_empty: IfEmpty
    limit: int | None
    partition: str | None
    validate_only: bool
    check_schema: bool
    max_rejected: float
    rejected_path: Path | None
    is_retry: bool
    state_store: StateStore | None
    on_end: Callable[[Summary], None] | None


class FileArguments(LoadArguments, total=False):
    """Arguments of a load of files, beside those of :class:`.LoadArguments`.

    :param file_format: the name of the format; by default what the suffix says.
    :param file_options: options of the format.

    :class:`.CdfRecordsOrPathOperator` lists formats and options.
    """

    file_format: str | None
    file_options: Mapping[str, Any] | None


class QueryArguments(LoadArguments, total=False):
    """Arguments of a load of a SQL query, beside those of :class:`.LoadArguments`.

    :param conn_id: an Airflow connection whose hook is a ``DbApiHook``.
    :param parameters: values for the placeholders in the query, which are those of the database's driver;
        moments as objects or as ``{"timestamp": "2026-01-02T03:04:05Z"}``, see
        :class:`.CdfRecordsFromSqlOperator`.
    :param hook_params: further arguments of that hook.
    :param spool: fetch all rows to a file first, at the database's pace, and load them from there: ``True``
        for one in the temporary folder of this worker, or a folder or the URL of one on storage.
    :param watermark: the column of the result whose highest value is kept when the load has ended well, and
        handed to the next load's query as the parameter ``watermark``.
    :param initial_watermark: that parameter as long as none is kept.
    :param watermark_store: where it is kept, such as ``context["asset_state_store"][asset]``.

    :class:`.CdfRecordsFromSqlOperator` says more of these.
    """

    conn_id: Required[str]
    parameters: Sequence[Any] | Mapping[str, Any] | None
    hook_params: Mapping[str, Any] | None
    spool: bool | Path | None
    watermark: str | None
    initial_watermark: Any
    watermark_store: StateStore | None


class RecordsQuery(TypedDict, total=False):
    """Which records to read.

    :param filter: in CDF's filter language; all records without it.
    :param sources: the properties wanted, such as ``[{"source": {"type": "container", "space": "plant",
        "externalId": "Alarm"}, "properties": ["*"]}]``; without it a record has its identity and times only.
    :param last_updated_time: such as ``{"gte": "2026-01-01T00:00:00Z"}``, with datetimes, ISO 8601 or
        milliseconds since the epoch, as values or texts; immutable streams need a lower bound.
    """

    filter: Mapping[str, Any] | None
    sources: Sequence[Mapping[str, Any]] | None
    last_updated_time: Mapping[str, Any] | None


class ChangesQuery(TypedDict, total=False):
    """Which changes to read.

    :param cursor: the cursor of the page after which to go on.
    :param initialize_cursor: where to begin without one, such as ``7d-ago``; by default ``1d-ago``.
    :param filter: in CDF's filter language; a deleted record has no properties, so that a filter on one
        leaves it out.
    :param sources: as for :class:`.RecordsQuery`.
    """

    cursor: str | None
    initialize_cursor: str
    filter: Mapping[str, Any] | None
    sources: Sequence[Mapping[str, Any]] | None
