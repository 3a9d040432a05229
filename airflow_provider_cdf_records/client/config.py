"""The configuration of a client, in one immutable value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth 2.0 client credentials; ``secret`` never shows in a ``repr``."""

    client_id: str
    secret: str = field(repr=False)
    token_url: str
    scopes: str | None = None
    audience: str | None = None


@dataclass(frozen=True)
class StaticToken:
    """A ready access token, which cannot be renewed."""

    token: str = field(repr=False)


@dataclass(frozen=True)
class RetryPolicy:
    """Limits for the retries of one request.

    :param max_attempts: how often a request is sent at most.
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
    auth: ClientCredentials | StaticToken
    timeout: float = 60.0
    connect_timeout: float = 10.0
    verify: bool | str = True
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    gzip: bool = True
    environment: bool = True
    pool_size: int = 4
    retry: RetryPolicy = field(default_factory=RetryPolicy)
