"""Interleaved rounds: every contender once a round, each in a fresh process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from types import MappingProxyType

from dev.benchmarks.contenders import Contender
from dev.benchmarks.data import WARM_UP, Files, files
from dev.benchmarks.facts import GZIP, PROJECT, ROOT, TOKEN, WORK

RUN = WORK / "run"
MEGABYTE = 1e6
LONGEST_REASON = 300  # characters


class ContenderError(Exception):
    """A contender that failed, and where its log is."""


@dataclass(frozen=True)
class Measured:
    """One load."""

    records: int
    seconds: float
    cpu: float
    peak: int  # bytes above what was held after the imports
    imported: int  # bytes held after the imports


@dataclass
class Result:
    """All loads of one contender, or why there are none."""

    contender: Contender
    records: int
    loads: list[Measured] = field(default_factory=list)
    error: str | None = None

    @property
    def rates(self) -> list[float]:
        """Records a second, of each load."""
        return [load.records / load.seconds for load in self.loads]

    @property
    def rate(self) -> float:
        return median(self.rates)

    @property
    def cpus(self) -> list[float]:
        """CPU seconds for a million records, user and system, of each load."""
        return [load.cpu / load.records * 1e6 for load in self.loads]

    @property
    def cpu(self) -> float:
        return median(self.cpus)

    @property
    def peak(self) -> float:
        """Megabytes above the imports."""
        return median(load.peak for load in self.loads) / MEGABYTE

    @property
    def highest_peak(self) -> float:
        """The same, of the load that took most."""
        return max(load.peak for load in self.loads) / MEGABYTE

    @property
    def microseconds(self) -> float:
        """Time for one record."""
        return median(load.seconds / load.records for load in self.loads) * 1e6


def run_rounds(
    sink: str,
    runs: Sequence[tuple[Contender, int]],
    rounds: int,
    repeated: float = 0.0,
    *,
    gzip: bool = False,
) -> list[Result]:
    """Measure contenders, each with so many records; one that fails is left out from then on.

    :param gzip: whether they pack what they send.
    """
    settings = {GZIP: "on" if gzip else "off"}
    results = [Result(contender, records) for contender, records in runs]
    data = {result.records: files(result.records, repeated) for result in results}
    warm_up = files(WARM_UP)
    for number in range(rounds):
        first = number % len(results)
        for result in (*results[first:], *results[:first]):
            if result.error:
                continue
            loaded = f"{result.contender.title}, {result.records:,} records{', gzip' * gzip}"
            label = f"round {number + 1}/{rounds}  {loaded}"
            try:
                measured = run_once(result.contender, data[result.records], warm_up, sink, settings=settings)
            except ContenderError as error:
                result.error = str(error)
                result.loads.clear()
                print(f"{label}: FAILED\n  {error}", file=sys.stderr)
            else:
                result.loads.append(measured)
                print(f"{label}: {measured.seconds:.2f} s", file=sys.stderr)
    return results


def run_once(
    contender: Contender,
    data: Files,
    warm_up: Files,
    sink: str,
    *,
    wrapper: Sequence[str] = (),
    settings: Mapping[str, str] = MappingProxyType({}),
) -> Measured:
    """Run one load in a process of its own.

    :param wrapper: a command to put before the process, such as a profiler's.
    :param settings: more environment variables for it.
    :raises ContenderError: with the last line that the process wrote.
    """
    RUN.mkdir(parents=True, exist_ok=True)
    result, log = RUN / "result.json", RUN / f"{contender.name}.log"
    result.unlink(missing_ok=True)
    worker = [sys.executable, "-m", "dev.benchmarks.worker", contender.name]
    command = [*wrapper, *worker, *map(str, (data.folder, warm_up.folder, sink, result))]
    with log.open("wb") as output:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment(sink) | dict(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode or not result.exists():
        msg = f"{reason(log)} (exit code {done.returncode}; log: {log.relative_to(ROOT)})"
        raise ContenderError(msg)
    measured = Measured(**json.loads(result.read_text()))
    expected = _count(data)
    if measured.records != expected:
        msg = f"It loaded {measured.records:,} of {expected:,} records."
        raise ContenderError(msg)
    return measured


def _count(data: Files) -> int:
    return int(data.folder.name.partition("-")[0])


def environment(sink: str) -> dict[str, str]:
    """Return what the operator needs, and neither the caller's Airflow nor proxies."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AIRFLOW") and not name.lower().endswith("_proxy")
    }
    connection = {"conn_type": "cdf", "host": sink, "schema": PROJECT, "extra": {"token": TOKEN}}
    return inherited | {
        "AIRFLOW_HOME": str(WORK / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_CDF_DEFAULT": json.dumps(connection),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(RUN),
    }


def reason(log: Path) -> str:
    """Return the exception that ended a process, from its log."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    raised = [at for at, line in enumerate(lines) if re.match(r"[\w.]+(Error|Exception|Interrupt)\b", line)]
    reason = " ".join(lines[raised[-1] :][:3]) if raised else (lines or ["It wrote nothing."])[-1]
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]} ..."
