"""Changes of a stream as a message queue: ``MessageQueueTrigger(scheme="cdf", stream_id="alarms")``."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
