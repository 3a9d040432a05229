"""One HTTP request and its answer, over pooled connections."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from http.client import HTTPException
from typing import Any

import requests
from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from airflow_provider_cdf_records import __version__
from airflow_provider_cdf_records.client.config import ClientConfig
from airflow_provider_cdf_records.client.responses import Asked, no_answer, read_answer
from airflow_provider_cdf_records.client.secrets import secrets_in_url
from airflow_provider_cdf_records.client.server_time import ServerTime

APP = f"airflow-provider-cdf-records/{__version__}"
NOT_SENT = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError, TypeError)
"""What sending raises: besides what ``requests`` documents, what it lets pass from below, such as a CA bundle
that is not there, or a header or an address that cannot be encoded."""


class Exchange:
    """Sends requests, each once. Safe to share between threads.

    :param config: time-outs, proxies and certificates.
    :ivar server_time: what CDF's answers told of its time.
    """

    def __init__(self, config: ClientConfig) -> None:
        self._config = config
        self.server_time = ServerTime()
        self._session = _session(config)
        self._prepared_requests: dict[tuple[str, str], PreparedRequest] = {}
        self._settings_by_url: dict[str, tuple[dict[str, Any], list[str]]] = {}

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def send(self, asked: Asked, body: bytes | None, headers: Mapping[str, str]) -> Any:
        """Return the JSON of the answer.

        :raises CdfError: whatever goes wrong, without secrets.
        """
        try:
            request = self._prepared(asked.method, asked.url)
            request.headers.update(headers)
            if body is not None:
                request.body = body
                request.headers["Content-Length"] = str(len(body))
            settings, passwords = self._settings(asked.url)
            asked = replace(asked, secrets=(*asked.secrets, *passwords))
            with self._session.send(request, allow_redirects=False, **settings) as response:
                answer = read_answer(response, asked)
                if not asked.for_token:  # an identity provider has a clock of its own
                    self.server_time.note(response.headers.get("Date", ""))
                return answer
        except NOT_SENT as error:
            failure = no_answer(error, asked)
        raise failure  # outside of the `except`, so that the cause, which may hold secrets, is not attached

    def _settings(self, url: str) -> tuple[dict[str, Any], list[str]]:
        """Return what requests needs beside a request, and the passwords of proxies in it.

        From a cache: looking for proxies in the environment takes a third of the time of a request.
        """
        if (found := self._settings_by_url.get(url)) is None:
            config = self._config
            settings = self._session.merge_environment_settings(
                url, dict(config.proxies), None, config.verify, None
            )
            passwords = [secret for proxy in settings["proxies"].values() for secret in secrets_in_url(proxy)]
            timeout = config.connect_timeout, config.timeout
            found = {**settings, "timeout": timeout, "stream": True}, passwords
            self._settings_by_url[url] = found
        return found

    def _prepared(self, method: str, url: str) -> PreparedRequest:
        """Return a request without its body, from a cache: preparing one costs as much as sending it."""
        if (prepared := self._prepared_requests.get((method, url))) is None:
            prepared = self._session.prepare_request(requests.Request(method, url, auth=_no_auth))
            self._prepared_requests[method, url] = prepared
        return prepared.copy()


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Keep requests from reading a redirect's body, and from failing where it leads nowhere."""


def _session(config: ClientConfig) -> requests.Session:
    session = _Session()
    agent = f"{APP} {requests.utils.default_user_agent()}"
    session.headers.update({"User-Agent": agent, "x-cdp-app": APP, "Accept-Encoding": "gzip, deflate"})
    session.trust_env = config.environment
    adapter = HTTPAdapter(pool_maxsize=config.pool_size, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _no_auth(request: PreparedRequest) -> PreparedRequest:
    """Keep requests from replacing our Authorization header."""
    return request
