"""Any database by ODBC (pyodbc), such as SQL Server."""

from __future__ import annotations

from airflow_provider_cdf_records.hooks.databases.driver import Driver


class OdbcDriver(Driver):
    """ODBC."""

    packages = ("pyodbc",)
