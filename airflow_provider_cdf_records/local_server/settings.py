"""Settings of the local server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.clock import Clock

DEFAULT_FAULT_RATE = 0.1  # of record writes, once faults are asked for


@dataclass(frozen=True)
class Quota:
    """A limit for the whole project, and one for each identity; ``None`` means no limit."""

    project: float | None = None
    identity: float | None = None


@dataclass(frozen=True)
class Settings:
    """How the server behaves.

    :param clients: more client ids and their secrets; each client is an identity with limits of its own.
    :param client_certificates: ids of clients that sign assertions instead of having a secret, and PEM files
        of their certificate or public key.
    :param federated_issuers: ids of clients that a platform's federated tokens vouch for, and PEM files of
        the platform's certificate or public key.
    :param token_lifetime: seconds that a token is valid.
    :param visibility_delay: seconds until queries see an accepted change.
    :param latency: seconds added to each request.
    :param requests_per_second: above it the answer is 429.
    :param parallel_requests: above it the answer is 429.
    :param bytes_per_second: of request bodies as sent, compressed or not; above it the answer is 429.
    :param max_records: the most records that one stream can hold.
    :param max_gigabytes: the most data that one stream can hold.
    :param create_missing: create the spaces, containers, properties and streams that records name.
    :param clock: the server's time.
    """

    database: Path
    project: str = "local"
    client_id: str = "local-client"
    client_secret: str = "local-secret"  # noqa: S105 (a default for a server that keeps no secrets)
    clients: Mapping[str, str] = field(default_factory=dict)
    client_certificates: Mapping[str, Path] = field(default_factory=dict)
    federated_issuers: Mapping[str, Path] = field(default_factory=dict)
    token_lifetime: float = 3600.0
    visibility_delay: float = 0.0
    latency: float = 0.0
    requests_per_second: Quota = Quota()
    parallel_requests: Quota = Quota()
    bytes_per_second: Quota = Quota()
    max_records: int = facts.STREAM_RECORDS
    max_gigabytes: float = facts.STREAM_GIGABYTES
    create_missing: bool = False
    clock: Clock = field(default_factory=Clock)

    @property
    def identities(self) -> tuple[str, ...]:
        """The ids of all clients."""
        return (self.client_id, *self.clients, *self.client_certificates, *self.federated_issuers)
