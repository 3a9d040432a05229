"""The one CDF project of a server, put together from its parts."""

from __future__ import annotations

from airflow_provider_cdf_records.local_server.settings import Settings
from airflow_provider_cdf_records.local_server.state.activity import Activity
from airflow_provider_cdf_records.local_server.state.browsing import Browsing
from airflow_provider_cdf_records.local_server.state.creating import MissingCreator
from airflow_provider_cdf_records.local_server.state.queries import Queries
from airflow_provider_cdf_records.local_server.state.records import Records
from airflow_provider_cdf_records.local_server.state.schema import Schema
from airflow_provider_cdf_records.local_server.state.store import Store
from airflow_provider_cdf_records.local_server.state.streams import StreamLimits, Streams
from airflow_provider_cdf_records.local_server.state.throughput import Throughput
from airflow_provider_cdf_records.local_server.state.visibility import Visibility


class Project:
    """A project: its definitions, streams and records."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        visibility = Visibility(
            settings.clock, settings.visibility_delay, settings.visibility_jitter, settings.visibility_seed
        )
        self.store = Store(settings.database, settings.clock, visibility)
        limits = StreamLimits(*settings.max_streams, settings.max_records, settings.max_gigabytes)
        self.activity = Activity(settings.clock)
        self.throughput = Throughput(settings.clock, self.activity)
        self.schema = Schema(self.store)
        self.streams = Streams(self.store, limits)
        missing = MissingCreator(self.schema, self.streams) if settings.create_missing else None
        self.records = Records(
            self.store,
            self.schema,
            self.streams,
            throughput=self.throughput,
            missing=missing,
            partly=settings.partial_writes,
        )
        self.browsing = Browsing(self.store)
        self.queries = Queries(self.store, self.schema, self.streams)

    def close(self) -> None:
        """Close the database."""
        self.store.close()
