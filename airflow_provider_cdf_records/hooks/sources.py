"""Sources of rows that need Airflow: paths with the credentials of connections, queries on connections."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.client import CdfClient, query_records
from airflow_provider_cdf_records.hooks.lineage import QueryRead
from airflow_provider_cdf_records.hooks.paths import Paths, check_not_loaded, paths_to_load, shown_paths
from airflow_provider_cdf_records.hooks.slow_reading import hinting_at_spool
from airflow_provider_cdf_records.hooks.spool import spool_argument, spool_place
from airflow_provider_cdf_records.hooks.task import owner_of_task
from airflow_provider_cdf_records.hooks.watermark import watermark_of
from airflow_provider_cdf_records.load.preflight import check_filter
from airflow_provider_cdf_records.load.summary import count_of
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.partition import Partition
from airflow_provider_cdf_records.rejected.contents import begins_with_rejected
from airflow_provider_cdf_records.sources import (
    AsyncRecordsSource,
    FileSource,
    QuerySource,
    RecordsSource,
    SlicedFile,
    Source,
    files_of,
)
from airflow_provider_cdf_records.sources.spool import SpooledQuery
from airflow_provider_cdf_records.sources.storage import StoragePath

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.arguments import FileArguments, QueryArguments


@dataclass(frozen=True)
class Opening:
    """A source that is still to be opened, which may take time or fail.

    :param what: what will be loaded, in words without secrets.
    :param open: opens it, and removes its own arguments from those of the load.
    :param is_resumable: whether a load can go on from where an earlier try stopped.
    :param query: that the rows come from, if they do.
    :param is_of_the_stream: whether the rows come from the stream that is written to.
    """

    what: str
    open: Callable[[CdfClient], Source]
    is_resumable: bool = False
    query: QueryRead | None = None
    is_of_the_stream: bool = False


def from_records(records: Iterable[Any] | AsyncIterable[Any]) -> Opening:
    """Return rows of Python."""
    if isinstance(records, AsyncIterable) and not isinstance(records, Iterable):
        return Opening("records", lambda _: AsyncRecordsSource(records))
    counted = isinstance(records, Sized) and not isinstance(records, str | bytes | Mapping)
    try:
        what = count_of(len(records), "record") if counted else "records"  # type: ignore[arg-type]
    except Exception:  # whatever the length of others' rows does: they are read later, or refused
        what = "records"
    return Opening(what, lambda _: RecordsSource(records))


def from_file(path: Paths, arguments: FileArguments) -> Opening:
    """Return the rows of files; see :func:`file_source`."""
    return Opening(shown_paths(path), lambda _: file_source(path, arguments), is_resumable=True)


def from_query(verb: Verb[Any], stream_id: str, sql: str, arguments: QueryArguments, log: Any) -> Opening:
    """Return the rows of a query; see :func:`query_source`.

    :param log: of the load.
    """

    conn_id = arguments.get("conn_id", "")
    read = QueryRead(sql, conn_id)

    def opened(client: CdfClient) -> Source:
        target = {"verb": verb.name, "project": client.project, "stream_id": stream_id}
        return query_source(read, arguments, target, log)

    what = f"the rows of a query on connection {conn_id!r}"
    return Opening(what, opened, is_resumable=bool(spool_argument(arguments.get("spool"))), query=read)


def from_source(source: Source) -> Opening:
    """Return the rows of a source of the user's own."""
    return Opening(f"the rows of a {type(source).__name__}", lambda _: source)


def from_filter(stream_id: str, filter: Mapping[str, Any], *, check_schema: bool) -> Opening:
    """Return the records that match a filter; see :func:`filter_source`."""
    return Opening(
        "the records that match a filter",
        lambda client: filter_source(client, stream_id, filter, check_schema=check_schema),
        is_of_the_stream=True,
    )


def file_source(path: Paths, arguments: FileArguments) -> FileSource:
    """Return the rows of one file, or of the files of a folder or pattern in the order of their names.

    :param path: a local path or any fsspec URL, such as ``s3://aws_default@bucket/alarms.ndjson.gz``, with a
        slice such as ``#bytes=0-67108863`` or without; or a list of those, read in its order.
    :param arguments: those of the source are removed from it.
    :raises SourceError: when there is no file, one of an unknown format, or storage that cannot be reached.
    :raises InvalidArgumentError: when ``rejected_path`` is where the next run would load it.
    """
    files: list[StoragePath | SlicedFile] = []
    all_opened = paths_to_load(path, "path")
    wholes = [opened.path if isinstance(opened, SlicedFile) else opened for opened in all_opened]
    check_not_loaded(arguments.get("rejected_path"), wholes, is_list=isinstance(path, list | tuple))
    for opened, whole in zip(all_opened, wholes, strict=True):
        found = files_of(whole)
        if opened is whole:
            files += found
        elif found == [whole]:
            files.append(opened)
        else:
            msg = f"path {str(opened)!r} has a slice, and is no file; slices are of single files."
            raise InvalidArgumentError(msg)
    return FileSource(
        *files,
        file_format=arguments.pop("file_format", None),
        file_options=arguments.pop("file_options", None),
        holds_rejected=begins_with_rejected,
    )


def query_source(read: QueryRead, arguments: QueryArguments, target: dict[str, Any], log: Any) -> Source:
    """Return the rows of a query, fetched as they are needed or to a spool first.

    :param read: one ``SELECT``; the hook of its database is noted there.
    :param arguments: those of the source are removed from it.
    :param target: what identifies where the rows go, as plain JSON.
    :param log: of the load.
    :raises InvalidArgumentError: when the connection is not to a SQL database, or an argument makes no sense.
    """
    from airflow_provider_cdf_records.hooks.databases import Query  # noqa: PLC0415 (needs common.sql)

    sql = read.sql
    conn_id: str = arguments.pop("conn_id", "")  # type: ignore[misc]
    hook_params = arguments.pop("hook_params", None)
    partition = arguments.get("partition")
    if partition is not None:  # a watermark says what is loaded of this part
        target = target | {"partition": str(Partition.of(partition))}
    watermark = watermark_of(sql, arguments, target | {"conn_id": conn_id, "hook_params": hook_params}, log)
    parameters = arguments.pop("parameters", None)
    if watermark is not None:
        parameters = watermark.with_parameter(parameters)
    spool = spool_argument(arguments.pop("spool", None))
    query = Query(sql, conn_id, parameters, hook_params)
    read.hook = query.hook
    execute = query.execute if spool else hinting_at_spool(query.execute)
    rows = QuerySource(execute, query.cancel)
    source = rows if watermark is None else watermark.watched(rows)
    if not spool or arguments.get("validate_only") is True:  # then nothing is slow but the database
        return source
    identity = [sql, conn_id, parameters, hook_params, arguments.get("limit"), watermark and watermark.column]
    if partition is not None:  # each part has a spool of its own, which it removes
        identity.append(str(Partition.of(partition)))
    return SpooledQuery(source, spool_place(spool, identity), log, is_found_again=owner_of_task() is not None)


def filter_source(
    client: CdfClient, stream_id: str, filter: Mapping[str, Any], *, check_schema: bool = True
) -> RecordsSource:
    """Return the records of a stream that match a filter, as far as CDF shows them.

    :param check_schema: check that the properties in the filter exist.
    :raises InvalidArgumentError: when it is no filter, since without one all records match, or when a
        property does not exist.
    """
    if not isinstance(filter, Mapping) or not filter:
        msg = f"filter must be a filter in CDF's filter language (a dict that is not empty), got {filter!r}."
        raise InvalidArgumentError(msg)
    if check_schema:
        check_filter(client, filter)
    return RecordsSource(query_records(client, stream_id, filter=filter))
