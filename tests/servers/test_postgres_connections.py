"""Which refusals of a PostgreSQL that asks for passwords are worth a retry."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.databases import Query, QueryError
from tests.servers.databases import PASSWORD, Database

pytestmark = pytest.mark.xdist_group("postgres")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
@pytest.mark.parametrize(
    ("fields", "message", "is_final"),
    [
        ({"password": "another"}, 'password authentication failed for user "postgres"', True),
        ({"password": None}, "no password supplied", True),
        ({"schema": "nowhere"}, 'database "nowhere" does not exist', True),
        ({"login": "barred"}, 'role "barred" is not permitted to log in', True),
        ({"login": "stranger"}, 'permission denied for database "plant"', True),
        ({"extra": {"sslmode": "require"}}, "server does not support SSL", True),
        ({"login": "crowded"}, 'too many connections for role "crowded"', False),
    ],
    ids=["password", "no password", "database", "no login", "no right", "SSL", "too many"],
)
def test_a_refused_connection_is_final_unless_it_passes(
    postgres: Database,
    connect: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    driver: str,
    fields: dict[str, Any],
    message: str,
    is_final: bool,
) -> None:
    from airflow.providers.postgres.hooks import postgres as hooks

    monkeypatch.setattr(hooks, "USE_PSYCOPG3", driver == "psycopg")
    postgres.execute(
        *(f"DROP ROLE IF EXISTS {role}" for role in ("barred", "stranger", "crowded")),
        f"CREATE ROLE barred NOLOGIN PASSWORD '{PASSWORD}'",
        f"CREATE ROLE stranger LOGIN PASSWORD '{PASSWORD}'",
        "REVOKE CONNECT ON DATABASE plant FROM PUBLIC",
        f"CREATE ROLE crowded LOGIN CONNECTION LIMIT 0 PASSWORD '{PASSWORD}' IN ROLE pg_monitor",
        "GRANT CONNECT ON DATABASE plant TO pg_monitor",
    )
    try:
        conn_id = connect("postgres", postgres)
        given = json.loads(os.environ["AIRFLOW_CONN_DB"])
        monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps(given | fields))
        with pytest.raises(QueryError, match=message) as error, Query("SELECT 1", conn_id).execute():
            pass
    finally:
        postgres.execute("GRANT CONNECT ON DATABASE plant TO PUBLIC")
    assert error.value.retryable is not is_final
    assert PASSWORD not in str(error.value)
