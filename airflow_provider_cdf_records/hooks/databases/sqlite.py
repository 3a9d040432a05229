"""SQLite, by Python's own module."""

from __future__ import annotations

from datetime import date, datetime, timezone

from airflow_provider_cdf_records.hooks.databases.driver import DriverThatCancels

FINAL_MESSAGES = ("no such", "syntax error", "unable to open")  # a locked file has the same class


class SqliteDriver(DriverThatCancels):
    """Tells by the message which of its errors are final, and compares moments as texts."""

    packages = ("sqlite3",)
    cancel_method = "interrupt"
    text_cast = "CAST({column} AS TEXT)"
    refuses_moments_as_text = True

    def is_final(self, error: Exception) -> bool:
        return super().is_final(error) or any(message in str(error) for message in FINAL_MESSAGES)

    def moment(self, moment: datetime) -> str:
        """Return the text in UTC, as ``CURRENT_TIMESTAMP`` is written; zeros at its end would sort it up."""
        utc = moment.astimezone(timezone.utc).replace(tzinfo=None) if moment.tzinfo else moment
        text = utc.isoformat(" ")
        return text.rstrip("0") if utc.microsecond else text

    def date(self, day: date) -> str:
        return day.isoformat()
