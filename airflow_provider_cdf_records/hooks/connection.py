"""Reads the fields of an Airflow connection of type ``cdf`` into the configuration of a client."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airflow_provider_cdf_records.client import (
    Auth,
    ClientConfig,
    ClientCredentials,
    RetryPolicy,
    StaticToken,
)
from airflow_provider_cdf_records.client import field_names as names
from airflow_provider_cdf_records.client.secrets import secrets_in_url
from airflow_provider_cdf_records.hooks import connection_values as values
from airflow_provider_cdf_records.hooks.azure import AzureTokens
from airflow_provider_cdf_records.hooks.credentials import (
    client_credentials,
    kind_of_credential,
    missing_credentials,
)
from airflow_provider_cdf_records.records.stream_uri import CLUSTER_DOMAIN, PROJECT

ENTRA_TOKEN_URL = "https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token"  # noqa: S105 (an address)
HOST_EXAMPLE = f"https://westeurope-1.{CLUSTER_DOMAIN}"
TOKEN_URL_EXAMPLE = "https://idp.example.com/oauth2/token"  # noqa: S105 (an address)
DEFAULT_PORTS = {("https", 443), ("http", 80)}
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
EXTRAS = (
    "tenant_id",
    "token_url",
    "scopes",
    "audience",
    "token",
    "azure_conn_id",
    "federated_token_file",
    "certificate_file",
    "timeout",
    "verify",
    "proxies",
    "max_attempts",
    "max_wait",
)


class InvalidConnectionError(ValueError):
    """A connection that cannot work; the message names the field and the remedy."""

    retryable = False


class AirflowConnection(Protocol):
    """The part of an Airflow connection that we read."""

    conn_id: str
    host: str | None
    port: int | None
    schema: str | None
    login: str | None
    password: str | None

    @property
    def extra(self) -> str | None:
        """The extras as JSON."""


@dataclass(frozen=True)
class _Fields:
    """The fields of a connection without spaces and line ends around them; empty ones are ``""``."""

    host: str
    port: int | None
    schema: str
    login: str
    password: str = field(repr=False)
    extras: Mapping[str, Any] = field(repr=False)


def client_config(conn: AirflowConnection, *, max_concurrency: int) -> ClientConfig:
    """Return the configuration that a connection describes.

    :raises InvalidConnectionError: naming the wrong field and the remedy.
    """
    try:
        return _client_config(_fields(conn), max_concurrency)
    except ValueError as error:
        msg = f"Connection {conn.conn_id!r}: {error}"
        raise InvalidConnectionError(msg) from None


def address_of(conn: AirflowConnection) -> tuple[str, str]:
    """Return where CDF is, and the project there, of a connection whose other fields may be wrong.

    :raises InvalidConnectionError: naming the wrong field and the remedy.
    """
    try:
        host, schema = (
            values.one_line(conn.host or "", names.HOST),
            values.one_line(conn.schema or "", names.SCHEMA),
        )
        _refuse_missing(_missing_address(host, schema))
        return _base_url(host, values.port(conn.port))[0], _project(schema)
    except ValueError as error:
        msg = f"Connection {conn.conn_id!r}: {error}"
        raise InvalidConnectionError(msg) from None


def secrets_of(config: ClientConfig) -> Iterator[str]:
    """Yield what logs must not show of a configuration."""
    if isinstance(config.auth, ClientCredentials):
        yield config.auth.secret
    for url in config.proxies.values():
        yield from secrets_in_url(url)


def _fields(conn: AirflowConnection) -> _Fields:
    return _Fields(
        host=values.one_line(conn.host or "", names.HOST),
        port=values.port(conn.port),
        schema=values.one_line(conn.schema or "", names.SCHEMA),
        login=values.one_line(conn.login or "", names.LOGIN),
        password=values.one_line(conn.password or "", names.PASSWORD),
        extras=_extras(conn.extra),
    )


def _extras(text: str | None) -> dict[str, Any]:
    """Return the extras that are set; not by Airflow, which takes what is no JSON for no extras."""
    try:
        extras = json.loads(text) if text and text.strip() else {}
    except (ValueError, RecursionError):
        extras = None
    if not isinstance(extras, dict):
        msg = 'Extra must be a JSON object, such as {"tenant_id": "my-tenant"}.'
        raise ValueError(msg)  # noqa: TRY004 (a wrong value in a form, not a wrong type in code)
    extras = {name: value for name, value in values.cleaned(extras).items() if value not in (None, "")}
    if unknown := sorted(extras.keys() - set(EXTRAS)):
        msg = f"extra {unknown[0]!r} is not known; remove it or use one of {', '.join(EXTRAS)}."
        raise ValueError(msg)
    return extras


def _client_config(conn: _Fields, max_concurrency: int) -> ClientConfig:
    extras = conn.extras
    _refuse_missing(
        _missing_address(conn.host, conn.schema) + missing_credentials(conn.login, conn.password, extras)
    )
    project = _project(conn.schema)
    url, host = _base_url(conn.host, conn.port)
    loopback = host in values.LOOPBACK_HOSTS
    retry = RetryPolicy()
    return ClientConfig(
        base_url=url,
        project=project,
        auth=_auth(conn, extras, host),
        timeout=values.seconds(extras, "timeout", ClientConfig.timeout),
        verify=values.verify(extras.get("verify", True)),
        proxies=values.proxies(extras.get("proxies")),
        gzip=not loopback,
        environment=not loopback,
        pool_size=max_concurrency,
        retry=RetryPolicy(
            max_attempts=values.count(extras, "max_attempts", retry.max_attempts),
            max_wait=values.seconds(extras, "max_wait", retry.max_wait),
        ),
    )


def _missing_address(host: str, schema: str) -> list[str]:
    """Return a sentence for each field that is empty."""
    missing = []
    if not host:
        missing.append(f"{names.HOST} is empty; put the cluster's address there, such as {HOST_EXAMPLE}.")
    if not schema:
        missing.append(f"{names.SCHEMA} is empty; put the name of the CDF project there.")
    return missing


def _refuse_missing(missing: list[str]) -> None:
    if missing:
        raise ValueError(" ".join(missing))


def _project(schema: str) -> str:
    if not PROJECT.fullmatch(schema):
        msg = f"{names.SCHEMA} must be the name of the CDF project as it is in URLs, got {schema!r}."
        raise ValueError(msg)
    return schema


def _base_url(host: str, port: int | None) -> tuple[str, str]:
    """Return the address of CDF, and the host's name in it."""
    url = values.address(host, names.HOST, HOST_EXAMPLE)
    if url.path.strip("/") or url.query or url.fragment:
        msg = (
            f"{names.HOST} must be an address alone, such as {HOST_EXAMPLE}, got {host.partition('?')[0]!r}."
        )
        raise ValueError(msg)
    name = (url.hostname or "").removesuffix(".")
    if "://" not in host and "." not in name and ":" not in name and name not in values.LOOPBACK_HOSTS:
        name = f"{name}.{CLUSTER_DOMAIN}"
    port = url.port or port
    if (url.scheme, port) in DEFAULT_PORTS:
        port = None  # so that one address is written in one way
    return f"{url.scheme}://{_in_url(name)}" + (f":{port}" if port else ""), name


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def entra_scope(host: str) -> str:
    """Return the scope of a token of Entra ID: of the cluster, also where a private link leads to it.

    :param host: such as ``westeurope-1.cognitedata.com`` or ``alias.plink.westeurope-1.cognitedata.com``.
    """
    if host.endswith(f".{CLUSTER_DOMAIN}"):
        cluster = host.removesuffix(f".{CLUSTER_DOMAIN}").rpartition(".")[2]
        host = f"{cluster}.{CLUSTER_DOMAIN}"
    return f"https://{_in_url(host)}/.default"


def _auth(conn: _Fields, extras: Mapping[str, Any], host: str) -> Auth:
    kind = kind_of_credential(conn.login, conn.password, extras)
    scopes = values.scopes(extras.get("scopes"))
    if kind == "token":
        return StaticToken(values.access_token(extras[kind]))
    if kind == "azure_conn_id":
        conn_id = values.one_line(extras[kind], "extra 'azure_conn_id'")
        return AzureTokens(conn_id, scopes or entra_scope(host))
    tenant_id, token_url = extras.get("tenant_id"), extras.get("token_url")
    if tenant_id and token_url:
        msg = "extras 'tenant_id' and 'token_url' are both set; keep 'tenant_id' for Entra ID only."
        raise ValueError(msg)
    audience = extras.get("audience")
    return client_credentials(
        kind,
        conn.login,
        conn.password,
        extras,
        token_url=_token_url(token_url) if token_url else _entra_token_url(tenant_id),
        scopes=scopes or (entra_scope(host) if tenant_id else None),
        audience=None if audience is None else values.one_line(audience, "extra 'audience'"),
    )


def _token_url(value: Any) -> str:
    url = values.address(value, "extra 'token_url'", TOKEN_URL_EXAMPLE)
    return url._replace(fragment="").geturl()


def _entra_token_url(tenant_id: Any) -> str:
    tenant = values.one_line(tenant_id, "extra 'tenant_id'")
    if not TENANT.fullmatch(tenant):
        msg = f"extra 'tenant_id' must be the tenant's id or domain, got {tenant!r}."
        raise ValueError(msg)
    return ENTRA_TOKEN_URL.format(tenant_id=tenant)
