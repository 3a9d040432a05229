"""Turns an HTTP answer into its JSON, or into an error with all that the answer says."""

from __future__ import annotations

import math
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from airflow_provider_cdf_records.client.errors import CdfApiError, CdfConnectionError
from airflow_provider_cdf_records.client.retry import PASSING_STATUSES

NOT_JSON = (ValueError, msgspec.MsgspecError, RecursionError)  # what decoding raises
NO_CONTENT = 204
EXCERPT = 200  # characters that are quoted of an answer that is not from CDF
CERTIFICATE_REFUSED = "CERTIFICATE_VERIFY_FAILED"


def read_answer(response: requests.Response, request: str) -> Any:
    """Return the JSON of a successful answer, and ``{}`` for an empty one.

    :param request: method and address, for messages.
    :raises CdfApiError: for any status but 2xx.
    :raises CdfConnectionError: for a 2xx that is not JSON: it is not from CDF, or it is cut short.
    """
    if not response.ok or response.is_redirect:
        raise _api_error(response, request)
    if response.status_code == NO_CONTENT or response.headers.get("Content-Length") == "0":
        return {}
    try:
        return msgspec.json.decode(response.content)
    except NOT_JSON:
        msg = f"{request} was answered with {response.status_code}, but not with JSON: {_excerpt(response)}"
        raise CdfConnectionError(msg) from None


def no_answer(error: requests.RequestException, request: str) -> CdfConnectionError:
    """Return the error of a request that was not answered.

    :param request: method and address, for messages.
    """
    passing = isinstance(
        error,
        requests.ConnectionError
        | requests.Timeout
        | requests.exceptions.ChunkedEncodingError
        | requests.exceptions.ContentDecodingError,
    )
    cause = error.args[0] if error.args else error
    cause = getattr(cause, "reason", cause)  # urllib3 wraps it in a message about its retries
    certificate_refused = CERTIFICATE_REFUSED in str(error)
    failure = CdfConnectionError(f"{request} got no answer: {type(error).__name__}: {cause}")
    failure.retryable = passing and not certificate_refused
    never_sent = certificate_refused or isinstance(cause, NewConnectionError | ConnectTimeoutError)
    failure.may_be_applied = not never_sent
    return failure


def _api_error(response: requests.Response, request: str) -> CdfApiError:
    status = response.status_code
    error = _error_object(response)
    message = error.get("message") or _excerpt(response)
    if response.is_redirect:
        message = (
            f"redirected to {response.headers['Location']}; the connection's Host must be CDF's own address"
        )
    return CdfApiError(
        str(message),
        status=status,
        request=request,
        request_id=response.headers.get("x-request-id"),
        missing=_identifiers(error.get("missing")),
        duplicated=_identifiers(error.get("duplicated")),
        retryable=status in PASSING_STATUSES
        or response.headers.get("cdf-is-auto-retryable", "").lower() == "true",
        retry_after=retry_after(response),
    )


def _error_object(response: requests.Response) -> dict[str, Any]:
    """Return CDF's ``{"error": {...}}``; an OAuth error is brought into the same shape."""
    try:
        body = msgspec.json.decode(response.content)
    except NOT_JSON:
        return {}
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str):
        return {"message": f"{error}: {body['error_description']}" if "error_description" in body else error}
    return {}


def _identifiers(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _excerpt(response: requests.Response) -> str:
    text = " ".join(response.text.split())
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
