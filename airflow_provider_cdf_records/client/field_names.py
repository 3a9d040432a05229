"""How messages name the fields of a connection: by the form's label, with Airflow's own name after it."""

from __future__ import annotations

HOST = "Cluster (host)"
SCHEMA = "CDF project (schema)"
LOGIN = "Client ID (login)"
PASSWORD = "Client secret (password)"  # noqa: S105 (the name of a field)
