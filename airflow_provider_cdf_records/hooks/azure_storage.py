"""The storage account of an Airflow connection, for the file system that Airflow makes of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cdf_records.hooks.storage_urls import AZURE_HOST, AzureAccount

PUBLIC_CLOUD = "core.windows.net"
FROM_CONNECTION_STRING = ("AccountName", "BlobEndpoint")
HOST_IS_A_NAME = ("adls", "azure_data_lake")  # types of connections whose host is the account's name


class AccountFields:
    """What an Airflow connection says about a storage account, in the fields that its hooks read.

    :param conn: of type ``wasb``, or of another one of Azure's.
    """

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self._extra = conn.extra_dejson
        self.connection_string = self.field("connection_string")
        self.url = self._url()

    def field(self, name: str) -> str | None:
        """Return a field of the extra, also by its older name."""
        return self._extra.get(name) or self._extra.get(f"extra__{self._conn.conn_type}__{name}") or None

    @property
    def name(self) -> str | None:
        """The account's name; ``None`` where the connection does not tell."""
        if self.connection_string is not None:
            parts = dict(part.partition("=")[::2] for part in self.connection_string.split(";"))
            named, endpoint = (parts.get(key) for key in FROM_CONNECTION_STRING)
            return named or (_name_in(endpoint) if endpoint else None)
        if named := self.field("account_name"):
            return named
        if self.url is not None and (named := _name_in(self.url)):
            return named
        host, login = self._conn.host, self._conn.login
        if host and self.url is None and self._conn.conn_type in HOST_IS_A_NAME:
            return str(host)
        return None if self.field("tenant_id") else login or None

    @property
    def key(self) -> str | None:
        """The account's key."""
        if self.field("tenant_id"):
            return None
        if shared := self.field("shared_access_key"):
            return shared
        return None if self.sas_token else self._conn.password or self.field("account_key")

    @property
    def sas_token(self) -> str | None:
        """A shared access signature, without the URL that may stand before it."""
        token = self.field("sas_token")
        return token.rpartition("?")[2] if token else None

    def _url(self) -> str | None:
        """Return the endpoint that the connection names, as an URL for blobs."""
        sas = self.field("sas_token") or ""
        named = self.field("account_host") or (sas.partition("?")[0] if "://" in sas else self._conn.host)
        if not named or ("." not in named and "://" not in named):
            return None  # the id of a directory, or the name of an account
        url = named if "://" in named else f"https://{named}"
        return url.rstrip("/").replace(".dfs.", ".blob.", 1)


def azure_options(conn: Any, account: AzureAccount | None) -> dict[str, Any]:
    """Return the options of ``adlfs`` that Airflow does not take from a connection itself.

    Airflow hands on the URL of an account, which ``adlfs`` ignores, and not its name.

    :param conn: an Airflow connection of type ``wasb`` or another one of Azure's.
    :param account: the one that the path names, if it does.
    :raises ValueError: when the connection is of another account, or names none.
    """
    fields = AccountFields(conn)
    name = fields.name
    if account is not None and name is not None and name.lower() != account.name:
        msg = (
            f"it names the storage account {account.name!r}, and connection {conn.conn_id!r} is of {name!r}. "
            f"Name the connection of that account before it, as in "
            f"abfss://<connection>@<container>@{account.name}.dfs.{account.cloud}/<path>"
        )
        raise ValueError(msg)
    if fields.connection_string is not None:
        return {}
    name = name or (account.name if account else None)
    if name is None:
        msg = (
            f"connection {conn.conn_id!r} (type {conn.conn_type!r}) names no storage account. Set its Login "
            "(the account's name) and Password (its key), or its Host "
            "(https://<account>.blob.core.windows.net), or connection_string in its extra"
        )
        raise ValueError(msg)
    usual = f"https://{name}.blob.{account.cloud if account else PUBLIC_CLOUD}"
    url = fields.url or usual
    if fields.key:
        scheme = urlsplit(url).scheme
        return {
            "connection_string": f"DefaultEndpointsProtocol={scheme};AccountName={name};"
            f"AccountKey={fields.key};BlobEndpoint={url};"
        }
    if fields.sas_token:
        return {"connection_string": f"BlobEndpoint={url};SharedAccessSignature={fields.sas_token}"}
    options = {"account_name": name}
    if url != f"https://{name}.blob.{PUBLIC_CLOUD}":
        options["account_host"] = url.partition("://")[2]
    return options


def _name_in(url: str) -> str | None:
    """Return the account in the URL of an endpoint: in its host, or in its path as emulators have it."""
    parts = urlsplit(url)
    host = AZURE_HOST.fullmatch(parts.netloc)
    if host is not None:
        return host["name"]
    return parts.path.strip("/").partition("/")[0] or None
