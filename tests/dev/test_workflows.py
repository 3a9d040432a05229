"""The workflows call what is there, and try each Airflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dev.matrix import KINDS, LOWEST, LOWEST_ON, PYTHONS

ROOT = Path(__file__).parents[2]
WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")
}
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def commands() -> Iterator[str]:
    for workflow in WORKFLOWS.values():
        for job in workflow["jobs"].values():
            yield from (step["run"] for step in job["steps"] if "run" in step)


def sessions() -> list[dict[str, Any]]:
    included: list[dict[str, Any]] = WORKFLOWS["tests.yml"]["jobs"]["test"]["strategy"]["matrix"]["include"]
    return included


def test_each_target_that_a_workflow_makes_is_there() -> None:
    made = [target for command in commands() for target in re.findall(r"\bmake ([a-z-]+)", command)]
    assert {"matrix", "coverage", "demo", "demo-up", "docs-links", "check-dist"} <= set(made)
    assert set(made) <= TARGETS


def test_each_module_that_a_workflow_runs_is_there() -> None:
    run = [module for command in commands() for module in re.findall(r"-m (dev\.[\w.]+)", command)]
    assert run
    assert all((ROOT / f"{module.replace('.', '/')}.py").exists() for module in run)


def test_the_sessions_are_of_the_matrix_and_have_their_python() -> None:
    assert {"session": LOWEST, "python": LOWEST_ON[1]} in sessions()
    for each in sessions():
        if each["session"] == LOWEST:
            continue
        kind, airflow, python = each["session"].split("-")
        assert kind in KINDS
        assert each["python"] == python.removeprefix("py")
        assert each["python"] in PYTHONS[airflow]


def test_each_airflow_is_tried_and_the_oldest_and_newest_wholly() -> None:
    tried = [each["session"].split("-")[:2] for each in sessions() if each["session"] != LOWEST]
    assert {airflow for _, airflow in tried} == set(PYTHONS)
    oldest, *_, newest = PYTHONS
    assert {airflow for kind, airflow in tried if kind == "whole"} >= {oldest, newest}
