"""What sensors and triggers wait for, without Airflow."""

from airflow_provider_cdf_records.waiting.change_pages import Position
from airflow_provider_cdf_records.waiting.changes import Changes, read_changes
from airflow_provider_cdf_records.waiting.condition import Condition, Finding, WaitEndedError
from airflow_provider_cdf_records.waiting.listed import Listed
from airflow_provider_cdf_records.waiting.load_visible import LoadVisible
from airflow_provider_cdf_records.waiting.records import EnoughRecords
from airflow_provider_cdf_records.waiting.stream_changed import StreamChanged
from airflow_provider_cdf_records.waiting.streams import StreamExists

__all__ = [
    "Changes",
    "Condition",
    "EnoughRecords",
    "Finding",
    "Listed",
    "LoadVisible",
    "Position",
    "StreamChanged",
    "StreamExists",
    "WaitEndedError",
    "read_changes",
]
