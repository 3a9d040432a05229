"""A trigger for asset watchers: changed records start DAGs."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.triggers.watch import Watch, check_max_identities
from airflow_provider_cdf_records.version_compat import AIRFLOW_3

if TYPE_CHECKING or AIRFLOW_3:
    from airflow.triggers.base import BaseEventTrigger, TriggerEvent
else:  # Airflow 2 has none: events start no DAGs there
    from airflow.triggers.base import BaseTrigger as BaseEventTrigger
    from airflow.triggers.base import TriggerEvent

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow_provider_cdf_records.triggers.watched_stream import WatchedStream, Watchers
    from airflow_provider_cdf_records.triggers.watcher import Watcher

log = logging.getLogger(__name__)


class CdfRecordsChangedTrigger(BaseEventTrigger):
    """Fires when records of a stream were created, updated or deleted; for an ``AssetWatcher`` (Airflow 3).

    .. code-block:: python

        changed = CdfRecordsChangedTrigger(stream_id="alarms")
        alarms = Asset("alarms", watchers=[AssetWatcher(name="changed", trigger=changed)])


        @dag(schedule=[alarms])
        def on_changed_alarms(): ...

    One event tells of all changes since the last one, however many: ``{"stream_id", "project", "created",
    "updated", "deleted", "records", "has_more_records"}``. ``records`` are the first of them, each
    ``{"space", "externalId", "status"}``.

    Airflow 3.3 and later: the cursor is kept with the state of the asset, and moves once Airflow has stored
    the event. A crash has changes come twice, and loses none. Triggers with the same arguments, but for
    ``max_identities``, share one poll. Have one watcher a stream and filter on an asset.
    Airflow 3.0 to 3.2: the cursor is in memory, so a triggerer that starts again begins at
    ``initialize_cursor``.

    :param stream_id: the stream.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param filter: in CDF's filter language; all records without it. A deleted record has no properties, so a
        filter on a property lets no deletion pass.
    :param sources: ``[{"source": {...}, "properties": ["*"]}]``: list these properties with each record, too;
        they land in Airflow's database. An event lists 200 kB at most.
    :param initialize_cursor: how long ago to begin when no cursor is known, such as ``5m-ago``.
    :param poll_interval: seconds between two looks.
    :param max_identities: how many records an event lists at most.
    :raises InvalidTriggerArgumentError: (a ``ValueError``) for what makes no sense.
    """

    def __init__(
        self,
        *,
        stream_id: str,
        cdf_conn_id: str = "cdf_default",
        filter: Mapping[str, Any] | None = None,
        sources: Sequence[Mapping[str, Any]] | None = None,
        initialize_cursor: str = "5m-ago",
        poll_interval: float = 60.0,
        max_identities: int = 100,
    ) -> None:
        if not AIRFLOW_3:
            msg = (
                "CdfRecordsChangedTrigger needs Airflow 3, where events start DAGs. In Airflow 2, poll from "
                "a DAG with CdfRecordsChangedSensor."
            )
            raise RuntimeError(msg)
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = Watch(stream_id, cdf_conn_id, filter, sources, initialize_cursor, poll_interval)
        self.watch.check()
        check_max_identities(max_identities)
        self.max_identities = max_identities
        self._watcher: Watcher | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class and the arguments that make an equal trigger."""
        watch = self.watch
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "stream_id": watch.stream_id,
            "cdf_conn_id": watch.cdf_conn_id,
            "filter": None if watch.filter is None else dict(watch.filter),
            "sources": None if watch.sources is None else [dict(source) for source in watch.sources],
            "initialize_cursor": watch.initialize_cursor,
            "poll_interval": watch.poll_interval,
            "max_identities": self.max_identities,
        }

    def shared_stream_key(self) -> Hashable | None:
        """Share polls where Airflow can, and keeps state for assets."""
        can_share = hasattr(BaseEventTrigger, "create_shared_stream_producer")
        if not can_share or getattr(self, "asset_state_store", None) is None:
            return None
        return (type(self).__qualname__, *self.watch.key)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> Any:
        """Return what polls for all triggers with the same key."""
        from airflow_provider_cdf_records.triggers.changes_producer import ChangesProducer  # noqa: PLC0415

        trigger = cls(**kwargs)
        return ChangesProducer(trigger._stream(trigger._watchers()))

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Yield this trigger's events of the shared polls."""
        from airflow_provider_cdf_records.triggers.stores import stores_of  # noqa: PLC0415

        watchers = self._watchers()
        watcher = self._watcher = self._new_watcher(watchers, stores_of(self.asset_state_store))
        with watchers.joined_by(watcher):
            await watcher.load()
            async for poll in shared_stream:
                async for event in watcher.events(poll):
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll for this trigger alone, with a cursor that is only in memory."""
        from airflow_provider_cdf_records.triggers.watched_stream import Watchers  # noqa: PLC0415

        log.warning(
            "The cursor of stream %s is in memory only (Airflow keeps it from 3.3 on, for triggers of "
            "assets): when the triggerer starts again, changes are read from %s on.",
            self.watch.stream_id,
            self.watch.initialize_cursor,
        )
        watchers = Watchers()
        stream = self._stream(watchers)
        watcher = self._watcher = self._new_watcher(watchers, [])
        with watchers.joined_by(watcher):
            await watcher.load()
            async for poll in stream.polls():
                async for event in watcher.events(poll):
                    yield TriggerEvent(event)  # type: ignore[no-untyped-call]
                stream.settle(poll)

    async def cleanup(self) -> None:
        """Note that the trigger has ended, also where its generator is not closed yet."""
        if self._watcher is not None:
            self._watchers().remove(self._watcher)

    def _watchers(self) -> Watchers:
        from airflow_provider_cdf_records.triggers.watched_stream import watchers_of  # noqa: PLC0415

        return watchers_of(self.watch)

    def _stream(self, watchers: Watchers) -> WatchedStream:
        from airflow_provider_cdf_records.triggers.watched_stream import WatchedStream  # noqa: PLC0415

        return WatchedStream(self.watch, watchers)

    def _new_watcher(self, watchers: Watchers, stores: list[Any]) -> Watcher:
        from airflow_provider_cdf_records.triggers.watcher import Watcher  # noqa: PLC0415

        return Watcher(
            self._stream(watchers).read,
            stores,
            key=self.watch.state_key,
            stream_id=self.watch.stream_id,
            max_identities=self.max_identities,
        )
