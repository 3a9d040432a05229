"""The base class of the sensors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.links.cdf_records import CdfProjectLink, links_of
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.task_arguments.operator import Argument, ArgumentsOperator
from airflow_provider_cdf_records.version_compat import (
    AIRFLOW_3,
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
)

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.triggers.base import CdfTrigger
    from airflow_provider_cdf_records.waiting import Condition, Finding

PATIENCE = (2.0, 15.0)  # seconds, at least and at most, for each of the two attempts of a poke
# Seconds within which Airflow has noted that a task waits, since its supervisor looks every five. A trigger
# that fires before has the task queued while the executor still holds it, and the scheduler fails the task.
NOTED_WITHIN = 7.0
GRACE = 300.0  # seconds after the last look, until which a triggerer that was down may end the wait


class CdfSensor(ArgumentsOperator, BaseSensorOperator):
    """Waits for a condition; keeps one client for all pokes of a process.

    A subclass makes the condition, and the trigger that waits for the same, of its arguments.

    :param deferrable: look once, and then wait in the triggerer, without a worker; by default what Airflow's
        configuration says (``[operators] default_deferrable``).
    """

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "stream_id": Argument(kinds.stream_id, is_text=True),
        "cdf_conn_id": Argument(kinds.connection_id, is_text=True),
        "deferrable": Argument(kinds.optional(kinds.flag)),
    }

    operator_extra_links = (CdfProjectLink(),)
    kept_links: Mapping[str, str] | None = None  # of the task that runs

    def __init__(
        self,
        *,
        stream_id: str,
        cdf_conn_id: str = "cdf_default",
        deferrable: bool | str | None = None,
        **kwargs: Any,
    ) -> None:
        self.stream_id = stream_id
        self.cdf_conn_id = cdf_conn_id
        self.deferrable = _default_deferrable() if deferrable is None else deferrable
        self._started_at: float | None = None
        super().__init__(**kwargs)

    def make_condition(self) -> Condition:
        """Return what is waited for; all arguments are read."""
        raise NotImplementedError

    def make_trigger(self, **wait: Any) -> CdfTrigger:
        """Return what waits for the same in the triggerer; all arguments are read.

        :param wait: the arguments that all triggers share.
        """
        raise NotImplementedError

    @cached_property
    def condition(self) -> Condition:
        """What is waited for, with what it has seen in this process."""
        return self.make_condition()

    @cached_property
    def client(self) -> CdfClient:
        """The client of the connection."""
        from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook  # noqa: PLC0415

        least, most = PATIENCE
        patience = min(max(self.timeout / 2, least), most)
        return CdfRecordsHook(self.cdf_conn_id, max_concurrency=1).get_conn(patience=patience)

    def pre_execute(self, context: Any) -> None:
        """Note when the task starts to wait; only a task can wait in the triggerer.

        Not in ``execute``, which Airflow 2 does not want to be called by one of a subclass.
        """
        super().pre_execute(context)
        self._started_at = time.time()

    def _look(self, context: Any) -> Finding:
        """Look once; that the connection cannot be looked up now is one more reason to wait, too."""
        condition = self.condition  # first: what makes no sense is said without a connection
        self._keep_links(context)
        return condition.look(self.client)

    def _keep_links(self, context: Any) -> None:
        """Keep the links of the task, once a process."""
        if self.kept_links is None:
            self.kept_links = links_of(self.client.base_url, self.client.project)
            if not AIRFLOW_3:
                self.push_outputs(context, self.kept_links)

    def poke(self, context: Any) -> PokeReturnValue:
        """Return whether the wait is over, and what it ends with.

        A failure that may pass, such as a CDF that cannot be reached, is one more reason to wait, until the
        sensor's timeout; others are raised as Airflow exceptions.
        """
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415
        from airflow_provider_cdf_records.waiting.looking import look_once  # noqa: PLC0415

        self.read_arguments()
        started_at = self._started_at if self.deferrable else None
        with airflow_failures():
            try:
                found = look_once(lambda: self._look(context), self.log)
            except Exception as error:
                if self.silent_fail and started_at is not None and not hasattr(error, "retryable"):
                    self.log.exception("The look failed:")
                    self._defer(started_at)
                raise
        if started_at is not None and not found.holds:
            self._defer(started_at)
        return PokeReturnValue(found.holds, found.value)

    def _defer(self, started_at: float) -> None:
        """Have a trigger wait for the rest of the time, unless there is none left."""
        deadline = started_at + self.timeout
        left = deadline - time.time()
        if left < 0:
            return
        longest = self.poke_interval if self.max_wait is None else self.max_wait.total_seconds()
        trigger = self.make_trigger(
            stream_id=self.stream_id,
            cdf_conn_id=self.cdf_conn_id,
            poke_interval=float(self.poke_interval),
            started_at=started_at,
            not_before=time.time() + NOTED_WITHIN,
            deadline=deadline,
            exponential_backoff=self.exponential_backoff,
            max_wait=None if self.max_wait is None else self.max_wait.total_seconds(),
            silent_fail=self.silent_fail,
        )
        self.defer(
            trigger=trigger,
            method_name="execute_complete",
            kwargs={"started_at": started_at, "links": self.kept_links},
            timeout=timedelta(seconds=left + longest + GRACE),
        )

    def execute_complete(self, context: Any, event: Any, started_at: float | None = None) -> Any:  # noqa: ARG002
        """Return what the trigger's wait ended with, or fail as a sensor does that pokes.

        :param started_at: when the task started to wait.
        """
        status = event["status"]
        if status == "holds":
            self.log.info("Success criteria met. Exiting.")
            return event.get("value")
        if status == "timed_out":
            self._time_out(
                f"Sensor has timed out; run duration of {event['seconds']} seconds exceeds "
                f"the specified timeout of {self.timeout}."
            )
        if event["retryable"]:
            if self.never_fail:
                raise AirflowSkipException("Skipping due to never_fail is set to True.")
            raise AirflowException(event["message"])
        if self.soft_fail or self.never_fail:
            name = "soft_fail" if self.soft_fail else "never_fail"
            self.log.warning("%s", event["message"])
            raise AirflowSkipException(f"Skipping due to {name} is set to True.")
        raise AirflowFailException(event["message"])

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after the deferral, and end as a sensor does that pokes.

        Airflow's own way differs: ``soft_fail`` skips whatever fails, and ``never_fail`` what times out.
        """
        given = dict(next_kwargs or {})
        self.kept_links = given.pop("links", None)
        if next_method == "execute_complete":
            return self.execute_complete(context, **given)
        if next_method == "__fail__" and "timeout" in str(given.get("error")) and not self._can_end_early:
            self._time_out(
                "Sensor has timed out; no triggerer has ended the wait within "
                f"the specified timeout of {self.timeout}. See whether one runs."
            )
        return super().resume_execution(next_method, next_kwargs, context)

    @property
    def _can_end_early(self) -> bool:
        """Whether Airflow ends a deferral before the sensor's timeout, by ``execution_timeout``."""
        limit = self.execution_timeout
        return not AIRFLOW_3 and limit is not None and limit.total_seconds() < self.timeout

    def _time_out(self, message: str) -> None:
        raise (AirflowSkipException if self.soft_fail else AirflowSensorTimeout)(message)


def _default_deferrable() -> bool:
    from airflow.configuration import conf  # noqa: PLC0415 (older Airflows have loaded it by now)

    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))
