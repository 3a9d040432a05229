"""Reads URLs of storages as users write them; one that cannot mean what it says is an error."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from airflow_provider_cdf_records.sources.storage import ALIASES, LOCAL, WEB

AZURE = "abfs"  # the protocol that stands for all of Azure's
AZURE_SCHEMES = frozenset({AZURE, *(name for name, protocol in ALIASES.items() if protocol == AZURE)})
AZURE_HOST = re.compile(
    r"(?P<name>[a-z0-9]{3,24})\.(?:[a-z0-9]+\.)?(?:blob|dfs)\."
    r"(?P<cloud>core\.[a-z.]+|storage\.azure\.net)(?::443)?",
    re.IGNORECASE,
)
DEFAULT_AZURE_CONNECTION = "wasb_default"  # Airflow's own default
FORMS = {  # the right form of the URLs of each storage, by its protocol
    "s3": "s3://<connection>@<bucket>/<path>",
    "gs": "gs://<connection>@<bucket>/<path>",
    AZURE: "abfs://<connection>@<container>/<path>",
    "sftp": "sftp://<connection>@/<path>",
}
PROVIDERS = {  # Airflow's, which make the connections usable
    "s3": "apache-airflow-providers-amazon[s3fs]",
    "gs": "apache-airflow-providers-google",
    AZURE: "apache-airflow-providers-microsoft-azure",
    "sftp": "apache-airflow-providers-sftp[sshfs]",
}


class AzureAccount(NamedTuple):
    """A storage account that an URL names.

    :ivar cloud: what its hosts end with, such as ``core.windows.net``.
    """

    name: str
    cloud: str


class StorageUrl(NamedTuple):
    """What an URL says, with one name for each storage.

    :ivar protocol: such as ``s3``, ``abfs`` or ``sftp``.
    :ivar conn_id: the Airflow connection; ``None``: the storage's own default.
    :ivar place: the bucket or container; of SFTP the host, if the URL names one.
    :ivar path: what comes after it, beginning with ``/``; empty where there is nothing.
    :ivar account: of Azure, if the URL names it.
    :ivar is_default: whether the connection is one that the URL does not name.
    """

    protocol: str
    conn_id: str | None
    place: str
    path: str
    account: AzureAccount | None = None
    is_default: bool = False

    def __str__(self) -> str:
        """Return the URL as Airflow and fsspec take it."""
        user = "" if self.conn_id is None else f"{self.conn_id}@"
        place = "" if self.protocol == "sftp" else self.place
        return f"{self.protocol}://{user}{place}{self.path}"


def read_url(text: str) -> StorageUrl | None:
    """Return what an URL says; ``None`` for a path, and for URLs of storages that take no connection.

    :raises ValueError: when it cannot mean what it says, with the right form.
    """
    scheme, separator, rest = text.partition("://")
    scheme = scheme.lower()
    if not separator:
        scheme, colon, _ = scheme.partition(":")
        if colon and (ALIASES.get(scheme, scheme) in FORMS or scheme in WEB):
            msg = f"a URL has two slashes after {scheme!r}: {FORMS.get(ALIASES.get(scheme, scheme), text)}"
            raise ValueError(msg)
        return None
    authority, slash, path = rest.partition("/")
    user, at, place = authority.rpartition("@")
    path = slash + path
    if scheme in LOCAL:
        _check_local(scheme, at, place, path)
        return None
    if scheme in WEB:
        return _of_the_web(scheme, user, place, path)
    protocol = ALIASES.get(scheme, scheme)
    if protocol not in FORMS:
        return None
    if ":" in user:
        msg = f"it holds a user and a password. Put them into an Airflow connection: {FORMS[protocol]}"
        raise ValueError(msg)
    if scheme in AZURE_SCHEMES:
        return _of_azure(user, place, path)
    if protocol == "sftp":
        return _of_sftp(scheme, user, place, path)
    if not place:
        msg = f"it names no bucket: {FORMS[protocol]}"
        raise ValueError(msg)
    return StorageUrl(scheme, user or None, place, path)


def _check_local(scheme: str, at: str, place: str, path: str) -> None:
    if not at and place:
        msg = (
            f"what stands after the two slashes is a host, here {place!r}. Write {scheme}:///<path> with the "
            "absolute path, or the path alone"
        )
        raise ValueError(msg)
    if path.rstrip("/") == "":
        msg = f"it names no path: {scheme}:///<path>"
        raise ValueError(msg)


def _of_the_web(scheme: str, user: str, place: str, path: str) -> StorageUrl | None:
    """Return what an URL of a blob says; ``None`` for any other, and for a public or signed one."""
    if not place.partition(":")[0]:
        msg = f"it names no host: {scheme}://<host>/<path>"
        raise ValueError(msg)
    host = AZURE_HOST.fullmatch(place)
    if host is None or ":" in user or (not user and "?" in path):
        return None
    if "?" in path:
        msg = "it has a query, as signed URLs have, and names a connection: leave out one of them"
        raise ValueError(msg)
    container, slash, path = path.lstrip("/").partition("/")
    if user and not container:
        msg = f"it names no container: https://<connection>@{place}/<container>/<path>"
        raise ValueError(msg)
    return _with_account(host, user, container, unquote(slash + path))


def _of_azure(user: str, place: str, path: str) -> StorageUrl:
    """Read ``abfs://connection@container/path``, and ``abfs://container@account.dfs.core.windows.net/path``."""
    host = AZURE_HOST.fullmatch(place)
    if host is not None:
        conn_id, _, container = user.rpartition("@")
        if not container:
            container, slash, path = path.lstrip("/").partition("/")
            path = slash + path
        if not container:
            msg = f"it names no container: abfss://<container>@{place}/<path>"
            raise ValueError(msg)
        return _with_account(host, conn_id, container, path)
    if not place:
        msg = f"it names no container: {FORMS[AZURE]}"
        raise ValueError(msg)
    if "." in place or ":" in place or "@" in user:
        msg = (
            f"{place!r} is no container, nor a host of Azure's: {FORMS[AZURE]}, or "
            "abfss://<container>@<account>.dfs.core.windows.net/<path>"
        )
        raise ValueError(msg)
    return StorageUrl(AZURE, user or None, place, path)


def _with_account(host: re.Match[str], conn_id: str, container: str, path: str) -> StorageUrl:
    account = AzureAccount(host["name"].lower(), host["cloud"].lower())
    if not conn_id:
        return StorageUrl(AZURE, DEFAULT_AZURE_CONNECTION, container, path, account, is_default=True)
    return StorageUrl(AZURE, conn_id, container, path, account)


def _of_sftp(scheme: str, user: str, place: str, path: str) -> StorageUrl:
    if not user:
        folder = f"/{place}" if place and "." not in place else ""  # else it is the host
        msg = f"it names no connection. Write {scheme}://<connection>@{folder}{path or '/<path>'}"
        raise ValueError(msg)
    if not path:
        said = f"{place!r}, after the @, is a host, and no path follows" if place else "it names no path"
        msg = f"{said}. Write {scheme}://{user}@/{place or '<path>'}"
        raise ValueError(msg)
    return StorageUrl(scheme, user, place, path)
