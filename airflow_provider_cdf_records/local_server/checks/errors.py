"""The errors that the server answers with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """An error of the API, answered as ``{"error": {"code", "message", "missing", "duplicated"}}``."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        missing: Sequence[Mapping[str, Any]] = (),
        duplicated: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.missing = missing
        self.duplicated = duplicated

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        error: dict[str, Any] = {"code": self.status, "message": self.message}
        if self.missing:
            error["missing"] = self.missing
        if self.duplicated:
            error["duplicated"] = self.duplicated
        return {"error": error}


class OAuthError(Exception):
    """An error of the token endpoint, answered as ``{"error", "error_description"}`` (RFC 6749)."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description


def refused_assertion(why: str) -> OAuthError:
    """Return the error for a client assertion."""
    return OAuthError(401, "invalid_client", f"The client assertion is refused: {why.rstrip('.')}.")
