"""Streams as message queues."""

from __future__ import annotations

import pytest

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger

messaging = pytest.importorskip("airflow.providers.common.messaging.triggers.msg_queue")


def test_a_message_queue_of_the_scheme_is_the_trigger_for_changed_records() -> None:
    trigger = messaging.MessageQueueTrigger(scheme="cdf", stream_id="alarms", poll_interval=30.0)
    expected = CdfRecordsChangedTrigger(stream_id="alarms", poll_interval=30.0)
    assert trigger.serialize() == expected.serialize()


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="stream_id must be"):
        messaging.MessageQueueTrigger(scheme="cdf", stream_id="No stream").serialize()
