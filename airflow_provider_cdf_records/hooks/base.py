"""A connection of type ``cdf``, a client for it, and one load at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_cdf_records.client import CdfClient, CdfError, ClientCredentials, RetryPolicy
from airflow_provider_cdf_records.hooks.connection import InvalidConnectionError, client_config
from airflow_provider_cdf_records.hooks.failures import airflow_failures
from airflow_provider_cdf_records.hooks.paths import check_not_mapping, mapping_spec, storage_path
from airflow_provider_cdf_records.load.load import Load
from airflow_provider_cdf_records.load.preflight import MissingCapabilityError, check_project
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.records.identifiers import check_stream_id
from airflow_provider_cdf_records.version_compat import BaseHook, mask_secret

if TYPE_CHECKING:
    from airflow_provider_cdf_records.hooks.arguments import LoadArguments
    from airflow_provider_cdf_records.sources import Source

S = TypeVar("S", bound=Summary)


class CdfHook(BaseHook):
    """The part of the hook that all its methods share.

    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param max_concurrency: requests in flight at most.
    """

    conn_name_attr = "cdf_conn_id"
    default_conn_name = "cdf_default"
    conn_type = "cdf"
    hook_name = "Cognite Data Fusion"

    def __init__(
        self, cdf_conn_id: str = default_conn_name, *, max_concurrency: int = 4, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if max_concurrency < 1:
            msg = f"max_concurrency must be at least 1, got {max_concurrency}."
            raise ValueError(msg)
        self.cdf_conn_id = cdf_conn_id
        self.max_concurrency = max_concurrency
        self._stop = threading.Event()
        self._running: Load | None = None

    def get_conn(self) -> CdfClient:
        """Return a new client for the connection's project; usable in a ``with`` statement.

        :raises InvalidConnectionError: when the connection cannot work, saying which field to change.
        """
        return self._client()

    def test_connection(self) -> tuple[bool, str]:
        """Ask CDF what the connection's token may do. Sends one request, without retries."""
        try:
            with self._client(RetryPolicy(max_attempts=1)) as client:
                check_project(client, client.inspect_token())
                return True, f"Connected to project {client.project!r}."
        except (CdfError, InvalidConnectionError, MissingCapabilityError) as error:
            return False, str(error)

    def load(
        self,
        verb: Verb[S],
        stream_id: str,
        source: Callable[[CdfClient], Source],
        arguments: LoadArguments,
    ) -> S:
        """Write the rows of a source to a stream with any verb.

        :param source: makes the source, and removes its own arguments from ``arguments``.
        :raises AirflowFailException: when trying again cannot help.
        :raises AirflowException: when it can: CDF could not be reached, or was too busy for too long.
        """
        with airflow_failures():
            check_stream_id(stream_id)
            with self._client() as client:
                return self._load(client, verb, stream_id, source, arguments)

    def _load(
        self,
        client: CdfClient,
        verb: Verb[S],
        stream_id: str,
        source: Callable[[CdfClient], Source],
        arguments: LoadArguments,
    ) -> S:
        rows = source(client)
        options: dict[str, Any] = dict(arguments)
        mapping, rejected_path = options.pop("mapping", None), options.pop("rejected_path", None)
        load = Load(
            client,
            verb,
            stream_id,
            rows,
            mapping=mapping_spec(mapping),
            rejected_path=storage_path(rejected_path, "rejected_path") if rejected_path else None,
            max_concurrency=self.max_concurrency,
            target={"conn_id": self.cdf_conn_id},
            log=self.log,
            stop=self._stop,
            **options,
        )
        check_not_mapping(load.rejected_path, mapping)
        self._running = load
        try:
            return cast("S", load.run())
        finally:
            self._running = None

    def on_kill(self) -> None:
        """End a running load within seconds; it keeps its checkpoint, and fails so that it can be retried."""
        self._stop.set()
        if self._running is not None:
            self._running.end_soon()

    def _client(self, retry: RetryPolicy | None = None) -> CdfClient:
        conn = self.get_connection(self.cdf_conn_id)
        config = client_config(conn, max_concurrency=self.max_concurrency)
        if isinstance(config.auth, ClientCredentials):
            mask_secret(config.auth.secret)
        return CdfClient(replace(config, retry=retry) if retry else config, on_token=mask_secret)
