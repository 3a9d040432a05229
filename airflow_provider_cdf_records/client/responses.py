"""Turns an HTTP answer into its JSON, or into an error with all that the answer says."""

from __future__ import annotations

import math
import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import requests
from urllib3.exceptions import ConnectTimeoutError, HTTPError, IncompleteRead, NewConnectionError, ProxyError

from airflow_provider_cdf_records.client.errors import CdfAnswerError, CdfApiError, CdfConnectionError
from airflow_provider_cdf_records.client.field_names import HOST
from airflow_provider_cdf_records.client.retry import PASSING_STATUSES
from airflow_provider_cdf_records.client.secrets import without_secrets

NOT_JSON = (ValueError, msgspec.MsgspecError, RecursionError)  # what decoding raises
OK = 200
SUCCESS = range(200, 300)
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32  # as the first bytes of what is compressed say
NOT_CONNECTED = (NewConnectionError, ConnectTimeoutError, ProxyError)
IN_URL = re.compile(r"(?:[^:/?#]*://)?(?:[^/?#]*@)?([^/?#]*)([^?#]*)(.*)", re.DOTALL)  # host, path, query
EXCERPT = 200  # characters that are quoted of an answer that is not from CDF
CERTIFICATE_REFUSED = "CERTIFICATE_VERIFY_FAILED"


@dataclass(frozen=True)
class Asked:
    """A request, as far as its answer and messages about it need to know it.

    :param needs_json: whether a success must be JSON; if not, any 2xx is one, whatever its body, except for
        the login page of a proxy.
    :param for_token: whether it goes to the identity provider. A success is never quoted then.
    :param secrets: what no message may show, should the answer quote it.
    """

    method: str
    url: str
    needs_json: bool = True
    for_token: bool = False
    secrets: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.for_token:
            return self.hide(f"{self.method} {self.url}")
        # In two parts: Airflow hides the extra 'token_url' in all logs, as it does everything named token.
        host, path, query = IN_URL.fullmatch(self.url).groups()  # type: ignore[union-attr]
        return self.hide(f"{self.method} {path or '/'}{query and '?***'} at {host}")

    def hide(self, text: str) -> str:
        """Return a text without the secrets."""
        query = self.url.partition("?")[2] if self.for_token else ""  # such as an API's key
        return without_secrets(text, (*self.secrets, query))


def read_answer(response: requests.Response, asked: Asked) -> Any:
    """Return the JSON of a successful answer, and ``{}`` for an empty one or where none is needed.

    :param response: with its body still to be read.
    :raises CdfApiError: for any status but 2xx.
    :raises CdfAnswerError: for a 2xx that is not JSON where that is needed, and for the page of a proxy.
    :raises HTTPError: for a body that is cut short.
    """
    body = _body(response)
    if response.status_code not in SUCCESS:
        raise _api_error(response, body, asked)
    if not body or (not asked.needs_json and not _is_login_page(response, body)):
        return {}
    try:
        return msgspec.json.decode(body)
    except NOT_JSON:
        msg = f"{asked} was answered with {response.status_code}, but not with JSON"
    raise CdfAnswerError(msg if asked.for_token else f"{msg}: {_excerpt(response, body, asked)}")


def no_answer(error: Exception, asked: Asked) -> CdfConnectionError:
    """Return the error of a request that could not be sent, or whose answer did not come whole."""
    passing = isinstance(error, requests.ConnectionError | requests.Timeout | HTTPError) and not isinstance(
        error, ValueError
    )  # which is an address or a header that makes no sense
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)  # urllib3 wraps it in a message about its retries
    certificate_refused = CERTIFICATE_REFUSED in str(error)
    text = asked.hide(f"{type(error).__name__}: {cause}")
    never_sent = certificate_refused or isinstance(cause, NOT_CONNECTED)
    if certificate_refused:
        text += "; check the connection's extra 'verify'"
    elif isinstance(cause, ProxyError):
        text += "; check the proxy, of the connection's extra 'proxies' or of the environment"
    elif never_sent:
        address = "token URL" if asked.for_token else HOST
        text += f"; check the connection's {address}, and the network"
    failure = CdfConnectionError(f"{asked} got no answer: {text}")
    failure.retryable = passing and not certificate_refused
    failure.may_be_applied = passing and not never_sent
    return failure


def _is_login_page(response: requests.Response, body: bytes) -> bool:
    """Tell whether a success is a web page that a proxy answers with; CDF accepts writes with 202."""
    return response.status_code == OK and body.lstrip()[:1] == b"<"


def _body(response: requests.Response) -> bytes:
    """Return the whole body, decompressed if that is possible."""
    body: bytes = response.raw.read(decode_content=False)
    length = response.headers.get("Content-Length", "")
    if length.isdecimal() and len(body) < int(length) and "Transfer-Encoding" not in response.headers:
        raise IncompleteRead(len(body), int(length) - len(body))  # urllib3 1.26 does not look
    if body and "Content-Encoding" in response.headers:
        try:
            return zlib.decompress(body, GZIP_OR_ZLIB)
        except zlib.error:
            return body
    return body


def _api_error(response: requests.Response, body: bytes, asked: Asked) -> CdfApiError:
    status = response.status_code
    error = _error_object(body)
    message = str(error.get("message") or _excerpt(response, body, asked))
    if response.is_redirect:
        to = _without_query(response.headers["Location"])
        whose = "token URL must be the identity provider's" if asked.for_token else f"{HOST} must be CDF's"
        message = f"redirected to {to}; the connection's {whose} own address"
    return CdfApiError(
        asked.hide(message),
        status=status,
        request=str(asked),
        request_id=response.headers.get("x-request-id"),
        missing=_identifiers(error.get("missing")),
        duplicated=_identifiers(error.get("duplicated")),
        retryable=status in PASSING_STATUSES
        or response.headers.get("cdf-is-auto-retryable", "").lower() == "true",
        retry_after=retry_after(response),
    )


def _without_query(location: str) -> str:
    return re.split("[?#]", location, maxsplit=1)[0]


def _error_object(body: bytes) -> dict[str, Any]:
    """Return CDF's ``{"error": {...}}``; an OAuth error is brought into the same shape."""
    try:
        answer = msgspec.json.decode(body)
    except NOT_JSON:
        return {}
    if not isinstance(answer, dict):
        return {}
    error = answer.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        described = "error_description" in answer
        return {"message": f"{error}: {answer['error_description']}" if described else error}
    return {}


def _identifiers(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _excerpt(response: requests.Response, body: bytes, asked: Asked) -> str:
    """Return the beginning of a body, with secrets hidden before any is cut in two."""
    text = " ".join(asked.hide(body.decode(errors="replace")).split())
    if not text:
        return response.reason or "an empty answer"
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}..."


def retry_after(response: requests.Response) -> float | None:
    """Return ``Retry-After``, a number or a date, as seconds from now; ``None`` where it makes no sense."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        seconds = (_aware(at) - _server_time(response)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _server_time(response: requests.Response) -> datetime:
    """Return the time by the server's clock if the answer has it: ours may be wrong and stretch the pause."""
    try:
        return _aware(parsedate_to_datetime(response.headers["Date"]))
    except (KeyError, TypeError, ValueError):
        return datetime.now(timezone.utc)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
