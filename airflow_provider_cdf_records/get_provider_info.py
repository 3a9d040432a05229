"""What Airflow reads of this provider when it starts. Imports nothing: every Airflow process pays for it."""

from __future__ import annotations

from typing import Any

INTEGRATION = "Cognite Data Fusion"


def _field(label: str, description: str, *, kind: str = "string", secret: bool = False) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": [kind, "null"]}
    if secret:
        schema["format"] = "password"
    return {"label": label, "description": description, "schema": schema}


def _asset_uris() -> list[dict[str, Any]]:
    module = "airflow_provider_cdf_records.assets.cdf_records"
    functions = {
        "handler": "sanitize_uri",
        "factory": "create_asset",
        "to_openlineage_converter": "convert_asset_to_openlineage",
    }
    return [{"schemes": ["cdf"]} | {role: f"{module}.{name}" for role, name in functions.items()}]


def get_provider_info() -> dict[str, Any]:
    """Return the provider's description, as Airflow's ``provider_info.schema.json`` wants it."""
    return {
        "package-name": "airflow-provider-cdf-records",
        "name": INTEGRATION,
        "description": "Load records into streams of Cognite Data Fusion (CDF).",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://docs.cognite.com/",
                "tags": ["service"],
            }
        ],
        "hooks": [
            {
                "integration-name": INTEGRATION,
                "python-modules": ["airflow_provider_cdf_records.hooks.cdf_records"],
            }
        ],
        "operators": [
            {
                "integration-name": INTEGRATION,
                "python-modules": [
                    "airflow_provider_cdf_records.operators.cdf_records",
                    "airflow_provider_cdf_records.operators.cdf_records_sql",
                ],
            }
        ],
        "sensors": [
            {
                "integration-name": INTEGRATION,
                "python-modules": ["airflow_provider_cdf_records.sensors.cdf_records"],
            }
        ],
        "triggers": [
            {
                "integration-name": INTEGRATION,
                "python-modules": [
                    "airflow_provider_cdf_records.triggers.cdf_records",
                    "airflow_provider_cdf_records.triggers.changed_since",
                ],
            }
        ],
        "queues": ["airflow_provider_cdf_records.queues.cdf_records.CdfMessageQueueProvider"],
        "asset-uris": _asset_uris(),
        "dataset-uris": _asset_uris(),  # what Airflow 2 reads
        "extra-links": [
            "airflow_provider_cdf_records.links.cdf_records.CdfProjectLink",
            "airflow_provider_cdf_records.links.cdf_records.RejectedRecordsLink",
        ],
        "task-decorators": [
            {"name": name, "class-name": f"airflow_provider_cdf_records.decorators.cdf_records.{name}"}
            for name in ("cdf_records_upsert", "cdf_records_ingest", "cdf_records_delete")
        ],
        "cli": ["airflow_provider_cdf_records.commands.airflow_cli.get_cdf_commands"],
        "connection-types": [
            {
                "connection-type": "cdf",
                "hook-name": INTEGRATION,
                "hook-class-name": "airflow_provider_cdf_records.hooks.cdf_records.CdfRecordsHook",
                "ui-field-behaviour": {
                    # Port is shown since Airflow 3.3's Test button refuses connections without one.
                    "hidden-fields": ["extra"],
                    "relabeling": {
                        "host": "Cluster *",
                        "schema": "CDF project *",
                        "login": "Client ID",
                        "password": "Client secret",
                    },
                    "placeholders": {
                        "host": "https://westeurope-1.cognitedata.com",
                        "schema": "my-project",
                        "port": "443",
                        "login": "8f7c2f7e-6a3b-4d0e-9c55-2b1f0a6d9e31",
                        "password": "the secret's value, not its ID",
                    },
                },
                "conn-fields": {
                    "tenant_id": _field(
                        "Entra ID tenant",
                        "Its ID or domain, such as my-company.onmicrosoft.com. Required for Entra ID.",
                    ),
                    "token_url": _field(
                        "Token URL",
                        "Required for other identity providers, such as https://idp.example.com/oauth2/token.",
                    ),
                    "scopes": _field(
                        "Scopes",
                        "Separated by spaces. Empty for Entra ID: https://CLUSTER.cognitedata.com/.default.",
                    ),
                    "audience": _field("Audience", "Only for providers that ask for one, such as Auth0."),
                    "token": _field(
                        "Access token",
                        "A ready token instead of Client ID and secret. It expires.",
                        secret=True,
                    ),
                    "azure_conn_id": _field(
                        "Azure connection",
                        "An Airflow connection of type azure that gives tokens, instead of Client ID and "
                        "secret. For managed and workload identity. It needs use_azure_identity_object.",
                    ),
                    "federated_token_file": _field(
                        "Federated token file",
                        "Path of a file that the platform keeps a fresh token in, instead of the secret.",
                    ),
                    "certificate_file": _field(
                        "Certificate file",
                        "Path of a PEM file with certificate and private key, instead of the secret.",
                    ),
                    "timeout": _field(
                        "Timeout",
                        "Seconds without an answer after which a request is retried. 60 when left empty.",
                        kind="number",
                    ),
                    "verify": _field(
                        "Verify TLS",
                        "'false' to check no certificate, or the path of a CA bundle.",
                    ),
                    "proxies": _field(
                        "Proxy",
                        "URL of an HTTP proxy for all requests, or a JSON object of scheme and URL.",
                        secret=True,
                    ),
                    "max_attempts": _field(
                        "Attempts",
                        "How often one request is sent at most. 10 when left empty.",
                        kind="integer",
                    ),
                    "max_wait": _field(
                        "Longest wait",
                        "Seconds a request may spend waiting between its attempts. 600 when left empty.",
                        kind="number",
                    ),
                },
            }
        ],
    }
