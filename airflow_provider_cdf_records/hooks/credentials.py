"""Which kind of credential a connection holds: exactly one of several."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.client import (
    CertificateFile,
    ClientAssertions,
    ClientCredentials,
    FederatedTokenFile,
)
from airflow_provider_cdf_records.client import field_names as names
from airflow_provider_cdf_records.hooks.connection_values import one_line

PASSWORD = "password"  # noqa: S105 (the name of a field)
KINDS = {  # each with its name in messages
    "token": "extra 'token'",
    "azure_conn_id": "extra 'azure_conn_id'",
    PASSWORD: names.PASSWORD,
    "federated_token_file": "extra 'federated_token_file'",
    "certificate_file": "extra 'certificate_file'",
}
WITHOUT_CLIENT = ("token", "azure_conn_id")  # these need no client id
NOT_WITH_AZURE = ("tenant_id", "token_url", "audience")


def kind_of_credential(login: str, password: str, extras: Mapping[str, Any]) -> str:
    """Return which of ``KINDS`` a connection holds.

    It holds at least one, as :func:`missing_credentials` tells.

    :raises ValueError: when it holds several, or what makes no sense with that kind.
    """
    kinds = _kinds(password, extras)
    without_client = [kind for kind in kinds if kind in WITHOUT_CLIENT]
    if without_client and login:
        name = KINDS[without_client[0]]
        msg = f"{name} and {names.LOGIN} are both set; keep the one, or client id and secret."
        raise ValueError(msg)
    if len(kinds) > 1:
        msg = f"{KINDS[kinds[0]]} and {KINDS[kinds[1]]} are both set; keep one of them."
        raise ValueError(msg)
    for name in NOT_WITH_AZURE:
        if kinds == ["azure_conn_id"] and extras.get(name):
            msg = f"extras 'azure_conn_id' and {name!r} are both set; remove {name!r}."
            raise ValueError(msg)
    return kinds[0]


def missing_credentials(login: str, password: str, extras: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each field that a token needs and that is empty."""
    kinds = _kinds(password, extras)
    if set(kinds) & set(WITHOUT_CLIENT):
        return []
    missing = []
    if not login:
        missing.append(
            f"{names.LOGIN} is empty; put the client id there, or set the extra 'token' or 'azure_conn_id'."
        )
    if not kinds:
        missing.append(
            f"{names.PASSWORD} is empty; put the client's secret there, or set the extra "
            "'certificate_file' or 'federated_token_file'."
        )
    if not extras.get("tenant_id") and not extras.get("token_url"):
        missing.append(
            "The extra 'tenant_id' (Entra ID) or 'token_url' (other identity providers) is missing; set one."
        )
    return missing


def _kinds(password: str, extras: Mapping[str, Any]) -> list[str]:
    return [kind for kind in KINDS if (password if kind == PASSWORD else extras.get(kind))]


def client_credentials(
    kind: str,
    client_id: str,
    secret: str,
    extras: Mapping[str, Any],
    *,
    token_url: str,
    scopes: str | None,
    audience: str | None,
) -> ClientCredentials | ClientAssertions:
    """Return the credentials of a client that gets its tokens from a token URL.

    :param kind: as of :func:`kind_of_credential`.
    :param secret: empty, unless that is its kind.
    """
    if kind == PASSWORD:
        return ClientCredentials(client_id, secret, token_url, scopes, audience)
    path = str(Path(one_line(extras[kind], KINDS[kind])).expanduser())
    source = (
        FederatedTokenFile(path)
        if kind == "federated_token_file"
        else CertificateFile(path, for_entra_id="tenant_id" in extras)
    )
    return ClientAssertions(client_id, source, token_url, scopes, audience)
