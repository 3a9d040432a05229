"""Reads the fields of an Airflow connection of type ``cdf`` into the configuration of a client."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from airflow_provider_cdf_records.client import Auth, ClientConfig, RetryPolicy, StaticToken
from airflow_provider_cdf_records.hooks.azure import AzureTokens
from airflow_provider_cdf_records.hooks.credentials import client_credentials, kind_of_credential

CLUSTER_DOMAIN = "cognitedata.com"
ENTRA_TOKEN_URL = "https://login.microsoftonline.com/{tenant_id}/oauth2/v2.0/token"  # noqa: S105 (an address)
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
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
    def extra_dejson(self) -> dict[str, Any]:
        """The extras."""


def client_config(conn: AirflowConnection, *, max_concurrency: int) -> ClientConfig:
    """Return the configuration that a connection describes.

    :raises InvalidConnectionError: naming the wrong field and the remedy.
    """
    try:
        return _client_config(conn, max_concurrency)
    except ValueError as error:
        msg = f"Connection {conn.conn_id!r}: {error}"
        raise InvalidConnectionError(msg) from None


def _client_config(conn: AirflowConnection, max_concurrency: int) -> ClientConfig:
    extras = {name: value for name, value in conn.extra_dejson.items() if value not in (None, "")}
    if unknown := sorted(extras.keys() - set(EXTRAS)):
        msg = f"extra {unknown[0]!r} is not known; remove it or use one of {', '.join(EXTRAS)}."
        raise ValueError(msg)
    if not conn.schema:
        msg = "Schema is empty; put the name of the CDF project there."
        raise ValueError(msg)
    url = _base_url(conn.host, conn.port)
    loopback = urlsplit(url).hostname in LOOPBACK_HOSTS
    retry = RetryPolicy()
    return ClientConfig(
        base_url=url,
        project=conn.schema,
        auth=_auth(conn, extras, url),
        timeout=_positive(extras, "timeout", ClientConfig.timeout),
        verify=_verify(extras.get("verify", True)),
        proxies=_proxies(extras.get("proxies")),
        gzip=not loopback,
        environment=not loopback,
        pool_size=max_concurrency,
        retry=RetryPolicy(
            max_attempts=int(_positive(extras, "max_attempts", retry.max_attempts)),
            max_wait=_positive(extras, "max_wait", retry.max_wait),
        ),
    )


def _base_url(host: str | None, port: int | None) -> str:
    if not host:
        msg = f"Host is empty; put the cluster there, such as https://westeurope-1.{CLUSTER_DOMAIN}."
        raise ValueError(msg)
    url = _split(host)
    name = url.hostname or ""
    if "://" not in host and "." not in name and name not in LOOPBACK_HOSTS:
        name = f"{name}.{CLUSTER_DOMAIN}"
    has_more = url.path.strip("/") or url.query or url.fragment or url.username
    if not name or has_more or not _has_valid_port(url):
        msg = f"Host must be an address alone, such as https://westeurope-1.{CLUSTER_DOMAIN}, got {host!r}."
        raise ValueError(msg)
    _refuse_plain_http(url, "Host")
    port = url.port or port
    name = f"[{name}]" if ":" in name else name
    return f"{url.scheme}://{name}" + (f":{port}" if port else "")


def _has_valid_port(url: SplitResult) -> bool:
    try:
        return url.port != 0
    except ValueError:
        return False


def _split(address: str) -> SplitResult:
    """Split an address; without a scheme it is ``http`` on this machine and ``https`` elsewhere."""
    url = urlsplit(address if "://" in address else f"//{address}")
    if url.scheme:
        return url
    return url._replace(scheme="http" if url.hostname in LOOPBACK_HOSTS else "https")


def _refuse_plain_http(url: SplitResult, field: str) -> None:
    if url.scheme not in {"http", "https"}:
        msg = f"{field} begins with {url.scheme}://; use https://."
        raise ValueError(msg)
    if url.scheme == "http" and url.hostname not in LOOPBACK_HOSTS:
        msg = f"{field} is plain http to {url.hostname}, where the token could be read on the way; use https://."
        raise ValueError(msg)


def _auth(conn: AirflowConnection, extras: Mapping[str, Any], base_url: str) -> Auth:
    kind = kind_of_credential(conn, extras)
    scopes = extras.get("scopes")
    if isinstance(scopes, list):
        scopes = " ".join(map(str, scopes))
    if kind == "token":
        return StaticToken(str(extras["token"]))
    if kind == "azure_conn_id":
        return AzureTokens(str(extras["azure_conn_id"]), scopes or f"{base_url}/.default")
    tenant_id, token_url = extras.get("tenant_id"), extras.get("token_url")
    if tenant_id and token_url:
        msg = "extras 'tenant_id' and 'token_url' are both set; keep 'tenant_id' for Entra ID only."
        raise ValueError(msg)
    if not tenant_id and not token_url:
        msg = "extra 'tenant_id' (Entra ID) or 'token_url' (any other identity provider) is missing; set one."
        raise ValueError(msg)
    if token_url:
        _refuse_plain_http(_split(str(token_url)), "extra 'token_url'")
    elif not scopes:
        scopes = f"{base_url}/.default"
    return client_credentials(
        kind,
        conn,
        extras,
        token_url=str(token_url or ENTRA_TOKEN_URL.format(tenant_id=tenant_id)),
        scopes=scopes,
    )


def _positive(extras: Mapping[str, Any], name: str, default: float) -> float:
    value = extras.get(name, default)
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number < float("inf"):
        msg = f"extra {name!r} must be a positive number, got {value!r}."
        raise ValueError(msg)
    return number


def _verify(value: Any) -> bool | str:
    """Return a boolean or the path of a CA bundle; in a connection's URI, booleans are text too."""
    if isinstance(value, bool):
        return value
    known: dict[str, bool] = {"true": True, "false": False}
    return known.get(str(value).lower(), str(value))


def _proxies(value: Any) -> dict[str, str]:
    """Return proxy URLs by scheme, from a mapping, from the same as JSON text, or from one URL for all."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("{") else {"http": value, "https": value}
        except ValueError:
            value = [value]
    if value is None:
        return {}
    if not isinstance(value, dict):
        msg = 'extra \'proxies\' must be a proxy\'s URL, or an object such as {"https": "http://proxy:3128"}.'
        raise ValueError(msg)  # noqa: TRY004 (a wrong value in a form, not a wrong type in code)
    proxies = {str(scheme): str(url) for scheme, url in value.items()}
    for scheme, url in proxies.items():
        try:
            is_valid = bool(_split(url).hostname) and _has_valid_port(_split(url))
        except ValueError:
            is_valid = False
        if not is_valid:  # the value may hold a password, so it is not shown
            msg = f"extra 'proxies' holds no proxy's URL for {scheme!r}; write it as http://user:password@proxy:3128."
            raise ValueError(msg)
    return proxies
