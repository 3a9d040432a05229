"""Opens URLs with the credentials of the Airflow connections that they name."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cdf_records.hooks.azure_storage import AccountFields, azure_options
from airflow_provider_cdf_records.hooks.storage_urls import AZURE, FORMS, PROVIDERS, StorageUrl, read_url
from airflow_provider_cdf_records.sources.storage import ALIASES, LOCAL, WEB, is_local
from airflow_provider_cdf_records.sources.web import WebPath, on_the_web
from airflow_provider_cdf_records.version_compat import (
    BaseHook,
    attach_file_system,
    has_file_system,
    is_missing_connection,
    object_storage_path,
)

LEFT_TO_AIRFLOW = "aws_default"  # which need not exist: then the environment of the worker counts


def open_url(path: Any) -> Any:
    """Return a path of the storage that an URL names, or of this machine.

    :param path: a text, or an ``ObjectStoragePath``, which is opened anew if Airflow knows too little of it.
    :raises ValueError: when no storage has the URL's scheme, which may be taken for a folder's name, or when
        the URL or its connection cannot mean what they say.
    """
    if hasattr(path, "protocol"):
        is_azure = ALIASES.get(path.protocol, path.protocol) == AZURE
        conn_id = getattr(path, "conn_id", None) or dict(path.storage_options).get("conn_id")
        if not is_azure or not conn_id or dict(path.storage_options).keys() - {"conn_id"}:
            return on_the_web(path)
    text = str(path)
    url = read_url(text)
    if url is not None and (opened := _with_connection(url, text)) is not None:
        return opened
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() in WEB:
        return WebPath(text)
    opened = object_storage_path(os.path.expanduser(text))
    if separator and is_local(opened) and scheme.lower() not in LOCAL:
        msg = f"no storage has the scheme {scheme!r}"
        raise ValueError(msg)
    return opened


def _with_connection(url: StorageUrl, text: str) -> Any:
    """Return the path of an URL of a storage that takes connections; ``None`` for a public blob's URL."""
    protocol = ALIASES.get(url.protocol, url.protocol)
    if url.conn_id is None:
        return object_storage_path(str(url))
    is_web = url.is_default and text.partition("://")[0].lower() in WEB
    if not has_file_system(url.protocol):
        if is_web:
            return None
        msg = f"its connection needs the Airflow provider {PROVIDERS[protocol]} on this worker"
        raise ValueError(msg)
    try:
        conn = BaseHook.get_connection(url.conn_id)
    except Exception as error:
        if not is_missing_connection(error):
            raise
        if is_web:
            return None
        if protocol == "s3" and url.conn_id == LEFT_TO_AIRFLOW:
            return object_storage_path(str(url))
        raise ValueError(_not_defined(url, protocol)) from None
    if protocol == AZURE:
        if is_web and AccountFields(conn).name != (url.account and url.account.name):
            return None
        attach_file_system(url.protocol, url.conn_id, azure_options(conn, url.account))
    elif protocol == "sftp":
        _check_host(url, conn)
        if private_key := conn.extra_dejson.get("private_key"):  # Airflow gives its text as a file's name
            attach_file_system(url.protocol, url.conn_id, {"client_keys": [private_key.encode()]})
    return object_storage_path(str(url))


def _not_defined(url: StorageUrl, protocol: str) -> str:
    if not url.is_default:
        return f"there is no connection {url.conn_id!r} in Airflow: {FORMS[protocol]}"
    return (
        f"it names no connection, and there is no {url.conn_id!r} in Airflow. Define that, or name another "
        f"one: abfs://<connection>@{url.place}{url.path}"
    )


def _check_host(url: StorageUrl, conn: Any) -> None:
    """Refuse the URL of another host than the connection's."""
    if not url.place:
        return
    named = urlsplit(f"//{url.place}")
    host = (conn.host or "").lower()
    if (named.hostname or "") != host or named.port not in (None, conn.port or 22):
        msg = (
            f"{url.place!r}, after the @, is a host, and that of connection {url.conn_id!r} is {host!r}. "
            f"Write {url.protocol}://{url.conn_id}@/{url.place}{url.path} if it is a folder"
        )
        raise ValueError(msg)
