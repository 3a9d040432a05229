"""The HTTP client of CDF's Streams and Records API."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import requests
from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from airflow_provider_cdf_records import __version__
from airflow_provider_cdf_records.client.answers import read_answer
from airflow_provider_cdf_records.client.auth import ClientCredentialsTokens, StaticTokens, Tokens
from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import ClientConfig, StaticToken
from airflow_provider_cdf_records.client.errors import (
    CdfApiError,
    CdfAuthError,
    CdfConnectionError,
    CdfError,
)
from airflow_provider_cdf_records.client.retry import retrying
from airflow_provider_cdf_records.client.throttle import Throttle

APP = f"airflow-provider-cdf-records/{__version__}"
GZIP_LEVEL = 1  # JSON shrinks about tenfold at the first level already
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNAUTHORIZED = 401
CERTIFICATE_REFUSED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(frozen=True)
class Traffic:
    """Requests with records, how many of them were repetitions, and the bytes of their bodies as sent."""

    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0


@dataclass(frozen=True)
class _Call:
    """A request that is made until it is answered.

    :param counts: whether it is part of the traffic.
    """

    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]
    counts: bool


class CdfClient:
    """Talks to one CDF project. Safe to share between threads.

    All calls raise :class:`CdfError`: an answer that is an error as :class:`CdfApiError`, none at all as
    :class:`CdfConnectionError`, both only after the retries that the configuration allows.

    :param config: where CDF is and how to get in.
    :param on_token: called with each new access token before it is used, so that logs can mask it.
    :param clock: what waits, pauses and the lifetime of tokens are measured by.
    """

    def __init__(
        self,
        config: ClientConfig,
        *,
        on_token: Callable[[str], None] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        on_token = on_token or (lambda _: None)
        self._config = config
        self._throttle = Throttle(config.pool_size, clock)
        self._tokens: Tokens
        if isinstance(config.auth, StaticToken):
            on_token(config.auth.token)
            self._tokens = StaticTokens(config.auth.token)
        else:
            self._tokens = ClientCredentialsTokens(config.auth, self._fetch_token, on_token, clock)
        self._session = _session(config)
        self._prepared_requests: dict[tuple[str, str], PreparedRequest] = {}
        self._retrying = retrying(config.retry, self._throttle, self._count_retry)
        self._traffic = Traffic()
        self._traffic_lock = threading.Lock()

    def __enter__(self) -> CdfClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def project(self) -> str:
        """The CDF project."""
        return self._config.project

    @property
    def base_url(self) -> str:
        """The address of the cluster."""
        return self._config.base_url

    @property
    def traffic(self) -> Traffic:
        """The upserts that were sent so far."""
        return self._traffic

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def cancel(self) -> None:
        """Make every call that waits, or is about to send, end with :class:`CdfCancelledError`."""
        self._throttle.cancel()

    def upsert(self, stream_id: str, body: bytes) -> None:
        """Create or fully replace records; return when CDF has accepted them all.

        :param body: ``{"items": [record, ...]}`` as JSON, 1 to 1000 records and at most 10 MB.
        """
        self._request("POST", f"{_stream_path(stream_id)}/records/upsert", body, counts=True)

    def retrieve_stream(self, stream_id: str) -> dict[str, Any]:
        """Return a stream: ``externalId``, ``type`` (``Mutable`` or ``Immutable``), ``settings``, ..."""
        return _object(self._request("GET", _stream_path(stream_id)))

    def count_records(
        self,
        stream_id: str,
        *,
        filter: Mapping[str, Any] | None = None,
        last_updated_time: Mapping[str, Any] | None = None,
    ) -> int:
        """Return how many records of a stream can be queried and match.

        :param filter: in CDF's filter language; all records without it.
        :param last_updated_time: ``{"gt"/"gte"/"lt"/"lte": epoch milliseconds or ISO 8601}``; a lower bound
            is required for immutable streams.
        """
        query = _query(filter, last_updated_time)
        answer = self.post(
            f"{_stream_path(stream_id)}/records/aggregate", {"aggregates": {"records": {"count": {}}}} | query
        )
        try:
            return int(answer["aggregates"]["records"]["count"])
        except (KeyError, TypeError, ValueError):
            msg = f"Counting the records of {stream_id!r} was answered without a count: {answer!r}"
            raise CdfConnectionError(msg) from None

    def filter_records(
        self,
        stream_id: str,
        *,
        filter: Mapping[str, Any] | None = None,
        last_updated_time: Mapping[str, Any] | None = None,
        limit: int = 10,
    ) -> list[dict[str, Any]]:
        """Return one page of 1 to 1000 records; the other arguments as for :meth:`count_records`."""
        query = {"limit": limit} | _query(filter, last_updated_time)
        items = self.post(f"{_stream_path(stream_id)}/records/filter", query).get("items", [])
        return list(items)

    def inspect_token(self) -> dict[str, Any]:
        """Return the projects and capabilities of the token in use."""
        return _object(self._call("GET", f"{self._config.base_url}/api/v1/token/inspect"))

    def get(self, path: str) -> dict[str, Any]:
        """``GET`` any address below the project, such as ``/streams``."""
        return _object(self._request("GET", path))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """``POST`` JSON to any address below the project, such as ``/models/spaces``."""
        return _object(self._request("POST", path, msgspec.json.encode(body)))

    def _request(self, method: str, path: str, body: bytes | None = None, *, counts: bool = False) -> Any:
        url = f"{self._config.base_url}/api/v1/projects/{quote(self.project, safe='')}{path}"
        return self._call(method, url, body, counts=counts)

    def _call(self, method: str, url: str, body: bytes | None = None, *, counts: bool = False) -> Any:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if body is not None and self._config.gzip:
            body = gzip.compress(body, GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
        return self._retrying(self._attempt, _Call(method, url, body, headers, counts=counts))

    def _attempt(self, call: _Call) -> Any:
        """Send once, and once more with a new token where the one in use is refused."""
        token = self._tokens.current()
        try:
            return self._send(call, token)
        except CdfApiError as error:
            if error.status != UNAUTHORIZED:
                raise
            renewed = self._tokens.renew(token)
            if renewed is None:
                raise _refused(error, "put a new one into the connection's extra 'token'") from None
        self._count_retry(call)
        try:
            return self._send(call, renewed)
        except CdfApiError as error:
            if error.status != UNAUTHORIZED:
                raise
            hint = "check scopes and audience, and that the client has access to the project"
            raise _refused(error, hint) from None

    def _send(self, call: _Call, token: str) -> Any:
        with self._throttle.slot():
            if call.counts:
                self._count(requests=1, bytes_sent=len(call.body or b""))
            authorized = {"Authorization": f"Bearer {token}", **call.headers}
            answer = self._exchange(self._prepared(call.method, call.url), call.body, authorized)
        self._throttle.went_well()
        return answer

    def _count_retry(self, call: _Call) -> None:
        if call.counts:
            self._count(retries=1)

    def _fetch_token(self, url: str, form: dict[str, str]) -> Any:
        """Ask once: the retries are those of the request that needs the token."""
        try:
            return self._exchange(self._prepared("POST", url), urlencode(form).encode(), FORM)
        except CdfApiError as error:
            if error.retryable:
                raise
            raise _token_refused(error, form["client_secret"]) from None

    def _prepared(self, method: str, url: str) -> PreparedRequest:
        """Return what all requests to an address share; to prepare it costs as much as to send one."""
        if (prepared := self._prepared_requests.get((method, url))) is None:
            prepared = self._session.prepare_request(requests.Request(method, url, auth=_no_auth))
            self._prepared_requests[method, url] = prepared
        return prepared.copy()

    def _exchange(self, request: PreparedRequest, body: bytes | None, headers: Mapping[str, str]) -> Any:
        config = self._config
        what = f"{request.method} {request.url}"
        request.headers.update(headers)
        if body is not None:
            request.body = body
            request.headers["Content-Length"] = str(len(body))
        try:
            settings = self._session.merge_environment_settings(
                request.url, dict(config.proxies), None, config.verify, None
            )
            response = self._session.send(
                request, timeout=(config.connect_timeout, config.timeout), allow_redirects=False, **settings
            )
        except requests.RequestException as error:
            raise _no_answer(error, what) from None
        return read_answer(response, what)

    def _count(self, **more: int) -> None:
        with self._traffic_lock:
            counted = {name: getattr(self._traffic, name) + count for name, count in more.items()}
            self._traffic = replace(self._traffic, **counted)


def _session(config: ClientConfig) -> requests.Session:
    session = requests.Session()
    agent = f"{APP} {requests.utils.default_user_agent()}"
    session.headers.update({"User-Agent": agent, "x-cdp-app": APP})
    session.trust_env = config.environment
    adapter = HTTPAdapter(pool_maxsize=config.pool_size, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _stream_path(stream_id: str) -> str:
    return f"/streams/{quote(stream_id, safe='')}"


def _query(
    filter: Mapping[str, Any] | None,
    last_updated_time: Mapping[str, Any] | None,
) -> dict[str, Any]:
    query = {"filter": filter, "lastUpdatedTime": last_updated_time}
    return {name: value for name, value in query.items() if value is not None}


def _object(answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict):
        return answer
    msg = f"CDF answered with a JSON {type(answer).__name__} where an object was due: {str(answer)[:200]}"
    raise CdfConnectionError(msg)


def _no_auth(request: PreparedRequest) -> PreparedRequest:
    """Stands in the way of a ``.netrc`` entry, which would go out instead of the token."""
    return request


def _refused(error: CdfApiError, remedy: str) -> CdfAuthError:
    return CdfAuthError(
        f"{error.message.rstrip('.')}. CDF refuses the access token; {remedy}",
        status=error.status,
        request=error.request,
        request_id=error.request_id,
    )


def _token_refused(error: CdfApiError, secret: str) -> CdfAuthError:
    return CdfAuthError(
        f"{error.message.replace(secret, '***').rstrip('.')}. The identity provider gave no token; "
        "check the connection's Login (client id), Password (client secret) and token URL",
        status=error.status,
        request=error.request,
        request_id=error.request_id,
    )


def _no_answer(error: requests.RequestException, request: str) -> CdfError:
    passing = isinstance(
        error,
        requests.ConnectionError
        | requests.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError,
    )
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)  # urllib3 wraps it in words of retries, which are not ours
    failure = CdfConnectionError(f"{request} got no answer: {type(error).__name__}: {cause}")
    failure.retryable = passing and CERTIFICATE_REFUSED not in str(error)
    return failure
