"""Links to the CDF project and to the file of rejected records.

The running task computes them, so that the web server looks up no connection. Airflow 3 asks for them where
the task has run, and keeps them; for Airflow 2 the task keeps them as XComs.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_cdf_records.version_compat import AIRFLOW_3

# Inferred, not documented: the address of a project in Cognite's web application.
PROJECT_PAGE = "https://fusion.cognite.com/{project}?cluster={host}"
PUBLIC_HOSTS = ".cognitedata.com"  # after the name of the cluster, which has no dot
GOOGLE_STORAGE_PAGE = "https://console.cloud.google.com/storage/browser/_details/{path}"


class _KeptLink(BaseOperatorLink):
    """A link that the task has kept."""

    key: str

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the link; an empty text where the task has kept none."""
        if AIRFLOW_3:
            return str((getattr(operator, "kept_links", None) or {}).get(self.key, ""))
        return import_module("airflow.models.xcom").XCom.get_value(key=self.key, ti_key=ti_key) or ""


class CdfProjectLink(_KeptLink):
    """Leads to the CDF project in Cognite's web application."""

    name = "CDF project"
    key = "cdf_project_link"


class RejectedRecordsLink(_KeptLink):
    """Leads to the file of rejected records, where that has an address for browsers."""

    name = "Rejected records"
    key = "cdf_rejected_records_link"


LINKS = (CdfProjectLink(), RejectedRecordsLink())


def project_page(base_url: str, project: str) -> str | None:
    """Return the address of a CDF project in Cognite's web application.

    ``None`` for a local server, a private link and others of which that is not known.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    cluster = host.removesuffix(PUBLIC_HOSTS)
    if parts.scheme != "https" or cluster == host or "." in cluster or parts.port not in (None, 443):
        return None
    return PROJECT_PAGE.format(project=quote(project, safe=""), host=host)


def file_page(path: object) -> str | None:
    """Return where a browser shows a file; ``None`` for one of a disk, or whose address may hold secrets."""
    url = str(path or "")
    try:
        parts = urlsplit(url)
        has_secrets = bool(parts.query or parts.fragment or (parts.password is not None))
    except ValueError:
        return None
    if parts.scheme in ("http", "https"):
        return None if has_secrets or "@" in parts.netloc else url
    if parts.scheme in ("gs", "gcs") and parts.hostname:
        bucket = parts.netloc.rpartition("@")[2]  # before it may be a connection's id
        return GOOGLE_STORAGE_PAGE.format(path=quote(f"{bucket}{parts.path}"))
    return None


def links_of(base_url: str, project: str, rejected_path: object = None) -> dict[str, str]:
    """Return the links that a task keeps, by their keys."""
    links = {
        CdfProjectLink.key: project_page(base_url, project),
        RejectedRecordsLink.key: file_page(rejected_path),
    }
    return {key: link for key, link in links.items() if link is not None}
