"""Links from a task in Airflow's web interface to what it worked with."""

from airflow_provider_cdf_records.links.cdf_records import LINKS, CdfProjectLink, RejectedRecordsLink

__all__ = ["LINKS", "CdfProjectLink", "RejectedRecordsLink"]
