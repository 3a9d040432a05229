"""The table of tested versions, and what it is made of."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from packaging.version import Version

from dev.matrix import (
    BEGIN,
    END,
    LOWEST,
    PAGE,
    PYTHONS,
    REQUIREMENTS,
    ROOT,
    Run,
    keep,
    lowest_requirements,
    read_run,
    runs,
    with_tables,
)

REPORT = """<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1">
</testsuite></testsuites>"""
DAY = "2026-11-26"


def test_the_page_shows_the_results_that_are_kept() -> None:
    page = PAGE.read_text()
    assert with_tables(page, runs()) == page


def test_the_page_and_the_package_name_the_same_pythons() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    named = re.findall(r"Python :: (3\.\d+)", project)
    assert named
    page = PAGE.read_text()
    assert f"| Python | {', '.join(named)}, where" in page
    lowest, above = re.findall(r'requires-python = ">=(3\.\d+),<(3\.\d+)"', project)[0]
    assert lowest == named[0]
    assert above == f"3.{int(named[-1].partition('.')[2]) + 1}"
    assert set(named) <= {python for each in PYTHONS.values() for python in each}


def test_the_page_names_each_airflow_and_its_pinned_requirements_are_there() -> None:
    *_, airflow = (line for line in PAGE.read_text().splitlines() if line.startswith("| Airflow | 2.11 and"))
    for version in PYTHONS:
        assert version in airflow
        requirements = (ROOT / REQUIREMENTS[version]).read_text()
        assert re.findall(r"(?m)^apache-airflow==(\d+\.\d+)", requirements) == [version]
    assert list(REQUIREMENTS) == [*PYTHONS, LOWEST]


@pytest.mark.parametrize("requirements", [*REQUIREMENTS.values(), "dev/requirements-servers.txt"])
def test_what_builds_and_tests_the_package_is_pinned_for_each_airflow(requirements: str) -> None:
    project = (ROOT / "pyproject.toml").read_text()
    build = re.findall(r"(?m)^requires = \[(.*)\]$", project)
    dev = re.findall(r"(?ms)^dev = \[\n(.*?)^\]$", project)
    needed = {name.lower() for text in (*build, *dev) for name in re.findall(r'"([\w-]+)', text)}
    assert {"hatchling", "pytest"} <= needed
    pinned = re.findall(r"(?m)^([\w-]+)==", (ROOT / requirements).read_text())
    assert not needed - set(pinned), "`make lock` adds them"


def test_a_cell_says_what_was_run_and_whether_it_passed() -> None:
    results = [
        Run("3.3.2", "3.11.7", "whole", 9, 0, 1, DAY),
        Run("3.3.2", "3.11.7", "airflow", 4, 0, 1, DAY),
        Run("3.0.6", "3.12.1", "airflow", 4, 2, 1, DAY),
    ]
    lines = with_tables(f"before\n{BEGIN}\nold\n{END}\nafter", results).splitlines()
    rows = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("| ")}
    assert "old" not in lines
    assert (lines[0], lines[-1]) == ("before", "after")
    assert rows["3.3"] == "| 3.3 | not run | all tests pass | not run | not run | not run |"
    assert rows["3.0"] == "| 3.0 | not run | not run | Airflow's tests: 2 failed | - | - |"
    assert rows["3.0.6"] == f"| 3.0.6 | 3.12.1 | airflow | 4 | 2 | 1 | {DAY} |"


def test_errors_count_as_failed_and_a_run_replaces_the_one_before(tmp_path: Path) -> None:
    report, file, page = tmp_path / "report.xml", tmp_path / "versions.json", tmp_path / "versions.md"
    report.write_text(REPORT)
    page.write_text(f"{BEGIN}\n{END}\n")
    keep(Run("3.0.1", "3.12.0", "airflow", 1, 0, 0, DAY), file, page)
    run = read_run(report, "3.0.6", "3.12.1", "airflow")
    assert (run.passed, run.failed, run.skipped) == (4, 3, 3)
    keep(run, file, page)
    assert runs(file) == [run]
    assert "3 failed" in page.read_text()


def test_processes_that_keep_results_at_once_lose_none(tmp_path: Path) -> None:
    file, page = tmp_path / "versions.json", tmp_path / "versions.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    cells = [(airflow, python) for airflow, pythons in PYTHONS.items() for python in pythons]
    threads = [
        threading.Thread(
            target=keep, args=(Run(f"{airflow}.0", f"{python}.0", "airflow", 1, 0, 0, DAY), file, page)
        )
        for airflow, python in cells
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.cell for run in runs(file)) == sorted(cells)


@pytest.mark.parametrize("airflow", PYTHONS)
def test_a_cell_that_was_never_run_says_so(airflow: str) -> None:
    row = next(
        line for line in with_tables(f"{BEGIN}{END}", []).splitlines() if line.startswith(f"| {airflow} ")
    )
    assert row.count("not run") == len(PYTHONS[airflow])


def test_the_lowest_of_each_dependency_is_pinned() -> None:
    pins = dict(pin.split("==") for pin in lowest_requirements((ROOT / "pyproject.toml").read_text()))
    assert {"apache-airflow", "requests", "tenacity", "msgspec", "isal"} <= set(pins)  # dependencies
    assert {"starlette", "uvicorn", "pyarrow", "zstandard"} <= set(pins)  # and extras
    assert not {"hatchling", "pytest", "apache-airflow-providers-microsoft-azure"} & set(pins)
    assert pins["apache-airflow"].startswith("2.11")
    requirements = (ROOT / REQUIREMENTS[LOWEST]).read_text()
    for name, version in pins.items():
        pinned = re.findall(rf"(?m)^{name}==([\w.]+)", requirements)
        assert list(map(Version, pinned)) == [Version(version)], f"`make lock` pins {name}"
