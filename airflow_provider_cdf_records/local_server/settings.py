"""Settings of the local server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
    :param allowed_hosts: names that the server answers to besides its address and those of this machine.
    :param token_lifetime: seconds that a token is valid.
    :param visibility_delay: seconds until queries see an accepted change.
    :param visibility_jitter: seconds more at most: each request becomes visible after a time of its own.
    :param visibility_seed: of these times; the same for the same requests in the same order.
    :param latency: seconds added to each request.
    :param requests_per_second: above it the answer is 429.
    :param parallel_requests: above it the answer is 429.
    :param bytes_per_second: of request bodies as sent, compressed or not; above it the answer is 429.
    :param parallel_writes: the most upserts, ingests and deletes at a time; above it the answer is 429.
    :param query_limits: refuse more queries of mutable streams a second than CDF allows, with 429.
    :param max_records: the most records that one stream can hold; what its template says if ``None``.
    :param max_gigabytes: the most data that one stream can hold; what its template says if ``None``.
    :param max_streams: how many streams there can be, and how many deleted ones whose ids are still reserved;
        when there are as many, none can be created. ``None`` means no limit; CDF's are 3 and 30.
    :param partial_writes: a request that is refused for some of its records stores the others, as CDF may.
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
    allowed_hosts: Collection[str] = ()
    token_lifetime: float = 3600.0
    visibility_delay: float = 0.0
    visibility_jitter: float = 0.0
    visibility_seed: int = 0
    latency: float = 0.0
    requests_per_second: Quota = Quota()
    parallel_requests: Quota = Quota()
    bytes_per_second: Quota = Quota()
    parallel_writes: float | None = None
    query_limits: bool = False
    max_records: int | None = None
    max_gigabytes: float | None = None
    max_streams: tuple[int | None, int | None] = (None, None)
    partial_writes: bool = False
    create_missing: bool = False
    clock: Clock = field(default_factory=Clock)

    @property
    def identities(self) -> tuple[str, ...]:
        """The ids of all clients."""
        return (self.client_id, *self.clients, *self.client_certificates, *self.federated_issuers)
