"""What sensors and triggers wait for, without Airflow."""

from airflow_provider_cdf_records.waiting.changed import StreamChanged
from airflow_provider_cdf_records.waiting.condition import Condition, Finding, WaitEndedError
from airflow_provider_cdf_records.waiting.records import EnoughRecords
from airflow_provider_cdf_records.waiting.streams import StreamExists

__all__ = ["Condition", "EnoughRecords", "Finding", "StreamChanged", "StreamExists", "WaitEndedError"]
