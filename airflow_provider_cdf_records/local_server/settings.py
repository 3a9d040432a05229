"""How the server behaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from airflow_provider_cdf_records.local_server.checks import facts
from airflow_provider_cdf_records.local_server.clock import Clock

DEFAULT_FAULT_RATE = 0.1  # of record writes, once faults are asked for


@dataclass(frozen=True)
class Quota:
    """A limit of the whole project, and one of each identity; ``None`` is none."""

    project: float | None = None
    identity: float | None = None


@dataclass(frozen=True)
class Settings:
    """How the server behaves.

    :param clients: further client ids and their secrets, each an identity of its own.
    :param token_lifetime: seconds.
    :param visibility_delay: seconds from the answer to a change until queries see it.
    :param latency: seconds that each request takes besides.
    :param requests_per_second: beyond it the answer is 429.
    :param parallel_requests: beyond it the answer is 429.
    :param bytes_per_second: of requests as they are sent; beyond it the answer is 429.
    :param max_records: what one stream may hold.
    :param max_gigabytes: what one stream may hold.
    :param create_missing: make spaces, containers, properties and streams that a record names.
    :param clock: the time by which all of this happens.
    """

    database: Path
    project: str = "local"
    client_id: str = "local-client"
    client_secret: str = "local-secret"  # noqa: S105 (a default for a server that keeps no secrets)
    clients: Mapping[str, str] = field(default_factory=dict)
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
