"""The drivers that are known, by their packages and by the types of Airflow connections."""

from __future__ import annotations

import sys
from typing import Any

from airflow_provider_cdf_records.hooks.databases.driver import Driver
from airflow_provider_cdf_records.hooks.databases.mysql import (
    MysqlclientDriver,
    MysqlConnectorDriver,
    PymysqlDriver,
)
from airflow_provider_cdf_records.hooks.databases.odbc import OdbcDriver
from airflow_provider_cdf_records.hooks.databases.oracle import OracleDriver
from airflow_provider_cdf_records.hooks.databases.psycopg2_driver import Psycopg2Driver
from airflow_provider_cdf_records.hooks.databases.psycopg_driver import PsycopgDriver
from airflow_provider_cdf_records.hooks.databases.snowflake import SnowflakeDriver
from airflow_provider_cdf_records.hooks.databases.sqlite import SqliteDriver
from airflow_provider_cdf_records.hooks.databases.sqlserver import PymssqlDriver

DRIVERS: tuple[type[Driver], ...] = (
    MysqlclientDriver,
    MysqlConnectorDriver,
    OdbcDriver,
    OracleDriver,
    Psycopg2Driver,
    PsycopgDriver,
    PymssqlDriver,
    PymysqlDriver,
    SnowflakeDriver,
    SqliteDriver,
)
BY_PACKAGE = {package: driver for driver in DRIVERS for package in driver.packages}
BY_CONN_TYPE = {conn_type: driver for driver in DRIVERS for conn_type in driver.conn_types}


def driver_to_connect(hook: Any) -> Driver:
    """Return the driver that opens the connections of a hook."""
    return BY_CONN_TYPE.get(getattr(hook, "conn_type", ""), Driver)(hook)


def driver_of(value: Any, hook: Any) -> Driver:
    """Return the driver that a connection, or an error of one, is of."""
    packages = (base.__module__.partition(".")[0] for base in type(value).__mro__)
    return next((BY_PACKAGE[package] for package in packages if package in BY_PACKAGE), Driver)(hook)


def placeholders_of(conn: Any) -> tuple[str, bool]:
    """Return the style of a connection's placeholders, as DB-API calls it, and whether they can be names."""
    packages = [base.__module__.partition(".")[0] for base in type(conn).__mro__]
    styles = [getattr(sys.modules.get(package), "paramstyle", None) for package in packages]
    style = next((style for style in styles if style), "pyformat")
    return style, style in ("pyformat", "format", "named") or "sqlite3" in packages
