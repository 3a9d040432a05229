"""Sources of rows that need Airflow: paths with the credentials of connections, queries on connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.client import CdfClient, query_records
from airflow_provider_cdf_records.hooks.paths import Path, check_not_loaded, storage_path
from airflow_provider_cdf_records.load.preflight import check_filter
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.rejected.contents import begins_with_rejected
from airflow_provider_cdf_records.sources import FileSource, QuerySource, RecordsSource, files_of

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.arguments import FileArguments, QueryArguments


def file_source(path: Path, arguments: FileArguments) -> FileSource:
    """Return the rows of one file, or of the files of a folder or pattern in the order of their names.

    :param path: a local path or any fsspec URL, such as ``s3://aws_default@bucket/alarms.ndjson.gz``.
    :param arguments: those of the source are removed from it.
    :raises SourceError: when there is no file, one of an unknown format, or storage that cannot be reached.
    :raises InvalidArgumentError: when ``rejected_path`` is where the next run would load it.
    """
    opened = storage_path(path, "path")
    check_not_loaded(arguments.get("rejected_path"), opened)
    return FileSource(
        *files_of(opened),
        file_format=arguments.pop("file_format", None),
        file_options=arguments.pop("file_options", None),
        holds_rejected=begins_with_rejected,
    )


def query_source(sql: str, arguments: QueryArguments) -> QuerySource:
    """Return the rows of a query, fetched as they are needed; PostgreSQL uses a server-side cursor.

    :param sql: one ``SELECT``.
    :param arguments: those of the source are removed from it.
    :raises InvalidArgumentError: when the connection is not to a SQL database.
    """
    from airflow_provider_cdf_records.hooks.databases import Query  # noqa: PLC0415 (needs common.sql)

    query = Query(
        sql,
        arguments.pop("conn_id", ""),  # type: ignore[misc]
        arguments.pop("parameters", None),
        arguments.pop("hook_params", None),
    )
    return QuerySource(query.execute, query.cancel)


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
