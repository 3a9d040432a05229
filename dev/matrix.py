"""Which versions of Airflow and Python the tests ran on, and the tables of ``docs/versions.md`` that say so.

``noxfile.py`` runs them. What a run ended with is kept in ``docs/versions.json``.
"""

from __future__ import annotations

import fcntl
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "versions.json"
PAGE = ROOT / "docs" / "versions.md"
BEGIN, END = "<!-- begin: written by make matrix -->", "<!-- end -->"

# The lowest of what pyproject.toml allows.
LOWEST = "lowest"
# From `Requires-Python` and the classifiers of each Airflow; its pinned requirements are made by `make lock`.
PYTHONS = {
    "2.11": ("3.10", "3.11", "3.12"),
    "3.0": ("3.10", "3.11", "3.12"),
    "3.1": ("3.10", "3.11", "3.12", "3.13"),
    "3.2": ("3.10", "3.11", "3.12", "3.13", "3.14"),
    "3.3": ("3.10", "3.11", "3.12", "3.13", "3.14"),
}
REQUIREMENTS = {
    "2.11": "dev/requirements-airflow-2.txt",
    "3.0": "dev/requirements-airflow-3.0.txt",
    "3.1": "dev/requirements-airflow-3.1.txt",
    "3.2": "dev/requirements-airflow-3.2.txt",
    "3.3": "requirements-dev.txt",
    LOWEST: "dev/requirements-lowest.txt",
}

# Tests of what touches Airflow. The others depend on Python's version alone.
AIRFLOW_TESTS = (
    "tests/assets",
    "tests/commands",
    "tests/dags",
    "tests/decorators",
    "tests/hooks",
    "tests/lineage",
    "tests/links",
    "tests/operators",
    "tests/queues",
    "tests/retry_policies",
    "tests/sensors",
    "tests/test_provider_info.py",
    "tests/triggers",
)
KINDS = {"whole": ("tests",), "airflow": AIRFLOW_TESTS}
# Where they are tested, and the tests of what uses these packages.
LOWEST_ON = ("2.11", "3.10")
LOWEST_TESTS = (
    *("tests/assets", "tests/client", "tests/decorators", "tests/links", "tests/load", "tests/mapping"),
    *("tests/local_server", "tests/operators", "tests/records", "tests/sensors", "tests/sources"),
)
NOT_ON_LOWEST = {"apache-airflow-providers-microsoft-azure", "apache-airflow-providers-common-messaging"}
MOST = (*KINDS, LOWEST)  # the kind that says most comes first


def lowest_requirements(project: str) -> list[str]:
    """Return the lowest version of each dependency, those of the extras among them, as pins.

    The extras ``azure`` and ``messaging`` are left out: the first asks for more of the others than this
    package does, and the second for Airflow 3.

    :param project: the text of ``pyproject.toml``.
    """
    _, _, below = project.partition("\ndependencies = [")
    bounds = re.findall(r'"([\w-]+)(?:\[\w+\])?>=([\w.]+)', below.partition("[dependency-groups]")[0])
    return [f"{name}=={version}" for name, version in bounds if name not in NOT_ON_LOWEST]


@dataclass(frozen=True)
class Run:
    """How the tests of one kind ended on one Airflow and one Python.

    :param airflow: its exact version, as that of ``python``.
    :param date: the day, in UTC.
    """

    airflow: str
    python: str
    kind: str
    passed: int
    failed: int
    skipped: int
    date: str

    @property
    def cell(self) -> tuple[str, str]:
        """The minor versions of Airflow and Python."""
        airflow, python = (".".join(version.split(".")[:2]) for version in (self.airflow, self.python))
        return airflow, python


def runs(file: Path = RESULTS) -> list[Run]:
    """Return the last run of each kind on each Airflow and Python."""
    return [Run(**run) for run in json.loads(file.read_text())] if file.exists() else []


def keep(run: Run, file: Path = RESULTS, page: Path = PAGE) -> None:
    """Keep a run instead of the one before, and write the page anew. Several processes may do so."""
    with page.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = [old for old in runs(file) if (old.cell, old.kind) != (run.cell, run.kind)]
        kept = sorted([*kept, run], key=_order)
        lines = ",\n".join("  " + json.dumps(asdict(one)) for one in kept)
        file.write_text(f"[\n{lines}\n]\n")
        page.write_text(with_tables(page.read_text(), kept))


def _order(run: Run) -> tuple[list[int], list[int], int]:
    airflow, python = ([int(part) for part in version.split(".")] for version in run.cell)
    return [-part for part in airflow], python, MOST.index(run.kind)


def read_run(report: Path, airflow: str, python: str, kind: str) -> Run:
    """Return the run that pytest reported as JUnit's XML."""
    suites = ET.parse(report).getroot().iter("testsuite")  # noqa: S314 (pytest has written it)
    total, failed, skipped = 0, 0, 0
    for suite in suites:
        total += int(suite.get("tests", 0))
        failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped += int(suite.get("skipped", 0))
    today = datetime.now(timezone.utc).date().isoformat()
    return Run(airflow, python, kind, total - failed - skipped, failed, skipped, today)


def with_tables(page: str, results: list[Run]) -> str:
    """Return the page with the tables of these results."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_grid(results)}\n\n{_details(results)}\n\n{END}{after}"


def _grid(results: list[Run]) -> str:
    pythons = sorted({python for each in PYTHONS.values() for python in each}, key=lambda name: int(name[2:]))
    lines = [
        f"| Airflow | {' | '.join(f'Python {python}' for python in pythons)} |",
        "|---" * (len(pythons) + 1) + "|",
    ]
    for airflow in sorted(PYTHONS, key=lambda name: [int(part) for part in name.split(".")], reverse=True):
        cells = [_cell(airflow, python, results) for python in pythons]
        lines.append(f"| {airflow} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(airflow: str, python: str, results: list[Run]) -> str:
    if python not in PYTHONS[airflow]:
        return "-"
    found = {run.kind: run for run in results if run.cell == (airflow, python)}
    for kind, words in (("whole", "all tests"), ("airflow", "Airflow's tests")):
        if kind in found:
            run = found[kind]
            return f"{words}: {run.failed} failed" if run.failed else f"{words} pass"
    return "not run"


def _details(results: list[Run]) -> str:
    lines = ["| Airflow | Python | tests | passed | failed | skipped | on |", "|---|---|---|--:|--:|--:|---|"]
    for run in results:
        numbers = f"{run.passed} | {run.failed} | {run.skipped}"
        lines.append(f"| {run.airflow} | {run.python} | {run.kind} | {numbers} | {run.date} |")
    return "\n".join(lines)


if __name__ == "__main__":  # for `make lock`
    print(*lowest_requirements((ROOT / "pyproject.toml").read_text()), sep="\n")
