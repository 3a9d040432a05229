"""Shares a source among the instances of a mapped task."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

By = Literal["identity", "position"]
OPENING = "airflow_provider_cdf_records.hooks.splitting"  # opens paths with the credentials of connections


def split_source(
    path: Any,
    parts: int,
    *,
    by: By = "identity",
    file_format: str | None = None,
    file_options: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return what ``expand_kwargs`` takes, so that several tasks load a file, a folder or a pattern together.

    .. code-block:: python

        @task
        def parts() -> list[dict]:
            return split_source("s3://aws_default@bucket/alarms.ndjson", 8, by="position")

        CdfRecordsIngestOperator.partial(task_id="load", stream_id="archive").expand_kwargs(parts())

    ``by="identity"`` holds always: each task reads all of the source, and loads the rows whose identity
    hashes to its part. All rows of one identity go to one task, in their order, so that the last one stays.

    ``by="position"`` cuts the source into about equal parts, each of which is read by one task alone. It
    holds only where each identity stands once in the source, or where the stream is immutable and keeps each
    row: the tasks run at the same time, and which of two rows of one identity in two parts stays is left to
    chance. The order of rows is kept in a part, not across parts. NDJSON and CSV are cut at the ends of rows,
    Parquet between row groups; compressed files, JSON, Arrow and zip archives are not cut, and each of them
    is in one part as a whole. The files must stay as they are until all parts are loaded.

    Each dict has a ``path`` (a text, or a list of them: by position of a folder, a pattern or a list, beside
    whose files no ``rejected_path`` may be) and by identity a ``partition``. There are never more
    than ``parts``, by position fewer where there is not so much to cut, and always at least one. Reading the
    path takes the credentials of Airflow connections, as that of an operator does.

    :param path: a path as the operators take it, as text: it is written to XCom.
    :param file_format: by position: the name of a format; by default what the suffix says.
    :param file_options: by position: options of the format. Give the operator the same two.
    :raises InvalidArgumentError: for an argument that makes no sense.
    :raises SourceError: when there is no file, or by position one that cannot be opened. In a task, both are
        an ``AirflowFailException``, so that what cannot be mended is not tried again.
    """
    found: list[dict[str, Any]] = import_module(OPENING).split(path, parts, by, file_format, file_options)
    return found
