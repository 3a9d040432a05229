"""The ground: what a record is, chunks of rows on their way to records, and errors."""

from airflow_provider_cdf_records.records.chunk import Chunk, Convert, Mark, Records, Refusal
from airflow_provider_cdf_records.records.errors import InvalidArgumentError, SourceError

__all__ = ["Chunk", "Convert", "InvalidArgumentError", "Mark", "Records", "Refusal", "SourceError"]
