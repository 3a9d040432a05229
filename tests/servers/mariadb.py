"""MariaDB by each driver that a hook can hand out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.operators.cdf_records_sql import CdfRecordsFromSqlOperator
from tests.hooks.sql.conftest import mapping
from tests.sample_records import STREAM
from tests.servers.databases import PASSWORD, Database

CLIENTS = ("mysqlclient", "mysql-connector", "pymysql", "odbc")

by_each_client = pytest.mark.parametrize("client", CLIENTS)

Reach = Callable[..., Database]


def operator(sql: str, **arguments: Any) -> CdfRecordsFromSqlOperator:
    arguments = {"mapping": mapping(number="number")} | arguments
    return CdfRecordsFromSqlOperator(task_id="load", stream_id=STREAM, sql=sql, conn_id="db", **arguments)


def hand_out_pymysql(patch: pytest.MonkeyPatch) -> None:
    """Let Airflow's hook hand out connections of PyMySQL, as a hook of somebody's own does."""
    import pymysql
    from airflow.providers.mysql.hooks.mysql import MySqlHook

    def get_conn(hook: Any) -> Any:
        conn = hook.get_connection(hook.get_conn_id())
        return pymysql.connect(
            host=conn.host,
            port=conn.port,
            user=conn.login,
            password=conn.password or "",
            database=conn.schema,
            init_command=hook.init_command,
        )

    patch.setattr(MySqlHook, "get_conn", get_conn)


def extra_of(client: str) -> dict[str, Any]:
    return {"client": "mysql-connector-python"} if client == "mysql-connector" else {}


__all__ = ["CLIENTS", "PASSWORD", "Reach", "by_each_client", "extra_of", "hand_out_pymysql", "operator"]
