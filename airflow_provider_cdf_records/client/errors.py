"""What can go wrong between this client and CDF, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CONFLICT = 409
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500  # and above

Identifier = Mapping[str, Any]


class CdfError(Exception):
    """Base of all errors of the client.

    :ivar retryable: whether the same request can succeed when it is sent again later.
    :ivar may_be_applied: whether CDF may have carried out the request, all or parts of it: by this attempt or
        an earlier one of the same call that got no answer or an answer such as 503.
    :ivar is_reported: whether another thread has the same failure, and reports it: that of a shared token.
    """

    retryable = False
    may_be_applied = False
    is_reported = False


class CdfApiError(CdfError):
    """An error that CDF, or something between it and us, answered with.

    :ivar status: HTTP status code.
    :ivar message: the server's own words.
    :ivar request_id: ``x-request-id`` of the answer, which Cognite's support asks for.
    :ivar missing: identifiers that the server says do not exist.
    :ivar duplicated: identifiers that the server says exist already, or are twice in the request.
    :ivar max_attempts: how often the request is sent at most with answers such as this; ``None``: as often as
        the configuration allows.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        request: str,
        request_id: str | None = None,
        missing: Sequence[Identifier] = (),
        duplicated: Sequence[Identifier] = (),
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.message = message
        self.status = status
        self.request = request
        self.request_id = request_id
        self.missing = list(missing)
        self.duplicated = list(duplicated)
        self.retryable = retryable
        self.may_be_applied = status != TOO_MANY_REQUESTS and (retryable or status >= SERVER_ERROR)
        self.retry_after = retry_after
        self.max_attempts: int | None = None
        super().__init__(message)

    def make_passing(self, max_attempts: int) -> None:
        """Note that the same request can succeed later, and that parts of it may be carried out.

        :param max_attempts: how often it is sent at most.
        """
        self.retryable = self.may_be_applied = True
        self.max_attempts = max_attempts

    def __str__(self) -> str:
        named = "".join(
            f"; {label}: {identifiers}"
            for label, identifiers in (("missing", self.missing), ("duplicated", self.duplicated))
            if identifiers
        )
        suffix = f" (x-request-id {self.request_id})" if self.request_id else ""
        message = self.message.rstrip(".") if named or suffix else self.message
        return f"{self.request} was answered with {self.status}: {message}{named}{suffix}"


class CdfConnectionError(CdfError):
    """No answer, or one that cannot be read: refused, reset, timed out, cut short, not JSON.

    The request may or may not have been carried out, unless it was never sent.
    """

    retryable = True
    may_be_applied = True


class CdfAnswerError(CdfConnectionError):
    """A success that came whole and is of another form than the endpoint's answers."""


class CdfAuthError(CdfError):
    """The identity provider gives no token, or CDF refuses the token. Never about what a request holds.

    :param message: what happened, in the words of who refused, and what to do.
    :param status: HTTP status code of the refusal; ``None`` without an answer.
    :param retryable: whether the failure may pass, as when the identity provider is busy.
    :param retry_after: seconds after which the identity provider asks to be asked again.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable
        self.retry_after = retry_after


class CdfCancelledError(CdfError):
    """The client was told to stop while a request was waiting or about to be sent.

    Another client can send it.
    """

    retryable = True
