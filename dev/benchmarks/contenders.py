"""The contenders: each loads a file into the sink as its users would, and returns the number of records."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from dev.benchmarks.data import Files
from dev.benchmarks.facts import (
    BATCH,
    CONCURRENCY,
    GZIP,
    MAPPING,
    PROJECT,
    STREAM,
    TOKEN,
    UPSERT_PATH,
    WORK,
)

HEADERS = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}

Load = Callable[[Path, str], int]


@dataclass(frozen=True)
class Contender:
    """Something that loads a file.

    :param load: called with the file and the address of the sink.
    :param file: which of the files it loads.
    """

    name: str
    title: str
    load: Load
    file: Callable[[Files], Path]
    ours: bool = False


class StateStore:
    """The store for values between a task's tries, as Airflow 3.3 has it, in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def get(self, key: str) -> Any:
        kept = self._kept.get(key)
        return None if kept is None else json.loads(kept)

    def set(self, key: str, value: Any) -> None:
        self._kept[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self._kept.pop(key, None)


def ours(path: Path, _sink: str) -> int:
    """The operator with all its promises; the connection to the sink comes from the environment."""
    return _operator(path)


def ours_mapped(path: Path, _sink: str) -> int:
    """The same for flat rows."""
    return _operator(path, mapping=MAPPING)


def packs() -> bool:
    """Return whether this process packs what it sends."""
    return os.environ.get(GZIP) == "on"


def _operator(path: Path, **more: Any) -> int:
    from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

    if packs():
        _connect_as_to_another_machine()
    operator = CdfRecordsUpsertOperator(
        task_id="load",
        stream_id=STREAM,
        path=str(path),
        rejected_path=str(WORK / "run" / "rejected.ndjson"),
        max_concurrency=CONCURRENCY,
        **more,
    )
    summary = operator.execute({"task_state_store": StateStore()})
    return int(summary["upserted"] + summary["superseded"])


def _connect_as_to_another_machine() -> None:
    """Have connections to the sink pack, and look at the environment's proxies, as those to a real CDF do."""
    from airflow_provider_cdf_records.hooks import base, connection

    base.client_config = lambda conn, **more: replace(  # type: ignore[attr-defined]
        connection.client_config(conn, **more), gzip=True, environment=True
    )


def official_sdk(path: Path, sink: str) -> int:
    """``records.upsert`` of the official SDK, which takes all records at once."""
    from cognite.client import ClientConfig, CogniteClient, global_config
    from cognite.client.credentials import Token
    from cognite.client.data_classes.data_modeling.records import RecordWrite

    global_config.disable_gzip = not packs()
    global_config.disable_pypi_version_check = True
    global_config.silence_feature_preview_warnings = True
    client = CogniteClient(
        ClientConfig(client_name="benchmark", project=PROJECT, base_url=sink, credentials=Token(TOKEN))
    )
    with path.open("rb") as lines:
        records = [RecordWrite.load(json.loads(line)) for line in lines]
    client.data_modeling.records.upsert(records, stream_id=STREAM)
    return len(records)


def usual_script(path: Path, sink: str) -> int:
    """The script that one writes in five minutes, which packs nothing in any table."""
    import requests

    count = 0
    with path.open("rb") as lines:
        while items := [json.loads(line) for line in islice(lines, BATCH)]:
            requests.post(
                f"{sink}{UPSERT_PATH}", json={"items": items}, headers=HEADERS, timeout=60
            ).raise_for_status()
            count += len(items)
    return count


def ceiling(path: Path, sink: str) -> int:
    """Read lines and send them, with the libraries of the operator and as many connections."""
    import requests

    from airflow_provider_cdf_records.client.packing import pack

    headers = HEADERS | {"Content-Encoding": "gzip"} if packs() else HEADERS
    url = f"{sink}{UPSERT_PATH}"
    free = BoundedSemaphore(CONCURRENCY)
    session = requests.Session()

    def send(body: bytes) -> None:
        try:
            packed = pack(body) if packs() else body
            session.post(url, data=packed, headers=headers, timeout=60).raise_for_status()
        finally:
            free.release()

    count = 0
    sent = []
    with path.open("rb") as lines, session, ThreadPoolExecutor(CONCURRENCY) as senders:
        while batch := list(islice(lines, BATCH)):
            free.acquire()
            sent.append(senders.submit(send, b'{"items":[' + b",".join(batch) + b"]}"))
            count += len(batch)
    for request in sent:
        request.result()
    return count


CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("a", "(a) ours, API-shaped NDJSON", ours, lambda data: data.api, ours=True),
        Contender("b-ndjson", "(b) ours, flat NDJSON", ours_mapped, lambda data: data.flat, ours=True),
        Contender("b-csv", "(b) ours, CSV", ours_mapped, lambda data: data.csv, ours=True),
        Contender("b-parquet", "(b) ours, Parquet", ours_mapped, lambda data: data.parquet, ours=True),
        Contender("c", "(c) official SDK", official_sdk, lambda data: data.api),
        Contender("d", "(d) usual script", usual_script, lambda data: data.api),
        Contender("e", "(e) ceiling: unparsed", ceiling, lambda data: data.api),
    )
}
