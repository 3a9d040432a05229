"""What can go wrong between this client and CDF, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Identifier = Mapping[str, Any]


class CdfError(Exception):
    """Base of all errors of the client.

    :ivar retryable: whether the same request can succeed when it is sent again later.
    """

    retryable = False


class CdfApiError(CdfError):
    """CDF (or something between it and us) answered with an error.

    :ivar status: HTTP status code.
    :ivar message: the server's own words.
    :ivar request_id: ``x-request-id`` of the answer, which Cognite's support asks for.
    :ivar missing: identifiers that the server says do not exist.
    :ivar duplicated: identifiers that the server says are there already, or twice.
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
        self.retry_after = retry_after
        super().__init__(message)

    def __str__(self) -> str:
        named = "".join(
            f"; {label}: {identifiers}"
            for label, identifiers in (("missing", self.missing), ("duplicated", self.duplicated))
            if identifiers
        )
        suffix = f" (x-request-id {self.request_id})" if self.request_id else ""
        return f"{self.request} was answered with {self.status}: {self.message}{named}{suffix}"


class CdfConnectionError(CdfError):
    """No answer, or one that cannot be read: refused, reset, timed out, cut short, not JSON.

    The request may or may not have been carried out.
    """

    retryable = True


class CdfAuthError(CdfApiError):
    """The identity provider refused to give a token, or CDF refuses the one given."""


class CdfCancelledError(CdfError):
    """The client was told to stop while a request was waiting or about to be sent."""
