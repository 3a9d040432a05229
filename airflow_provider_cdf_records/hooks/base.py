"""A connection of type ``cdf``, a client for it, and one load at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_cdf_records.client import CdfClient, RetryPolicy
from airflow_provider_cdf_records.client.secrets import without_secrets
from airflow_provider_cdf_records.hooks.arguments import LoadArguments
from airflow_provider_cdf_records.hooks.connection import client_config, secrets_of
from airflow_provider_cdf_records.hooks.connection_report import report_on
from airflow_provider_cdf_records.hooks.failures import airflow_failures
from airflow_provider_cdf_records.hooks.lineage import LoadLineage, told_lineage
from airflow_provider_cdf_records.hooks.lookup import find_connection
from airflow_provider_cdf_records.hooks.metrics import report
from airflow_provider_cdf_records.hooks.paths import (
    check_not_mapping,
    found_mapping,
    mapping_spec,
    storage_path,
)
from airflow_provider_cdf_records.hooks.rejected_log import log_rejected
from airflow_provider_cdf_records.hooks.sources import Opening
from airflow_provider_cdf_records.hooks.supervision import ended_with_supervisor
from airflow_provider_cdf_records.hooks.task import folders_of_dag, owner_of_task
from airflow_provider_cdf_records.load.checkpoint import rows_of_earlier_try
from airflow_provider_cdf_records.load.load import Load
from airflow_provider_cdf_records.load.measures import Measures
from airflow_provider_cdf_records.load.parallel import call_unless_stopped
from airflow_provider_cdf_records.load.summary import Summary
from airflow_provider_cdf_records.load.verbs import Verb
from airflow_provider_cdf_records.records.argument_checks import check_if_empty
from airflow_provider_cdf_records.records.errors import EmptySourceError, InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import check_stream_id
from airflow_provider_cdf_records.records.partition import Partition, check_partition
from airflow_provider_cdf_records.sources.storage_use import using_storages
from airflow_provider_cdf_records.version_compat import AirflowSkipException, BaseHook, mask_secret

if TYPE_CHECKING:
    from airflow_provider_cdf_records.sources import Source

S = TypeVar("S", bound=Summary)


class CdfHook(BaseHook):
    """The part of the hook that all its methods share.

    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param max_concurrency: requests in flight at most.
    :ivar last_load: what the last load has read and written; ``None`` for one that had
        no client for a project yet.
    """

    conn_name_attr = "cdf_conn_id"
    default_conn_name = "cdf_default"
    conn_type = "cdf"
    hook_name = "Cognite Data Fusion"

    def __init__(
        self, cdf_conn_id: str = default_conn_name, *, max_concurrency: int = 4, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(max_concurrency, int) or max_concurrency < 1:
            msg = f"max_concurrency must be a whole number of at least 1, got {max_concurrency!r}."
            raise ValueError(msg)
        self.cdf_conn_id = cdf_conn_id
        self.max_concurrency = max_concurrency
        self.last_load: LoadLineage | None = None
        self._stop = threading.Event()
        self._running: set[Load] = set()
        self._clients: set[CdfClient] = set()

    def get_conn(self, *, patience: float | None = None) -> CdfClient:
        """Return a new client for the connection's project; usable in a ``with`` statement.

        :param patience: for whoever asks again later: give up after two attempts, each of which waits so many
            seconds at most; by default what the connection says.
        :raises ConnectionLookupError: when there is no such connection, or one of another type.
        :raises InvalidConnectionError: when the connection cannot work, saying which field to change.
        """
        return self._client(patience=patience)

    def test_connection(self) -> tuple[bool, str]:
        """Return whether loads may work, and what is known of the token. Never raises."""
        try:
            with self._client(max_attempts=1) as client:
                return report_on(client)
        except Exception as error:  # Airflow shows what is returned, and a page of its own for what is raised
            return False, without_secrets(str(error) or type(error).__name__)

    def load(
        self,
        verb: Verb[S],
        stream_id: str,
        source: Opening,
        arguments: LoadArguments,
    ) -> S:
        """Write the rows of a source to a stream with any verb.

        :param source: is opened once the task log says what is about to be loaded.
        :raises AirflowSkipException: when there is nothing to load, and ``if_empty`` is ``"skip"``.
        :raises AirflowFailException: when trying again cannot help.
        :raises AirflowException: when it can: CDF could not be reached, or was too busy for too long.
        """
        on_end: Callable[[Summary], None] = arguments.pop("on_end", None) or (lambda _: None)
        if_empty = arguments.pop("if_empty", "succeed")
        valid = 0 if arguments.get("validate_only") is True else None
        summary: Summary = verb.summary(verb, stream_id, valid=valid)
        self.last_load = None
        load: Load | None = None
        has_ended_well = False
        ended = "failed"
        try:
            with (
                using_storages(),
                airflow_failures(skip_if_empty=if_empty == "skip"),
                ended_with_supervisor(self.on_kill),
            ):
                check_if_empty(if_empty)
                check_stream_id(stream_id)
                check_partition(arguments.get("partition"))
                with self.open_client() as client:
                    self.last_load = LoadLineage(client.base_url, client.project, summary)
                    self._announce(client, verb, stream_id, source, arguments)
                    prepare = partial(self._prepared, client, verb, stream_id, source.open, arguments)
                    load = call_unless_stopped(self._stop, prepare)  # it looks at storage
                    self._running.add(load)
                    summary = load.run()
                    has_ended_well = True
                    if not load.has_seen_rows and if_empty != "succeed":
                        msg = f"{str(summary).rstrip('.')}, and if_empty is {if_empty!r}."
                        raise EmptySourceError(msg)
                    ended = "succeeded"
                    return cast("S", summary)
        except AirflowSkipException:
            ended = "skipped"
            raise
        finally:
            if load is not None:
                self._running.discard(load)
                if not has_ended_well:
                    summary = load.summary()
                self.last_load = told_lineage(self, load, source, summary, has_ended_well=has_ended_well)
            measures = Measures() if load is None else load.measures()
            report(verb, stream_id, ended, measures)
            if ended == "succeeded":
                log_rejected(self.log, measures)
            on_end(summary)

    @contextmanager
    def open_client(self) -> Iterator[CdfClient]:
        """Return a client that :meth:`on_kill` cancels, for as long as the context lasts."""
        with self._client() as client:
            self._clients.add(client)
            try:
                yield client
            finally:
                self._clients.discard(client)

    def on_kill(self) -> None:
        """End what is running within seconds; a load keeps its checkpoint, and fails as worth a retry."""
        self._stop.set()
        for load in list(self._running):
            load.end_soon()
        for client in list(self._clients):
            client.cancel()

    def __reduce__(self) -> tuple[Any, ...]:
        """Be copied and pickled as a hook that runs nothing."""
        return partial(type(self), self.cdf_conn_id, max_concurrency=self.max_concurrency), ()

    def _announce(
        self, client: CdfClient, verb: Verb[S], stream_id: str, source: Opening, arguments: LoadArguments
    ) -> None:
        """Log what is about to happen, before storage, a database or CDF is asked for anything."""
        store = arguments.get("state_store") if source.is_resumable else None
        rows_before = None if arguments.get("validate_only") else rows_of_earlier_try(store)
        partition = arguments.get("partition")
        rows = "" if partition is None else "the part's "
        self.log.info(
            "Going to %s %s%s %s stream %s of project %s at %s%s.",
            verb.name,
            "" if partition is None else f"part {Partition.of(partition)} of ",
            source.what,
            verb.preposition,
            stream_id,
            client.project,
            client.base_url,
            "" if rows_before is None else f"; an earlier try came as far as {rows}row {rows_before:,}",
        )

    def _prepared(
        self,
        client: CdfClient,
        verb: Verb[S],
        stream_id: str,
        make_source: Callable[[CdfClient], Source],
        arguments: LoadArguments,
    ) -> Load:
        source = make_source(client)  # which removes its own arguments
        if unknown := sorted(arguments.keys() - LoadArguments.__annotations__.keys()):
            known = ", ".join(LoadArguments.__annotations__)
            msg = f"{unknown[0]!r} is not an argument of this method; it takes {known}."
            raise InvalidArgumentError(msg)
        options: dict[str, Any] = dict(arguments)
        mapping = found_mapping(options.pop("mapping", None), folders_of_dag)
        rejected_path = options.pop("rejected_path", None)
        load = Load(
            client,
            verb,
            stream_id,
            source,
            mapping=mapping_spec(mapping),
            rejected_path=None if rejected_path is None else storage_path(rejected_path, "rejected_path"),
            owner=None if rejected_path is None else owner_of_task(),
            max_concurrency=self.max_concurrency,
            target={"conn_id": self.cdf_conn_id},
            log=self.log,
            stop=self._stop,
            **options,
        )
        check_not_mapping(load.rejected_path, mapping)
        return load

    def _client(self, *, max_attempts: int | None = None, patience: float | None = None) -> CdfClient:
        conn = find_connection(self.cdf_conn_id, "cdf_conn_id", self.conn_type)
        config = client_config(conn, max_concurrency=self.max_concurrency)
        for secret in secrets_of(config):
            mask_secret(secret)
        if max_attempts is not None:
            config = replace(config, retry=RetryPolicy(max_attempts=max_attempts))
        return CdfClient(config if patience is None else config.with_patience(patience), on_token=mask_secret)
