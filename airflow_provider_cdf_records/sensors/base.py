"""The base class of the sensors."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_cdf_records.links.cdf_records import CdfProjectLink, links_of
from airflow_provider_cdf_records.records import argument_kinds as kinds
from airflow_provider_cdf_records.task_arguments.operator import Argument, ArgumentsOperator
from airflow_provider_cdf_records.version_compat import BaseSensorOperator, PokeReturnValue

if TYPE_CHECKING:
    from airflow_provider_cdf_records.client import CdfClient
    from airflow_provider_cdf_records.waiting import Condition

PATIENCE = (2.0, 15.0)  # seconds, at least and at most, for each of the two attempts of a poke


class CdfSensor(ArgumentsOperator, BaseSensorOperator):
    """Waits for a condition; keeps one client for all pokes of a process.

    A subclass makes the condition of its arguments.
    """

    own_arguments = {  # noqa: RUF012 (as Airflow has its own)
        "stream_id": Argument(kinds.stream_id, is_text=True),
        "cdf_conn_id": Argument(kinds.connection_id, is_text=True),
    }

    operator_extra_links = (CdfProjectLink(),)
    _has_links = False

    def __init__(self, *, stream_id: str, cdf_conn_id: str = "cdf_default", **kwargs: Any) -> None:
        self.stream_id = stream_id
        self.cdf_conn_id = cdf_conn_id
        super().__init__(**kwargs)

    def make_condition(self) -> Condition:
        """Return what is waited for; all arguments are read."""
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

    def _keep_links(self, context: Any) -> None:
        """Keep the links of the task, once a process."""
        if not self._has_links:
            self.push_outputs(context, links_of(self.client.base_url, self.client.project))
            self._has_links = True

    def poke(self, context: Any) -> PokeReturnValue:
        """Return whether the wait is over, and what it ends with.

        A failure that may pass, such as a CDF that cannot be reached, is one more reason to wait, until the
        sensor's timeout; others are raised as Airflow exceptions.
        """
        from airflow_provider_cdf_records.hooks.failures import airflow_failures  # noqa: PLC0415

        self.read_arguments()
        with airflow_failures():
            try:
                self._keep_links(context)
                found = self.condition.look(self.client)
            except Exception as error:
                if not getattr(error, "retryable", False):
                    raise
                self.log.warning("Not known yet: %s", error)
                return PokeReturnValue(False)
        self.log.info("%s", found.message)
        return PokeReturnValue(found.holds, found.value)
