"""The DAGs in the README and the documentation run as they stand there."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.version_compat import AIRFLOW_3, keeps_state_between_runs
from tests.dags.conftest import ROOT, airflow_on

DAG_FILES = re.compile(r"```python\n# dags/(\S+)\.py\n(.*?)```", re.DOTALL)
DEFINITIONS = re.compile(r"```yaml\n# cdf.yaml\n(.*?)```", re.DOTALL)
# The tutorial has a test of its own, which follows it from start to end.
PAGES = [ROOT / "README.md", *sorted(set((ROOT / "docs").glob("*.md")) - {ROOT / "docs/tutorial.md"})]
TEXTS = {name: text for page in PAGES for name, text in DAG_FILES.findall(page.read_text())}

# The names of the files, and of the DAG in each that is run, in this order.
RUNS = {
    "load_file": "load_file",
    "load_csv": "load_csv",
    "load_query": "load_query",
    "load_or_load_again": "load_or_load_again",
    "delete_closed": "delete_closed",
    "load_in_parts": "load_in_parts",
    "query_in_ranges": "query_in_ranges",
    "alarms_as_asset": "load_alarms",
    "alarms_of_function": "alarms_of_function",
    "load_and_wait": "load_and_wait",
    "copy_changes": "copy_changes",
}
OF_AIRFLOW_3_3 = {"production_alarms": "production_alarms"}
# Without an event that starts them; ``triggers/test_watching_in_airflow.py`` has some come.
OF_AIRFLOW_3 = {"on_changed_alarms": "on_changed_alarms", "on_message": "on_message"}

OF_TUTORIAL = {"alarms_to_cdf"}  # which ``test_tutorial.py`` follows step by step

# What Airflow 2 wants of a DAG with a schedule.
START_DATE = "start_date=__import__('datetime').datetime(2026, 1, 1)"

RUN_ALL = dedent(
    """\
    import importlib, json, sys

    states = {}
    for name, dag in json.loads(sys.argv[1]).items():
        conf = json.loads(sys.argv[2]).get(name)
        print("RUN " + name, flush=True)
        states[name] = str(getattr(importlib.import_module(name), dag)().test(run_conf=conf).state)
    print("STATES " + json.dumps(states))
    """
)
ROW = (
    '{"space": "plant", "externalId": "a-1", "sources": [{"source": {"type": "container", "space": "plant", '
    '"externalId": "Alarm"}, "properties": {"severity": "high"}}]}'
)
REJECTED = (
    '{"position": 1, "where": "line 1", "space": "plant", "externalId": "a-1", "status": 400, '
    f'"message": "", "requestId": null, "time": "2026-01-02T03:04:05Z", "record": {ROW}'
    "}"
)
FILES = {
    "alarms.ndjson": [ROW],
    "alarms.csv": [
        "tag;time;level;reading",
        "P-7;2026-01-02T03:04:05Z;high;12.5",
        "P-8;2026-01-02T03:05:00Z;;n/a",
    ],
    "rejected-alarms.ndjson": [
        REJECTED.replace("a-1", "mended"),
        REJECTED.replace("a-1", "closed").replace('"high"', '"closed"'),
    ],
}


def test_every_dag_of_a_page_is_run() -> None:
    assert TEXTS.keys() - OF_TUTORIAL == RUNS.keys() | OF_AIRFLOW_3_3.keys() | OF_AIRFLOW_3.keys()


def test_the_dags_of_the_pages_load_what_they_say(
    empty_cdf: LocalServer, airflow_home: Path, tmp_path: Path
) -> None:
    runs = dict(RUNS)
    if AIRFLOW_3:
        runs |= OF_AIRFLOW_3
    if keeps_state_between_runs():
        runs |= OF_AIRFLOW_3_3
    (definitions,) = [text for page in PAGES for text in DEFINITIONS.findall(page.read_text())]
    (tmp_path / "cdf.yaml").write_text(definitions.replace("[alarms]", "[alarms, copy]"))
    empty_cdf.load(tmp_path / "cdf.yaml")
    for name, lines in FILES.items():
        (tmp_path / name).write_text("\n".join(lines))
    with sqlite3.connect(tmp_path / "historian.sqlite") as database:
        database.execute("CREATE TABLE alarm (id TEXT, time TIMESTAMP, severity TEXT)")
        rows = [(f"q-{n}", f"2026-01-02 03:00:0{n}", "low") for n in range(10)]
        database.executemany("INSERT INTO alarm VALUES (?, ?, ?)", rows)
    historian = {"conn_type": "sqlite", "host": str(tmp_path / "historian.sqlite")}
    folder = tmp_path / "dags"
    folder.mkdir()
    for name in runs:
        text = TEXTS[name].replace('"/tmp/', f'"{tmp_path}/')
        if not AIRFLOW_3:
            text = text.replace("from airflow.sdk import", "from airflow.decorators import")
            text = text.replace("@dag(", f"@dag({START_DATE}, ")
        (folder / f"{name}.py").write_text(text)
    airflow = airflow_on(folder, airflow_home, tmp_path)
    airflow.learn_assets()
    conf = {"load_or_load_again": {"path": str(tmp_path / "rejected-alarms.ndjson")}}
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(runs), json.dumps(conf)],
        env=os.environ
        | airflow.settings
        | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "AIRFLOW_CONN_HISTORIAN": json.dumps(historian)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    states = re.findall(r"^STATES (.*)$", done.stdout, re.MULTILINE)
    assert states, done.stdout[-5000:]
    failed = [name for name, state in json.loads(states[0]).items() if state != "success"]
    logs = dict(log.partition("\n")[::2] for log in f"\n{done.stdout}".split("\nRUN ")[1:])
    assert not failed, "".join(logs[name] for name in failed)
    expected = {"a-1"} | {f"pump-{n}" for n in range(100)} | {f"north-{n}" for n in range(10_000)}
    expected |= {f"q-{n}" for n in range(10)}
    expected |= {f"q-{n}/2026-01-02 03:00:0{n}" for n in range(5, 10)}
    expected |= {"P-7/2026-01-02T03:04:05Z", "P-8/2026-01-02T03:05:00Z", "mended"}
    for stream_id in ("alarms", "copy"):
        records = CdfRecordsHook().query_records(stream_id)
        assert {record["externalId"] for record in records} == expected
