"""What the path of the rejected-records file must not be."""

from __future__ import annotations

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sources import FileSource, Source
from airflow_provider_cdf_records.sources.compression import compression_of
from airflow_provider_cdf_records.sources.storage import StoragePath


def check_rejected_path(path: StoragePath, source: Source) -> None:
    """Refuse a path that could not be loaded again, or that is one of the files to load.

    :raises InvalidArgumentError: naming the path.
    """
    if compression := compression_of(path.name):
        msg = (
            f"rejected_path {str(path)!r} is not compressed, and could not "
            f"be loaded again by that name; leave out {compression.suffix}."
        )
        raise InvalidArgumentError(msg)
    if isinstance(source, FileSource) and source.reads(path):
        msg = (
            f"rejected_path {str(path)!r} is one of the files to load, and would be "
            "overwritten; choose another."
        )
        raise InvalidArgumentError(msg)
