"""Sources of rows: iterables, files of many formats, results of queries."""

from airflow_provider_cdf_records.sources.async_iterables import AsyncRecordsSource
from airflow_provider_cdf_records.sources.files import FileSource
from airflow_provider_cdf_records.sources.folders import files_of, kind_that_takes
from airflow_provider_cdf_records.sources.format_check import check_format
from airflow_provider_cdf_records.sources.formats import FORMATS
from airflow_provider_cdf_records.sources.iterables import RecordsSource
from airflow_provider_cdf_records.sources.queries import QuerySource
from airflow_provider_cdf_records.sources.read_ahead import ReadAhead
from airflow_provider_cdf_records.sources.slices import SlicedFile
from airflow_provider_cdf_records.sources.source import CancellableSource, ResumableSource, Source
from airflow_provider_cdf_records.sources.split import split_source
from airflow_provider_cdf_records.sources.summaries import merge_summaries

__all__ = [
    "FORMATS",
    "AsyncRecordsSource",
    "CancellableSource",
    "FileSource",
    "QuerySource",
    "ReadAhead",
    "RecordsSource",
    "ResumableSource",
    "SlicedFile",
    "Source",
    "check_format",
    "files_of",
    "kind_that_takes",
    "merge_summaries",
    "split_source",
]
