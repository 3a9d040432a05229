"""Faults of networks and services, injected by a plan that a seed makes repeatable."""

from airflow_provider_cdf_records.local_server.http.faults.kinds import ALL, ELSEWHERE, PASSING, Elsewhere
from airflow_provider_cdf_records.local_server.http.faults.layer import Faults
from airflow_provider_cdf_records.local_server.http.faults.plan import FaultPlan

__all__ = ["ALL", "ELSEWHERE", "PASSING", "Elsewhere", "FaultPlan", "Faults"]
