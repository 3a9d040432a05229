"""Streams of Cognite Data Fusion (CDF) as assets, with URIs ``cdf://{cluster}/{project}/{stream}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_cdf_records.assets.of_airflow import asset_of
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.stream_uri import SCHEME, normalized, stream_uri

if TYPE_CHECKING:
    from urllib.parse import SplitResult


def cdf_asset(
    stream_id: str,
    *,
    cdf_conn_id: str = "cdf_default",
    cluster: str | None = None,
    project: str | None = None,
    extra: dict[str, Any] | None = None,
) -> Any:
    """Return the asset of a stream, for ``outlets``, ``inlets`` and ``schedule``.

    .. code-block:: python

        alarms = cdf_asset("alarms", cluster="westeurope-1", project="my-project")

    Two ways to say which project. ``cluster`` and ``project`` cost nothing when the DAG is parsed. With
    ``cdf_conn_id``, the connection is looked up each time the file is parsed: nearly free where it is an
    environment variable, and else a request to the database or the secrets backend, with which the DAG
    cannot be parsed while that is down. A loop over many streams should look up none, or one.

    :param stream_id: the stream.
    :param cdf_conn_id: an Airflow connection of type ``cdf``; not looked at where the two others are given.
    :param cluster: its name or host: ``westeurope-1``, ``westeurope-1.cognitedata.com`` and a private link
        to it are the same.
    :param project: the CDF project.
    :param extra: of the asset, as Airflow's.
    :raises ValueError: when one of cluster and project is missing, or something makes no sense.
    """
    if (cluster is None) != (project is None):
        msg = "cluster and project go together: give both, or neither and a cdf_conn_id."
        raise InvalidArgumentError(msg)
    if cluster is None:
        return asset_of(_uri_of_connection(cdf_conn_id, stream_id), extra)
    if "//" in cluster:
        cluster = cluster.partition("//")[2]
    uri = f"{SCHEME}://{cluster.rstrip('/')}/{project}/{stream_id}"
    return asset_of(normalized(urlsplit(uri)).geturl(), extra)


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """Return the one form of a stream's URI; Airflow calls this for each asset of the scheme.

    :raises ValueError: for one that is wrong, with the right form.
    """
    return normalized(uri)


def create_asset(*, cluster: str, project: str, stream_id: str, extra: dict[str, Any] | None = None) -> Any:
    """Return the asset of a stream; Airflow's collector of lineage calls this."""
    return cdf_asset(stream_id, cluster=cluster, project=project, extra=extra)


def convert_asset_to_openlineage(asset: Any, lineage_context: Any) -> Any:  # noqa: ARG001 (as Airflow calls it)
    """Return OpenLineage's dataset of a stream, the same that the operators tell."""
    from openlineage.client.event_v2 import Dataset  # noqa: PLC0415 (there where it is called)

    uri = normalized(urlsplit(asset.uri))
    return Dataset(namespace=f"{SCHEME}://{uri.netloc}", name=uri.path.lstrip("/"))


def _uri_of_connection(cdf_conn_id: str, stream_id: str) -> str:
    """Look a connection up, and return the URI of a stream there."""
    from airflow_provider_cdf_records.hooks.connection import address_of  # noqa: PLC0415 (heavy)
    from airflow_provider_cdf_records.hooks.lookup import (  # noqa: PLC0415
        ConnectionLookupError,
        find_connection,
    )

    try:
        connection = find_connection(cdf_conn_id, "cdf_conn_id", "cdf")
    except ConnectionLookupError as error:
        if not error.is_missing:
            raise
        msg = (
            f"{error} It is looked up when the DAG's file is parsed; where there is none then, as in a test, "
            f"give cluster and project: cdf_asset({stream_id!r}, cluster=..., project=...)."
        )
        raise ConnectionLookupError(msg, is_missing=True) from None
    base_url, project = address_of(connection)
    return normalized(urlsplit(stream_uri(base_url, project, stream_id))).geturl()
