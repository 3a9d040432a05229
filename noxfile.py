"""The tests on each Airflow and Python: ``make matrix``. ``nox --list`` names the sessions."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import nox

from dev.matrix import (
    KINDS,
    LOWEST,
    LOWEST_ON,
    LOWEST_TESTS,
    PYTHONS,
    REQUIREMENTS,
    keep,
    read_run,
)

nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = (
    "CI" in os.environ
)  # elsewhere the cell of the table says "not run"
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"
# pyenv keeps each Python in a folder of its own, and its shims find only those that are switched on.
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
os.environ["PATH"] = os.pathsep.join([*map(str, PYENV.glob("versions/3.*/bin")), os.environ["PATH"]])

NEWEST = list(PYTHONS)[-1]
# The tests that touch no Airflow depend on Python's version alone.
nox.options.sessions = [
    f"{'whole' if airflow == NEWEST else 'airflow'}-{airflow}-py{python}"
    for airflow, pythons in PYTHONS.items()
    for python in pythons
] + [LOWEST]
VERSIONS = "import airflow, platform; print(airflow.__version__, platform.python_version())"
# Those that need databases and storages have an environment of their own: `make test-servers`.
SERVER_TESTS = ("tests/servers", *sorted(map(str, Path("tests/hooks/sql").glob("test_postgres*.py"))))
SERVER_TESTS += ("tests/hooks/sql/test_memory.py",)


def _session(airflow: str, python: str, kind: str, tests: tuple[str, ...]) -> Callable[[nox.Session], None]:
    def run(session: nox.Session) -> None:
        session.install("-r", REQUIREMENTS[LOWEST if kind == LOWEST else airflow])
        session.install("--no-deps", "--no-build-isolation", "--editable", ".")
        printed = str(session.run("python", "-c", VERSIONS, silent=True))
        versions = printed.strip().splitlines()[-1].split()
        report = Path(session.create_tmp()) / "report.xml"
        processes = os.environ.get("TEST_PROCESSES", "2")
        left_out = [f"--ignore={path}" for path in SERVER_TESTS]
        passed = session.run(
            *("python", "-m", "pytest", "--numprocesses", processes, "--dist", "loadgroup"),
            *(f"--junitxml={report}", *left_out, *(session.posargs or tests)),
            success_codes=[0, 1],  # failed tests are in the table too
        )
        result = read_run(report, *versions, kind)
        if not session.posargs:
            keep(result)
        if not passed or result.failed:
            session.error(f"{result.failed} tests failed")

    run.__doc__ = f"{kind} on Airflow {airflow}, Python {python}"
    return run


for airflow, pythons in PYTHONS.items():
    for python in pythons:
        for kind, tests in KINDS.items():
            name = f"{kind}-{airflow}-py{python}"
            nox.session(_session(airflow, python, kind, tests), name=name, python=python)

airflow, python = LOWEST_ON
nox.session(_session(airflow, python, LOWEST, LOWEST_TESTS), name=LOWEST, python=python)
