"""The configuration of a client, in one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth 2.0 client credentials; ``secret`` never shows in a ``repr``."""

    client_id: str
    secret: str = field(repr=False)
    token_url: str
    scopes: str | None = None
    audience: str | None = None


@dataclass(frozen=True)
class FederatedTokenFile:
    """A file that the platform keeps a fresh token in, one that the identity provider trusts."""

    path: str


@dataclass(frozen=True)
class CertificateFile:
    """A PEM file with a certificate that the identity provider knows, and with its private key.

    :param for_entra_id: sign as Microsoft Entra ID wants it, and not as most others do.
    """

    path: str
    for_entra_id: bool = False


@dataclass(frozen=True)
class ClientAssertions:
    """OAuth 2.0 client credentials with a client assertion in place of a secret.

    :param source: what the assertions come from; a new one is made for each request for a token.
    """

    client_id: str
    source: FederatedTokenFile | CertificateFile
    token_url: str
    scopes: str | None = None
    audience: str | None = None


@dataclass(frozen=True)
class IssuedToken:
    """An access token as it was issued.

    :param lifetime: seconds from when it was asked for; ``None``: not known.
    """

    token: str = field(repr=False)
    lifetime: float | None = None


class TokenSource(Protocol):
    """Another way to a new access token, such as a library of a cloud."""

    def __call__(self) -> IssuedToken:
        """Return a new token.

        :raises CdfAuthError: when there is none.
        """


@dataclass(frozen=True)
class StaticToken:
    """A ready access token, which cannot be renewed."""

    token: str = field(repr=False)


Auth: TypeAlias = ClientCredentials | ClientAssertions | StaticToken | TokenSource


@dataclass(frozen=True)
class RetryPolicy:
    """Limits for the retries of one request.

    :param max_attempts: how often a request is sent at most; 1: it is not sent again. Unless it is 1, answers
        of 429 do not count: others may have all of the project's budget for longer than so many attempts
        take, so that ``max_wait`` is their only limit.
    :param max_wait: seconds that one request may spend waiting between its attempts, all together.
    :param base: seconds; the n-th wait is drawn from 0 to ``base * 2**n``, at most ``cap`` seconds.
    """

    max_attempts: int = 10
    max_wait: float = 600.0
    base: float = 0.5
    cap: float = 30.0


@dataclass(frozen=True)
class ClientConfig:
    """The address of CDF, credentials, time-outs and limits.

    :param base_url: ``https://{cluster}.cognitedata.com``, without a trailing slash.
    :param project: the CDF project.
    :param timeout: seconds without a byte from the server after which a request counts as failed.
    :param connect_timeout: seconds to wait for a connection.
    :param verify: ``False``, or the path of a CA bundle.
    :param proxies: as in ``requests``: scheme to proxy URL. May hold credentials, so not in the ``repr``.
    :param gzip: compress request bodies; not worth it where the server is on this machine.
    :param environment: honour ``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE`` and the like.
    :param pool_size: connections kept open, and requests sent in parallel at most.
    """

    base_url: str
    project: str
    auth: Auth
    timeout: float = 60.0
    connect_timeout: float = 10.0
    verify: bool | str = True
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    gzip: bool = True
    environment: bool = True
    pool_size: int = 4
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def with_patience(self, seconds: float) -> ClientConfig:
        """Return the same, for requests that are made again later: two attempts, and short waits.

        :param seconds: how long to wait for a connection, and for a byte of an answer, at most.
        """
        return replace(
            self,
            timeout=min(seconds, self.timeout),
            connect_timeout=min(seconds, self.connect_timeout),
            retry=RetryPolicy(max_attempts=min(2, self.retry.max_attempts), max_wait=1.0),
        )
