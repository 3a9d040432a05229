"""The scenes of the demo, each a few lines of output, and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from dev.demo.checks import (
    check_event,
    check_mended,
    check_nothing_lost,
    check_rejected,
    check_waited,
    expect,
    rejected_lines,
)
from dev.demo.in_airflow import Airflow, Run
from dev.progress import Progress

STREAM, URI = "plant_pump_alarms", "cdf://westeurope-1/my-project/plant_pump_alarms"
DAG_ID, FOLLOWER = "cdf_pump_alarms", "cdf_pump_report"
ROWS, BAD_ROWS, MANY_ROWS = 12, 2, 20_000
MENDED = {'"high"': '"3"', '"81,5"': '"81.5"'}
FAULT_SEED, FAULT_RATE = 1, 0.3
DELAY = 3.0  # seconds until queries see a record
SHOWN_ROWS = 3


class Demo:
    """Shows the scenes one after the other.

    :param server: with a visibility delay of ``DELAY``.
    """

    def __init__(self, airflow: Airflow, server: LocalServer, progress: Progress) -> None:
        self.airflow, self.server, self.progress = airflow, server, progress
        self.say: Callable[[str], None] = progress.say
        self.folder = Path(os.environ["CDF_EXAMPLE_FOLDER"])
        self.loads = 0

    def play(self) -> None:
        """:raises NotAsShown: what came of it is not what is shown."""
        self.rejected_rows()
        self.wait(self.mended_rows())
        self.faults()
        self.event()

    def run(self, what: str, **conf: object) -> Run:
        with self.progress.doing(what):
            run = self.airflow.run(**conf)
        self.loads += 1
        return run

    def rejected_rows(self) -> None:
        self.say(
            f"\n1. A CSV file of {ROWS} alarms, {BAD_ROWS} of them wrong, becomes typed records by a mapping"
        )
        run = self.run(f"Running {DAG_ID}", rows=ROWS)
        lines = rejected_lines(self.folder / "pump_alarms.csv.rejected.ndjson")
        check_rejected(run.summary, lines, BAD_ROWS)
        self.say(f"   {run.line}")
        for line in lines:
            self.say(f"   Rejected: {line['where'].replace(f'{self.folder}{os.sep}', '')}: {line['message']}")

    def mended_rows(self) -> Run:
        self.say("\n2. The rejected rows are mended in their file, and loaded by the same DAG")
        mended = self.folder / "mended.ndjson"
        text = (self.folder / "pump_alarms.csv.rejected.ndjson").read_text(encoding="utf-8")
        for wrong, right in MENDED.items():
            expect(f":{wrong}," in text, f"no row to mend has {wrong}")
            text = text.replace(f":{wrong},", f":{right},")
        mended.write_text(text, encoding="utf-8")
        self.say("   " + ", ".join(f"{wrong} is now {right}" for wrong, right in MENDED.items()))
        run = self.run(f"Running {DAG_ID} with path={mended.name}", path=str(mended))
        check_mended(run.summary, BAD_ROWS)
        self.say(f"   {run.line}")
        self.show_stream()
        return run

    def show_stream(self) -> None:
        with CdfRecordsHook().get_conn() as cdf:
            count = cdf.count_records(STREAM)
            records = cdf.filter_records(STREAM, limit=SHOWN_ROWS)
        expect(count == ROWS, f"stream {STREAM} holds {count} records, not {ROWS}")
        self.say(f"   Stream {STREAM} holds {count} records, such as")
        for record in records:
            properties = next(iter(next(iter(record["properties"].values())).values()))
            self.say(f"     {json.dumps(properties)}")

    def wait(self, run: Run) -> None:
        self.say(
            f"\n3. Queries see records some time after CDF took them, here {DELAY:.0f} s; a sensor waits"
        )
        accepted, (looked, seen) = run.times["load"][0], run.times["wait_until_visible"]
        check_waited(accepted, seen, DELAY)
        self.say(f"   {accepted:%H:%M:%S}  load begins: {BAD_ROWS} records are taken")
        self.say(f"   {looked:%H:%M:%S}  wait_until_visible looks, and looks again each second")
        self.say(f"   {seen:%H:%M:%S}  wait_until_visible ends: queries see what this load wrote")

    def faults(self) -> None:
        self.say(f"\n4. {MANY_ROWS:,} rows, while {FAULT_RATE:.0%} of the requests that write fail")
        before = len(self.server.records(STREAM))
        with self.server.faults(FAULT_SEED, FAULT_RATE) as plan:
            run = self.run(f"Running {DAG_ID} with {MANY_ROWS:,} rows", rows=MANY_ROWS)
        faults = sum(plan.injected.values())
        stored = len(self.server.records(STREAM))
        check_nothing_lost(run.summary, faults, before, stored)
        named = ", ".join(f"{count} x {name}" for name, count in plan.injected.most_common())
        self.say(f"   {faults} faults: {named}")
        self.say(f"   {run.line}")
        more = run.summary["upserted"]
        self.say(f"   Nothing is lost: {before:,} records before, {more:,} upserted, {stored:,} now")

    def event(self) -> None:
        self.say("\n5. Each load is an event of the stream's asset, by which other DAGs start")
        events, due = self.airflow.events(), self.airflow.due()
        check_event(events, due, self.loads, URI, FOLLOWER)
        self.say(f"   {len(events)} events of {URI}, each with the summary of its load")
        self.say(f"   {FOLLOWER} (schedule=[ALARMS]) is due: a scheduler starts it, as `make demo-up` shows")
