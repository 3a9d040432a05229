"""HTTP for CDF: tokens, compression, retries and one throttle for all threads. Knows no endpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from airflow_provider_cdf_records.client.auth import tokens_for
from airflow_provider_cdf_records.client.clock import SYSTEM, Clock
from airflow_provider_cdf_records.client.config import ClientConfig
from airflow_provider_cdf_records.client.errors import CONFLICT, CdfApiError, CdfAuthError, CdfError
from airflow_provider_cdf_records.client.exchange import Exchange
from airflow_provider_cdf_records.client.field_names import LOGIN, PASSWORD
from airflow_provider_cdf_records.client.packing import pack
from airflow_provider_cdf_records.client.responses import Asked
from airflow_provider_cdf_records.client.retry import retrying
from airflow_provider_cdf_records.client.throttle import Throttle

SECRET_FIELDS = {  # of the form that asks for a token, and where the connection has them from
    "client_secret": PASSWORD,
    "client_assertion": "extra 'federated_token_file' or 'certificate_file'",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNAUTHORIZED = 401
MAX_RENEWALS = 5  # of the token, for one attempt


@dataclass(frozen=True)
class Traffic:
    """Requests that wrote records, how many of them were retries, and the bytes of their bodies.

    :param throttled_seconds: for how long nothing was sent, since CDF or the identity provider asked so.
    """

    requests: int = 0
    retries: int = 0
    bytes_sent: int = 0
    throttled_seconds: float = 0.0

    def __sub__(self, before: Traffic) -> Traffic:
        return Traffic(
            self.requests - before.requests,
            self.retries - before.retries,
            self.bytes_sent - before.bytes_sent,
            self.throttled_seconds - before.throttled_seconds,
        )


@dataclass
class _Call:
    """One request with all its attempts. Only the thread that makes the call touches it.

    :param writes: whether it writes records: then it is part of the traffic, and any 2xx is a success.
    :param conflict_attempts: how often it is sent at most while a 409 says that someone else is changing what
        it writes; 0: a 409 is final.
    :param judges_token: whether a 401 says that the token is bad.
    :param token: the access token of the latest attempt.
    :param is_sent: whether an attempt got so far that the request was sent.
    :param may_be_applied: whether an attempt ended so that CDF may have carried it out.
    :param throttled: how many attempts were answered 429.
    """

    method: str
    url: str
    body: bytes | None
    headers: Mapping[str, str]
    writes: bool
    conflict_attempts: int
    judges_token: bool
    token: str = ""
    is_sent: bool = False
    may_be_applied: bool = False
    throttled: int = 0


class Transport:
    """Sends each request until it is answered, or until it has used up its retries.

    Safe to share between threads.

    :param config: credentials, time-outs and limits.
    :param on_token: called with each new access token before it is used, so that logs can mask it.
    :param clock: measures waits, pauses and the lifetime of tokens.
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
        self._tokens = tokens_for(config.auth, self._fetch_token, on_token, self._throttle.wait_for, clock)
        self._exchange = Exchange(config)
        self._retrying = retrying(config.retry, self._throttle)
        self._accepted_tokens: set[str] = set()  # CDF took them: when it refuses one later, it has expired
        self._traffic = Traffic()
        self._traffic_lock = threading.Lock()

    @property
    def traffic(self) -> Traffic:
        """The numbers of the requests sent so far with ``writes=True``."""
        return replace(self._traffic, throttled_seconds=self._throttle.paused_seconds)

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return self._throttle.limit

    @property
    def server_time(self) -> int | None:
        """The time that the server's clock has reached, by its answers so far."""
        return self._exchange.server_time.latest

    def close(self) -> None:
        """Close the pooled connections."""
        self._exchange.close()

    def cancel(self) -> None:
        """Make every request that waits, or is about to be sent, end with ``CdfCancelledError``."""
        self._throttle.cancel()

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        writes: bool = False,
        conflict_attempts: int = 0,
        judges_token: bool = True,
    ) -> Any:
        """Return the JSON of the answer.

        :param body: JSON.
        :param writes: whether the request writes records: then it is part of :attr:`traffic`, and any 2xx is
            a success, whatever its body; else the body must be JSON.
        :param conflict_attempts: how often it is sent at most while a 409 says that someone else is changing
            what it writes; 0: a 409 is final.
        :param judges_token: whether a 401 says that the token is bad; else it is an error as any other.
        :raises CdfError: its ``may_be_applied`` covers all attempts of this request.
        """
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if body is not None and self._config.gzip:
            body = pack(body)
            headers["Content-Encoding"] = "gzip"
        call = _Call(method, url, body, headers, writes, conflict_attempts, judges_token)
        try:
            return self._retrying(self._attempt, call)
        except CdfError as error:
            error.may_be_applied = call.may_be_applied
            raise

    def _attempt(self, call: _Call) -> Any:
        """Send the request; if the token has expired, send it again with a new one."""
        renewals = 0
        while True:
            try:
                return self._send(call)
            except CdfApiError as error:
                if error.status != UNAUTHORIZED or not call.judges_token:
                    raise
                is_new = renewals > 0 and call.token not in self._accepted_tokens
                if is_new or renewals == MAX_RENEWALS:
                    hint = "check scopes and audience, and that the client has access to the project"
                    raise _token_refused(error, hint) from None
                if self._tokens.renew(call.token) is None:
                    raise _token_refused(error, "put a new one into the connection's extra 'token'") from None
            renewals += 1

    def _send(self, call: _Call) -> Any:
        with self._throttle.slot():
            call.token = self._tokens.current()  # now and not before the pause, in which it may have expired
            if call.writes:
                self._count(requests=1, retries=int(call.is_sent), bytes_sent=len(call.body or b""))
            call.is_sent = True
            authorized = {"Authorization": f"Bearer {call.token}", **call.headers}
            asked = Asked(call.method, call.url, needs_json=not call.writes, secrets=(call.token,))
            try:
                answer = self._exchange.send(asked, call.body, authorized)
            except CdfError as error:
                if isinstance(error, CdfApiError) and error.status == CONFLICT and call.conflict_attempts:
                    error.make_passing(call.conflict_attempts)
                call.may_be_applied |= error.may_be_applied
                raise
        self._accepted_tokens.add(call.token)
        self._throttle.went_well()
        return answer

    def _fetch_token(self, url: str, form: dict[str, str]) -> Any:
        """Ask for a token once; the request that needs the token does the retries."""
        (secret,) = SECRET_FIELDS.keys() & form.keys()
        try:
            asked = Asked("POST", url, for_token=True, secrets=(form[secret],))
            return self._exchange.send(asked, urlencode(form, errors="replace").encode(), FORM)
        except CdfError as error:
            raise _token_not_issued(error, SECRET_FIELDS[secret]) from None

    def _count(self, **more: int) -> None:
        with self._traffic_lock:
            counted = {name: getattr(self._traffic, name) + count for name, count in more.items()}
            self._traffic = replace(self._traffic, **counted)


def _token_refused(error: CdfApiError, remedy: str) -> CdfAuthError:
    return CdfAuthError(
        f"{_sentence(error)} CDF refuses the access token; {remedy}.",
        status=error.status,
        retryable=error.retryable,
        retry_after=error.retry_after,
    )


def _token_not_issued(error: CdfError, secret_field: str) -> CdfAuthError:
    message = f"{_sentence(error)} The identity provider gave no token"
    if not error.retryable:
        message += f"; check the connection's {LOGIN}, {secret_field} and token URL"
    return CdfAuthError(
        f"{message}.",
        status=getattr(error, "status", None),
        retryable=error.retryable,
        retry_after=getattr(error, "retry_after", None),
    )


def _sentence(error: CdfError) -> str:
    return f"{str(error).rstrip('.')}."
