"""Sensors that wait until a stream exists, or until records can be queried."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.task_arguments.operator import Argument, ArgumentsOperator
from airflow_provider_cdf_records.version_compat import AirflowFailException, BaseSensorOperator

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

NOT_FOUND = 404
StreamType = Literal["Mutable", "Immutable"]
PATIENCE = (2.0, 15.0)  # seconds, at least and at most, for each of the two attempts of a poke


class _CdfSensor(ArgumentsOperator, BaseSensorOperator):
    """The base class of the sensors; keeps one client for all pokes of a process."""

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "stream_id": Argument(kinds.stream_id, is_text=True),
        "cdf_conn_id": Argument(kinds.connection_id, is_text=True),
    }

    def __init__(self, *, stream_id: str, cdf_conn_id: str = "cdf_default", **kwargs: Any) -> None:
        self.stream_id = stream_id
        self.cdf_conn_id = cdf_conn_id
        super().__init__(**kwargs)

    @cached_property
    def client(self) -> CdfClient:
        """The client of the connection."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        least, most = PATIENCE
        patience = min(max(self.timeout / 2, least), most)
        return CdfRecordsHook(self.cdf_conn_id, max_concurrency=1).get_conn(patience=patience)

    def poke(self, context: Any) -> bool:  # noqa: ARG002
        """Return whether the wait is over.

        A failure that may pass, such as a CDF that cannot be reached, is one more reason to wait, until the
        sensor's timeout; others are raised as Airflow exceptions.
        """
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415

        self.read_arguments()
        with airflow_failures():
            try:
                return self.look()
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                self.log.warning("Not known yet: %s", error)
                return False

    def look(self) -> bool:
        """Ask CDF once, and return whether the wait is over."""
        raise NotImplementedError


class CdfStreamSensor(_CdfSensor):
    """Wait until a stream exists.

    Every argument may be a literal, a template, or a reference such as an upstream task's output.

    :param stream_id: the stream.
    :param stream_type: ``Mutable`` (which upserts need), ``Immutable``, or ``None`` for either. The type of
        a stream never changes, so a stream of the other type fails the task at once.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    """

    own_arguments = {  # noqa: RUF012
        "stream_type": Argument(kinds.optional(kinds.one_of(*get_args(StreamType))), is_text=True)
    }

    def __init__(self, *, stream_type: StreamType | None = "Mutable", **kwargs: Any) -> None:
        self.stream_type = stream_type
        super().__init__(**kwargs)

    def look(self) -> bool:
        from airflow_provider_cdf_records.client import CdfApiError  # noqa: PLC0415

        try:
            stream = self.client.retrieve_stream(self.stream_id)
        except CdfApiError as error:
            if error.status != NOT_FOUND:
                raise
            self.log.info("Stream %s does not exist yet.", self.stream_id)
            return False
        found = stream.get("type")
        if self.stream_type not in (None, found):
            msg = f"Stream {self.stream_id!r} must be of type {self.stream_type}, got {found}."
            raise AirflowFailException(msg)
        self.log.info("Stream %s exists and is of type %s.", self.stream_id, found)
        return True


class CdfRecordsSensor(_CdfSensor):
    """Wait until a number of records of a stream can be queried.

    CDF shows a record some time after it has accepted it; wait with this before a task that reads them.
    Every argument may be a literal, a template, or a reference such as an upstream task's output.

    .. code-block:: python

        CdfRecordsSensor(
            task_id="wait",
            stream_id="alarms",
            filter={"equals": {"property": ["plant", "Alarm", "run"], "value": "{{ run_id }}"}},
            min_count=load.output["upserted"],
        )

    :param stream_id: the stream.
    :param filter: in CDF's filter language, or JSON text of one; all records without it.
    :param min_count: how many records there must be at least.
    :param last_updated_time: bounds such as ``{"gte": "{{ data_interval_start }}"}`` (``gt``, ``gte``,
        ``lt``, ``lte``): datetimes, ISO 8601 or epoch milliseconds, also as text; a lower bound is required
        for immutable streams.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    """

    own_arguments = {  # noqa: RUF012
        "filter": Argument(kinds.optional(kinds.json_object, as_text=False), shown_as="json"),
        "min_count": Argument(kinds.whole_number(least=0)),
        "last_updated_time": Argument(kinds.optional(kinds.json_object), shown_as="json"),
    }

    def __init__(
        self,
        *,
        filter: Mapping[str, Any] | str | None = None,
        min_count: int | str = 1,
        last_updated_time: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.filter: Any = filter
        self.min_count = min_count
        self.last_updated_time: Any = last_updated_time
        super().__init__(**kwargs)

    def look(self) -> bool:
        count = self.client.count_records(
            self.stream_id, filter=self.filter, last_updated_time=self.last_updated_time
        )
        self.log.info("%s of %s records can be queried.", f"{count:,}", self.min_count)
        return count >= int(self.min_count)
