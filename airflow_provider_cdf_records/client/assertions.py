"""Client assertions, which stand in for a client's secret (RFC 7523): from a file, or signed with a key."""

from __future__ import annotations

import re

from airflow_provider_cdf_records.client.config import CertificateFile, ClientAssertions
from airflow_provider_cdf_records.client.errors import CdfAuthError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT = re.compile(rb"[\w-]+\.[\w-]+\.[\w-]+")
MAX_BYTES = 100_000  # of a file; real ones have a few thousand


def client_assertion(credentials: ClientAssertions) -> str:
    """Return a new assertion that the client is the one it says.

    :raises CdfAuthError: naming the connection's extra and what is wrong with its file.
    """
    if isinstance(credentials.source, CertificateFile):
        return _signed(credentials, credentials.source)
    extra, path = "federated_token_file", credentials.source.path
    token = _read(extra, path)
    if not JWT.fullmatch(token):
        raise _unusable(extra, path, "holds no token: it must be one JWT and nothing else")
    return token.decode()


def _signed(credentials: ClientAssertions, source: CertificateFile) -> str:
    from airflow_provider_cdf_records.client.signing import sign  # noqa: PLC0415 (slow, and seldom needed)

    extra, path = "certificate_file", source.path
    pem = _read(extra, path)
    client, url = credentials.client_id, credentials.token_url
    try:
        return sign(pem, client_id=client, token_url=url, for_entra_id=source.for_entra_id)
    except ValueError as error:
        raise _unusable(extra, path, str(error)) from None


def _read(extra: str, path: str) -> bytes:
    """Return what a file holds. It may be missing or empty for the moment in which it is replaced."""
    try:
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1).strip()
    except OSError as error:
        is_missing = isinstance(error, FileNotFoundError)
        raise _unusable(extra, path, f"cannot be read: {error.strerror}", retryable=is_missing) from None
    except ValueError:  # such as a null byte in the path
        raise _unusable(extra, repr(path), "is not a path") from None
    if not content:
        raise _unusable(extra, path, "is empty", retryable=True)
    if len(content) > MAX_BYTES:
        raise _unusable(extra, path, f"is larger than {MAX_BYTES:,} bytes")
    return content


def _unusable(extra: str, path: str, problem: str, *, retryable: bool = False) -> CdfAuthError:
    return CdfAuthError(f"The connection's extra {extra!r}: {path} {problem}.", retryable=retryable)
