"""Sources of rows that need Airflow: paths with the credentials of connections, queries on connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_cdf_records.hooks.paths import Path, storage_path
from airflow_provider_cdf_records.sources import FileSource, QuerySource, files_of

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.arguments import FileArguments, QueryArguments


def file_source(path: Path, arguments: FileArguments) -> FileSource:
    """Return the rows of one file, or of the files of a folder or pattern in the order of their names.

    :param path: a local path or any fsspec URL, such as ``s3://aws_default@bucket/alarms.ndjson.gz``.
    :param arguments: those of the source are removed from it.
    :raises SourceError: when there is no file, or one of an unknown format.
    """
    files = files_of(storage_path(path, "path"))
    return FileSource(
        *files,
        file_format=arguments.pop("file_format", None),
        file_options=arguments.pop("file_options", None),
    )


def query_source(sql: str, arguments: QueryArguments) -> QuerySource:
    """Return the rows of a query, fetched as they are needed; PostgreSQL uses a server-side cursor.

    :param sql: one ``SELECT``.
    :param arguments: those of the source are removed from it.
    :raises InvalidArgumentError: when the connection is not to a SQL database.
    """
    from airflow_provider_cdf_records.hooks.sql import Query  # noqa: PLC0415 (needs common.sql)

    query = Query(
        sql,
        arguments.pop("conn_id"),  # type: ignore[misc]
        arguments.pop("parameters", None),
        arguments.pop("hook_params", None),
    )
    return QuerySource(query.execute, query.cancel)
