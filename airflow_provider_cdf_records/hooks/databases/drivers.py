"""The drivers that are known, by their packages."""

from __future__ import annotations

from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.mysql import MysqlDriver
from airflow_provider_cdf_records.hooks.databases.odbc import OdbcDriver
from airflow_provider_cdf_records.hooks.databases.postgres import PostgresDriver
from airflow_provider_cdf_records.hooks.databases.sqlite import SqliteDriver

DRIVERS: tuple[type[Driver], ...] = (MysqlDriver, OdbcDriver, PostgresDriver, SqliteDriver)
BY_PACKAGE = {package: driver for driver in DRIVERS for package in driver.packages}


def driver_of(value: Any, hook: Any) -> Driver:
    """Return the driver that a connection, or an error of connecting, is of."""
    package = type(value).__module__.partition(".")[0]
    return BY_PACKAGE.get(package, Driver)(hook)
