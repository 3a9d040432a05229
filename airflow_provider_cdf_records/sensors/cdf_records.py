"""Sensors that wait until a stream exists, or until records can be queried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_cdf_records.version_compat import AirflowFailException, BaseSensorOperator

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient

NOT_FOUND = 404
PATIENCE = (2.0, 15.0)  # seconds, at least and at most, for each of the two attempts of a poke


class _CdfSensor(BaseSensorOperator):
    """The base class of the sensors; keeps one client for all pokes of a process."""

    def __init__(self, *, stream_id: str, cdf_conn_id: str = "cdf_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream_id = stream_id
        self.cdf_conn_id = cdf_conn_id

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
        from airflow_provider_cdf_records.records.identifiers import check_stream_id  # noqa: PLC0415

        with airflow_failures():
            check_stream_id(self.stream_id)
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

    :param stream_id: the stream. (templated)
    :param stream_type: ``Mutable`` (which upserts need), ``Immutable``, or ``None`` for either. The type of
        a stream never changes, so a stream of the other type fails the task at once.
    :param cdf_conn_id: an Airflow connection of type ``cdf``. (templated)
    """

    template_fields: Sequence[str] = ("stream_id", "cdf_conn_id")

    def __init__(
        self, *, stream_type: Literal["Mutable", "Immutable"] | None = "Mutable", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if stream_type not in ("Mutable", "Immutable", None):
            msg = f"stream_type must be 'Mutable', 'Immutable' or None, got {stream_type!r}."
            raise ValueError(msg)
        self.stream_type = stream_type

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

    .. code-block:: python

        CdfRecordsSensor(
            task_id="wait",
            stream_id="alarms",
            filter={"equals": {"property": ["plant", "Alarm", "run"], "value": "{{ run_id }}"}},
            min_count="{{ ti.xcom_pull('load')['upserted'] }}",
        )

    :param stream_id: the stream. (templated)
    :param filter: in CDF's filter language; all records without it. (templated)
    :param min_count: how many records there must be at least. (templated)
    :param last_updated_time: bounds such as ``{"gte": "{{ data_interval_start }}"}`` (``gt``, ``gte``,
        ``lt``, ``lte``): datetimes, ISO 8601 or epoch milliseconds, also as text; a lower bound is required
        for immutable streams. (templated)
    :param cdf_conn_id: an Airflow connection of type ``cdf``. (templated)
    """

    template_fields: Sequence[str] = ("stream_id", "filter", "min_count", "last_updated_time", "cdf_conn_id")
    template_fields_renderers = {"filter": "json", "last_updated_time": "json"}  # noqa: RUF012 (Airflow's form)

    def __init__(
        self,
        *,
        filter: Mapping[str, Any] | None = None,
        min_count: int | str = 1,
        last_updated_time: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filter = filter
        self.min_count = min_count
        self.last_updated_time = last_updated_time

    def look(self) -> bool:
        count = self.client.count_records(
            self.stream_id, filter=self.filter, last_updated_time=self.last_updated_time
        )
        self.log.info("%s of %s records can be queried.", f"{count:,}", self.min_count)
        return count >= self._needed_count()

    def _needed_count(self) -> int:
        try:
            return int(self.min_count)
        except (TypeError, ValueError):
            msg = f"min_count must be a number, got {self.min_count!r}."
            raise AirflowFailException(msg) from None
