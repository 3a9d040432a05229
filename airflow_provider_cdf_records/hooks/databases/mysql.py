"""MySQL and MariaDB, by mysqlclient, mysql-connector-python and PyMySQL."""

from __future__ import annotations

from airflow_provider_cdf_records.hooks.databases.driver import Driver


class MysqlDriver(Driver):
    """MySQL and MariaDB."""

    packages = ("MySQLdb", "mysql", "pymysql")
