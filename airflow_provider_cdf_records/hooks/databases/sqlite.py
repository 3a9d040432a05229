"""SQLite, by Python's own module."""

from __future__ import annotations

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels

FINAL_MESSAGES = ("no such", "syntax error", "unable to open")  # a locked file has the same class


class SqliteDriver(DriverThatCancels):
    """Tells by the message which of its errors are final."""

    packages = ("sqlite3",)
    cancel_method = "interrupt"

    def is_final(self, error: Exception) -> bool:
        return super().is_final(error) or any(message in str(error) for message in FINAL_MESSAGES)
