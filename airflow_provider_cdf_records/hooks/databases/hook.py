"""Finds the SQL hook of an Airflow connection."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.problems import listed
from airflow_provider_cdf_records.version_compat import AirflowException, BaseHook, import_dbapi_hook

SECRET_NAME = re.compile("pass|pwd|secret|token|key|credential|auth", re.IGNORECASE)
PROVIDERS = {  # of Airflow's own project, by the types of connections to SQL databases
    "athena": "amazon",
    "databricks": "databricks",
    "drill": "apache-drill",
    "druid": "apache-druid",
    "elasticsearch": "elasticsearch",
    "exasol": "exasol",
    "gcpbigquery": "google",
    "gcpspanner": "google",
    "hiveserver2": "apache-hive",
    "impala": "apache-impala",
    "jdbc": "jdbc",
    "mssql": "microsoft-mssql",
    "mysql": "mysql",
    "odbc": "odbc",
    "oracle": "oracle",
    "pinot": "apache-pinot",
    "postgres": "postgres",
    "presto": "presto",
    "redshift": "amazon",
    "snowflake": "snowflake",
    "sqlite": "sqlite",
    "teradata": "teradata",
    "trino": "trino",
    "vertica": "vertica",
    "ydb": "ydb",
}


def database_hook(conn_id: str, hook_params: dict[str, Any]) -> tuple[Any, list[str]]:
    """Return the hook of a connection, and the secrets of both.

    :param hook_params: further arguments of the hook.
    :raises InvalidArgumentError: when there is none for SQL, saying what to install or to change.
    """
    try:
        dbapi_hook = import_dbapi_hook()
    except ImportError:
        msg = (
            "A SQL source needs apache-airflow-providers-common-sql: "
            "pip install 'airflow-provider-cdf-records[sql]'."
        )
        raise InvalidArgumentError(msg) from None
    connection = BaseHook.get_connection(conn_id)
    what = f"conn_id {conn_id!r} is of type {connection.conn_type!r}"
    try:
        hook = connection.get_hook(hook_params=hook_params)  # type: ignore[no-untyped-call]
    except (AirflowException, ImportError) as error:
        msg = f"{what}, whose hook cannot be loaded ({error}); {_how_to_install(connection.conn_type)}."
        raise InvalidArgumentError(msg) from None
    except TypeError as error:
        given = listed(hook_params, str)  # their values may be secrets
        msg = f"{what}, whose hook cannot be loaded ({error}); check hook_params, got {given}."
        raise InvalidArgumentError(msg) from None
    if not isinstance(hook, dbapi_hook):
        msg = f"{what}, which is not a SQL database: {type(hook).__name__} is not a DbApiHook."
        raise InvalidArgumentError(msg)
    password = [connection.password] if connection.password else []
    return hook, [*password, *secrets_in(connection.extra_dejson), *secrets_in(hook_params)]


def secrets_in(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of fields whose names say that they are secrets."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from secrets_in(value)
        elif isinstance(value, str) and SECRET_NAME.search(str(name)):
            yield value


def _how_to_install(conn_type: str | None) -> str:
    provider = PROVIDERS.get(conn_type or "")
    if provider is None:  # a package of a guessed name may be anybody's
        return f"install the Airflow provider that has connections of type {conn_type!r}"
    return f"pip install apache-airflow-providers-{provider}"
