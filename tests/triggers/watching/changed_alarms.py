"""A DAG that changed records start."""

from __future__ import annotations

from airflow.sdk import Asset, AssetWatcher, dag, task

from airflow_provider_cdf_records.triggers.cdf_records import CdfRecordsChangedTrigger

changed = CdfRecordsChangedTrigger(stream_id="alarms", poll_interval=1.0, max_identities=5000)
alarms = Asset("changed_alarms", watchers=[AssetWatcher(name="changed", trigger=changed)])


@dag(schedule=[alarms], catchup=False, max_active_runs=2)
def on_changed_alarms():
    @task
    def look(triggering_asset_events=None):
        events = [event for found in triggering_asset_events.values() for event in found]
        return sum(event.extra["payload"]["created"] for event in events)

    look()


on_changed_alarms()
