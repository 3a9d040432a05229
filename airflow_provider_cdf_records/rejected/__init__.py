"""The rejected-records file: its lines, writing it, and loading from it again. Only this room knows it."""

from airflow_provider_cdf_records.rejected.file import RejectedFile
from airflow_provider_cdf_records.rejected.lines import Owner, Rejection, rejection_of
from airflow_provider_cdf_records.rejected.reading import UnwrapRejected

__all__ = ["Owner", "RejectedFile", "Rejection", "UnwrapRejected", "rejection_of"]
