"""The URIs of streams, one for each stream however its cluster is written."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, unquote, urlsplit

from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import check_stream_id

SCHEME = "cdf"
CLUSTER_DOMAIN = "cognitedata.com"
PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f.]*:[0-9a-f:.]+")  # a name, or IPv6
FORM = f"{SCHEME}://<cluster>/<project>/<stream>, such as {SCHEME}://westeurope-1/my-project/alarms"
HTTPS_PORT = 443


def stream_uri(base_url: str, project: str, stream_id: str) -> str:
    """Return the URI of a stream.

    :param base_url: where CDF is, such as ``https://westeurope-1.cognitedata.com``.
    """
    return f"{SCHEME}://{cluster_of(urlsplit(base_url))}/{project}/{stream_id}"


def cluster_of(url: SplitResult) -> str:
    """Return the cluster of an address: the same for its name, its host and a private link to it.

    :raises ValueError: when there is no host, or one that cannot be.
    """
    host = (url.hostname or "").removesuffix(".")
    if not HOST.fullmatch(host):
        msg = "its cluster is no name of a host"
        raise ValueError(msg)
    if host.endswith(f".{CLUSTER_DOMAIN}"):
        host = host.removesuffix(f".{CLUSTER_DOMAIN}").rpartition(".")[2]
    port = "" if url.port in (None, HTTPS_PORT) else f":{url.port}"
    return (f"[{host}]" if ":" in host else host) + port


def normalized(uri: SplitResult) -> SplitResult:
    """Return the URI of a stream in its one form.

    :raises ValueError: when it is none, with the right form.
    """
    try:
        if "@" in uri.netloc or uri.query:
            msg = "it must have no user and no query"
            raise ValueError(msg)  # noqa: TRY301 (one place says the right form)
        cluster = cluster_of(uri)
        parts = [unquote(part) for part in uri.path.removesuffix("/").split("/")[1:]]
        if len(parts) != len(("project", "stream")):
            msg = f"its path must have two parts, got {len(parts)}"
            raise ValueError(msg)  # noqa: TRY301
        project, stream_id = parts
        if not PROJECT.fullmatch(project):
            msg = f"its project must be the name as it is in CDF's URLs, got {project!r}"
            raise ValueError(msg)  # noqa: TRY301
        check_stream_id(stream_id)
    except (InvalidArgumentError, ValueError) as error:
        shown = uri._replace(netloc=uri.netloc.rpartition("@")[2], query="").geturl()
        msg = f"The URI of a stream must be {FORM}, got {shown!r}: {str(error).rstrip('.')}."
        raise ValueError(msg) from None
    return uri._replace(scheme=SCHEME, netloc=cluster, path=f"/{project}/{stream_id}", query="")
