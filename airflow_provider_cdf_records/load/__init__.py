"""One load: the rows of a source, written to a stream with a verb. Knows no Airflow."""

from airflow_provider_cdf_records.load.load import Load
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.tally import TooManyRejectedError
from airflow_provider_cdf_records.load.verbs import Verb

__all__ = ["Load", "Summary", "TooManyRejectedError", "Verb"]
