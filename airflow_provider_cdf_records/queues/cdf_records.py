"""Changes of a stream as a message queue: ``MessageQueueTrigger(scheme="cdf", stream_id="alarms")``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.messaging.providers.base_provider import BaseMessageQueueProvider

if TYPE_CHECKING:
    from airflow.triggers.base import BaseEventTrigger


class CdfMessageQueueProvider(BaseMessageQueueProvider):
    """Makes a :class:`.CdfRecordsChangedTrigger` of a message queue of the scheme ``cdf``.

    .. code-block:: python

        trigger = MessageQueueTrigger(scheme="cdf", stream_id="alarms", poll_interval=30)
        alarms = Asset("alarms", watchers=[AssetWatcher(name="changed", trigger=trigger)])
    """

    scheme = "cdf"

    def trigger_class(self) -> type[BaseEventTrigger]:
        """Return the trigger, which takes the arguments beside the scheme."""
        from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger  # noqa: PLC0415

        return CdfRecordsChangedTrigger

    def queue_matches(self, queue: str) -> bool:  # noqa: ARG002
        """Take no URI, which says less than arguments; older versions of the base want an answer."""
        return False

    def trigger_kwargs(self, queue: str, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return nothing: there is no URI."""
        return {}
