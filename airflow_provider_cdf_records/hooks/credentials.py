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
from airflow_provider_cdf_records.hooks.connection_values import one_line

PASSWORD = "password"  # noqa: S105 (the name of a field)
KINDS = {  # each with its name in messages
    "token": "extra 'token'",
    "azure_conn_id": "extra 'azure_conn_id'",
    PASSWORD: "Password",
    "federated_token_file": "extra 'federated_token_file'",
    "certificate_file": "extra 'certificate_file'",
}
WITHOUT_CLIENT = ("token", "azure_conn_id")  # these need no client id
NOT_WITH_AZURE = ("tenant_id", "token_url", "audience")


def kind_of_credential(login: str, password: str, extras: Mapping[str, Any]) -> str:
    """Return which of ``KINDS`` a connection holds.

    :raises ValueError: when it holds none or several, or what makes no sense with that kind.
    """
    kinds = [kind for kind in KINDS if (password if kind == PASSWORD else extras.get(kind))]
    without_client = [kind for kind in kinds if kind in WITHOUT_CLIENT]
    if without_client and login:
        name = KINDS[without_client[0]]
        msg = f"{name} and Login are both set; keep the one, or the client id and its secret, not both."
        raise ValueError(msg)
    if len(kinds) > 1:
        msg = f"{KINDS[kinds[0]]} and {KINDS[kinds[1]]} are both set; keep one of them."
        raise ValueError(msg)
    if not without_client and not login:
        msg = (
            "Login is empty; put the client id there and its secret into Password, or set the extra 'token' "
            "or 'azure_conn_id'."
        )
        raise ValueError(msg)
    if not kinds:
        msg = (
            "Password is empty; put the client secret of the client id in Login there, or set the extra "
            "'certificate_file' or 'federated_token_file'."
        )
        raise ValueError(msg)
    for name in NOT_WITH_AZURE:
        if kinds == ["azure_conn_id"] and extras.get(name):
            msg = f"extras 'azure_conn_id' and {name!r} are both set; remove {name!r}."
            raise ValueError(msg)
    return kinds[0]


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
