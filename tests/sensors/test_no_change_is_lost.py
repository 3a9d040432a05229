"""Whatever fails between any number of runs, a copy made of what they give is what the stream holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_cdf_records.client import CdfClient
from tests.local_cdf import LocalCdf, local_cdf
from tests.sample_records import CONTAINER, SPACE, a_record
from tests.sensors.changed_runs import Killed, Runs

NAMES = st.sampled_from("abcdefgh")
STEPS = st.one_of(
    st.tuples(st.just("upsert"), st.lists(NAMES, min_size=1, unique=True)),
    st.tuples(st.just("delete"), st.lists(NAMES, min_size=1, unique=True)),
    st.tuples(st.just("run"), st.integers(1, 5)),
    st.tuples(st.just("fail"), st.integers(0, 6)),  # at a step of the next run
    st.tuples(st.just("clear"), st.integers(1, 3)),  # a run so many before the last one
    st.tuples(st.just("beside"), st.integers(1, 5)),
)
_numbers = count()


@pytest.fixture(scope="module")
def one_cdf() -> Iterator[LocalCdf]:
    with pytest.MonkeyPatch.context() as patch, local_cdf(patch) as cdf:
        yield cdf


class Copy:
    """A copy of a stream by what the runs give, and the stream."""

    def __init__(self, client: CdfClient) -> None:
        self._client = client
        self.stream_id = f"s{next(_numbers)}"
        client.create_stream(self.stream_id, "BasicLiveData")
        self.runs = Runs(stream_id=self.stream_id)
        self.held: dict[str, Any] = {}
        self._fail_at: int | None = None
        self.runs.before_push = self._step

    def upsert(self, names: list[str]) -> None:
        records = [a_record(name, number=next(_numbers)) for name in names]
        self._client.upsert_records(self.stream_id, json.dumps({"items": records}).encode())

    def delete(self, names: list[str]) -> None:
        items = [{"space": SPACE, "externalId": name} for name in names]
        self._client.delete_records(self.stream_id, json.dumps({"items": items}).encode())

    def fail(self, steps: int) -> None:
        """Have the next run be killed at the so-manieth XCom that it pushes."""
        self._fail_at = steps

    def run(self, max_records: int) -> bool:
        """Run a new run, and try it again once when it is killed; return whether it gave something."""
        return self._run(f"run {next(_numbers)}", max_records)

    def clear(self, back: int) -> None:
        if len(self.runs.order) >= back:
            self._run(self.runs.order[-back], 3)

    def beside(self, max_records: int) -> None:
        """Run two runs, the second while the first one gives its changes."""

        def run_other() -> None:
            self.runs.before_push = self._step
            self.run(max_records)

        self.runs.before_push = run_other
        self.run(3)
        self.runs.before_push = self._step

    def _run(self, run_id: str, max_records: int) -> bool:
        try:
            changes = self.runs.run(run_id, max_records=max_records)
        except Killed:
            changes = self.runs.run(run_id, max_records=max_records)
        if changes is None:
            return False
        for record in changes["records"]:
            self.held[record["externalId"]] = record["sources"][0]["properties"]
        for record in changes["deleted_records"]:
            self.held.pop(record["externalId"], None)
        return True

    def _step(self) -> None:
        if self._fail_at == 0:
            self._fail_at = None
            raise Killed
        if self._fail_at is not None:
            self._fail_at -= 1


@settings(max_examples=40)
@given(st.lists(STEPS, max_size=15))
def test_a_copy_by_its_changes_is_the_stream(one_cdf: LocalCdf, steps: list[tuple[str, Any]]) -> None:
    copy = Copy(one_cdf.client)
    for step, argument in steps:
        getattr(copy, step)(argument)
    while copy.run(2):
        pass
    records: list[dict[str, Any]] = one_cdf.client.filter_records(
        copy.stream_id,
        limit=1000,
        sources=[
            {"source": {"type": "container", "space": SPACE, "externalId": CONTAINER}, "properties": ["*"]}
        ],
    )
    assert copy.held == {one["externalId"]: one["properties"][SPACE][CONTAINER] for one in records}
