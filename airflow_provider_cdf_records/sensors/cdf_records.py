"""Sensors that wait until a stream exists, or until records can be queried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args

from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.sensors.base import CdfSensor
from airflow_provider_cdf_records.sensors.cdf_records_changed import CdfRecordsChangedSensor
from airflow_provider_cdf_records.sensors.loads import loads_visible, summaries
from airflow_provider_cdf_records.task_arguments.operator import Argument
from airflow_provider_cdf_records.waiting import EnoughRecords, LoadVisible, StreamExists

if TYPE_CHECKING:
    from airflow_provider_cdf_records.triggers.base import CdfTrigger
    from airflow_provider_cdf_records.waiting import Condition

__all__ = ["CdfRecordsChangedSensor", "CdfRecordsSensor", "CdfStreamSensor"]

MAX_IN_TRIGGER = 40_000  # bytes of probes: encrypted, Airflow has 64 kB for a trigger's arguments in MySQL
StreamType = Literal["Mutable", "Immutable"]


class CdfStreamSensor(CdfSensor):
    """Wait until a stream exists.

    Every argument may be a literal, a template, or a reference such as an upstream task's output.

    :param stream_id: the stream.
    :param stream_type: ``Mutable`` (which upserts need), ``Immutable``, or ``None`` for either. The type of
        a stream never changes, so a stream of the other type fails the task at once.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param deferrable: look once, and then wait in the triggerer, without a worker; by default what Airflow's
        configuration says (``[operators] default_deferrable``).
    """

    own_arguments = {  # noqa: RUF012
        "stream_type": Argument(kinds.optional(kinds.one_of(*get_args(StreamType))), is_text=True)
    }

    def __init__(self, *, stream_type: StreamType | None = "Mutable", **kwargs: Any) -> None:
        self.stream_type = stream_type
        super().__init__(**kwargs)

    def make_condition(self) -> Condition:
        return StreamExists(self.stream_id, self.stream_type)

    def make_trigger(self, **wait: Any) -> CdfTrigger:
        from airflow_provider_cdf_records.triggers import CdfStreamTrigger  # noqa: PLC0415

        return CdfStreamTrigger(stream_type=self.stream_type, **wait)


class CdfRecordsSensor(CdfSensor):
    """Wait until all that a load wrote can be queried, or until a number of records can.

    CDF shows a record some time after it has accepted it; wait with this before a task that reads them. The
    number of records that were loaded, or that there are, is what the task returns (XCom).
    Every argument may be a literal, a template, or a reference such as an upstream task's output.

    .. code-block:: python

        CdfRecordsSensor(task_id="wait", load=load.output)
        CdfRecordsSensor(
            task_id="wait_for_others",
            stream_id="alarms",
            filter={"equals": {"property": ["plant", "Alarm", "run"], "value": "{{ run_id }}"}},
            min_count=100,
        )

    A number of ``upserted`` records is nothing to wait for: rows that share an identity are one record in the
    end, and others may delete some meanwhile. With ``load``, no records are counted: the load has kept a few
    identities of each of its last requests (of all, up to a hundred), and all of these must be there as of
    then, or have been changed or deleted by others since. What others write to them just before the load does
    may be taken for it.

    :param stream_id: the stream; may be left out with ``load``, whose summary names it.
    :param load: the summary of a load, or a list of those of a mapped one: ``load.output``. A load of nothing
        is not waited for.
    :param filter: in CDF's filter language, or JSON text of one; all records without it.
    :param min_count: how many records there must be at least.
    :param last_updated_time: bounds such as ``{"gte": "{{ data_interval_start }}"}`` (``gt``, ``gte``,
        ``lt``, ``lte``): datetimes, ISO 8601 or epoch milliseconds, also as text; a lower bound is required
        for immutable streams.
    :param cdf_conn_id: an Airflow connection of type ``cdf``.
    :param deferrable: look once, and then wait in the triggerer, without a worker; by default what Airflow's
        configuration says (``[operators] default_deferrable``).
    """

    own_arguments = {  # noqa: RUF012
        "stream_id": Argument(kinds.optional(kinds.stream_id, as_text=False), is_text=True),
        "load": Argument(kinds.optional(summaries, as_text=False), shown_as="json"),
        "filter": Argument(kinds.optional(kinds.json_object, as_text=False), shown_as="json"),
        "min_count": Argument(kinds.whole_number(least=0)),
        "last_updated_time": Argument(kinds.optional(kinds.json_object), shown_as="json"),
    }

    def __init__(
        self,
        *,
        stream_id: str | None = None,
        load: Any = None,
        filter: Mapping[str, Any] | str | None = None,
        min_count: int | str = 1,
        last_updated_time: Mapping[str, Any] | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.load = load
        self.filter: Any = filter
        self.min_count = min_count
        self.last_updated_time: Any = last_updated_time
        super().__init__(stream_id=stream_id, **kwargs)  # type: ignore[arg-type]

    def check_together(self) -> None:
        counted = {"filter": None, "min_count": 1, "last_updated_time": None}
        given = [name for name, default in counted.items() if getattr(self, name) != default]
        if self.load is not None and given:
            msg = (
                f"load and {', '.join(given)} must not be given together: wait for what a load wrote with "
                "load, or for a number of records with stream_id, min_count, filter and last_updated_time."
            )
            raise InvalidArgumentError(msg)
        if self.load is None and self.stream_id is None:
            msg = "stream_id must be given, or load, whose summary names the stream."
            raise InvalidArgumentError(msg)

    def make_condition(self) -> Condition:
        if self.load is not None:
            return loads_visible("load", self.load, self.stream_id)
        self.check_together()
        return EnoughRecords(self.stream_id, int(self.min_count), self.filter, self.last_updated_time)

    def make_trigger(self, **wait: Any) -> CdfTrigger:
        from airflow_provider_cdf_records.client.time_bounds import in_milliseconds  # noqa: PLC0415
        from airflow_provider_cdf_records.triggers import CdfRecordsTrigger  # noqa: PLC0415
        from airflow_provider_cdf_records.triggers.base import as_json  # noqa: PLC0415

        if isinstance(self.condition, LoadVisible):
            return CdfRecordsTrigger(**wait | self.condition.newest(MAX_IN_TRIGGER))
        return CdfRecordsTrigger(
            filter=as_json(self.filter),
            min_count=int(self.min_count),
            last_updated_time=in_milliseconds(self.last_updated_time),
            **wait,
        )

    def execute_complete(self, context: Any, event: Any, started_at: float | None = None) -> Any:
        """Return what was waited for; of many loads, the trigger has waited for the newest probes alone."""
        if event["status"] == "holds" and self._is_too_much_for_a_trigger():
            self._started_at = started_at
            found = self.poke(context)  # which waits again for what is left
            if not found:
                self._time_out(f"Sensor has timed out; it has waited for its timeout of {self.timeout}.")
        return super().execute_complete(context, event, started_at)

    def _is_too_much_for_a_trigger(self) -> bool:
        if self.load is None:
            return False
        self.read_arguments()
        return isinstance(self.condition, LoadVisible) and not self.condition.fits(MAX_IN_TRIGGER)
