"""Opens URLs with the credentials of the Airflow connections that they name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_cdf_records.hooks.azure_storage import AccountFields, azure_options
from airflow_provider_cdf_records.hooks.databases.hook import PROVIDERS as DATABASES
from airflow_provider_cdf_records.hooks.lookup import ConnectionLookupError, find_connection
from airflow_provider_cdf_records.hooks.storage_urls import AZURE, FORMS, PROVIDERS, StorageUrl, read_url
from airflow_provider_cdf_records.sources.storage import ALIASES, LOCAL, WEB, is_local
from airflow_provider_cdf_records.sources.web import WebPath, on_the_web
from airflow_provider_cdf_records.version_compat import (
    attach_file_system,
    connection_of_path,
    has_file_system,
    object_storage_path,
)

CDF = "cdf"
TYPES = {  # of connections, by the protocols of storages, and the provider that each type is of
    "s3": ("aws", "amazon"),
    "gs": ("google_cloud_platform", "google"),
    AZURE: ("wasb", "microsoft-azure"),
    "sftp": ("sftp", "sftp"),
}
LEFT_TO_AIRFLOW = "aws_default"  # which need not exist: then the environment of the worker counts


def open_url(path: Any, argument: str) -> Any:
    """Return a path of the storage that an URL names, or of this machine.

    :param path: a text, or an ``ObjectStoragePath``, which is opened anew if Airflow knows too little of it.
    :param argument: the name of the argument that holds the path, for messages.
    :raises ConnectionLookupError: when there is no such connection as the path names.
    :raises ValueError: when no storage has the URL's scheme, which may be taken for a folder's name, or when
        the URL or its connection cannot mean what they say.
    """
    if hasattr(path, "protocol"):
        is_azure = ALIASES.get(path.protocol, path.protocol) == AZURE
        conn_id = connection_of_path(path)
        if not is_azure or not conn_id or dict(path.storage_options).keys() - {"conn_id"}:
            return _with_known_connection(on_the_web(path), argument)
    text = str(path)
    url = read_url(text)
    if url is not None and (opened := _with_connection(url, text, argument)) is not None:
        return opened
    scheme, separator, _ = text.partition("://")
    if separator and scheme.lower() in WEB:
        return WebPath(text)
    text = os.path.expanduser(text.strip("\r\n"))  # which templates leave around it
    if ":" not in text or os.path.isabs(text):  # Airflow's path would import the libraries of all providers
        return Path(text)
    opened = object_storage_path(text)
    if separator and is_local(opened) and scheme.lower() not in LOCAL:
        msg = f"no storage has the scheme {scheme!r}"
        raise ValueError(msg)
    return _with_known_connection(opened, argument)


def _with_known_connection(path: Any, argument: str) -> Any:
    """Return a path whose connection exists, if it names one: without it some file systems ask as anybody."""
    conn_id = connection_of_path(path)
    if conn_id and conn_id != LEFT_TO_AIRFLOW:
        find_connection(conn_id, argument)
    return path


def _with_connection(url: StorageUrl, text: str, argument: str) -> Any:
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
        conn = find_connection(url.conn_id, argument)
        _check_type(conn, protocol, argument)
    except ConnectionLookupError as error:
        if not error.is_missing:
            raise
        if is_web:
            return None
        if protocol == "s3" and url.conn_id == LEFT_TO_AIRFLOW:
            return object_storage_path(str(url))
        if url.is_default:
            raise ValueError(_default_not_defined(url)) from None
        msg = f"{error} The form of the URL is {FORMS[protocol]}."
        raise ConnectionLookupError(msg) from None
    if protocol == AZURE:
        if is_web and AccountFields(conn).name != (url.account and url.account.name):
            return None
        attach_file_system(url.protocol, url.conn_id, azure_options(conn, url.account))
    elif protocol == "sftp":
        _check_host(url, conn)
        if private_key := conn.extra_dejson.get("private_key"):  # Airflow gives its text as a file's name
            attach_file_system(url.protocol, url.conn_id, {"client_keys": [private_key.encode()]})
    return object_storage_path(str(url))


def _check_type(conn: Any, protocol: str, argument: str) -> None:
    """Refuse a connection to a database or to CDF; other types may well have the credentials of a storage."""
    expected, provider = TYPES[protocol]
    if conn.conn_type == CDF or DATABASES.get(conn.conn_type, provider) != provider:
        found = f"Connection {conn.conn_id!r} is of type {conn.conn_type}"
        msg = f"{found}; {argument} needs one of type {expected}."
        raise ConnectionLookupError(msg)


def _default_not_defined(url: StorageUrl) -> str:
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
