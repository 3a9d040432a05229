"""Rehearse a release: build, upload to a package index on this machine, install from it, load a record.

The index is a ``pypiserver`` that lives as long as this takes, and everything that is installed goes into
a folder that is removed at the end. The record is loaded by ``airflow dags test`` with what was installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_cdf_records import __version__
from dev.own_airflow import forget_the_users_airflow

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PACKAGE = "airflow-provider-cdf-records"
WITHIN = 120.0  # seconds that a server may take to start
CONNECTION = re.compile(r"AIRFLOW_CONN_CDF_DEFAULT='(.*)'")

DEFINITIONS = """\
spaces: [plant]
containers:
  - {space: plant, externalId: Alarm, properties: {severity: text}}
streams: [alarms]
"""
DAG = """\
from airflow.decorators import dag
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator


@dag(schedule=None)
def rehearsal():
    alarm = {"type": "container", "space": "plant", "externalId": "Alarm"}
    sources = [{"source": alarm, "properties": {"severity": "high"}}]
    records = [{"space": "plant", "externalId": f"a-{n}", "sources": sources} for n in range(3)]
    CdfRecordsUpsertOperator(task_id="load", stream_id="alarms", records=records)


rehearsal()
"""
COUNT = """\
from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
with CdfRecordsHook().get_conn() as cdf:
    print("stored:", cdf.count_records("alarms"))
"""


def run(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a program and return its output; ends the rehearsal where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | dict(environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout[-5000:]}\n{' '.join(map(str, command))} failed ({done.returncode}).")
    return done.stdout


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


@contextmanager
def started(*command: str | Path, log: Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(word) for word in command], cwd=cwd, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=WITHIN)


@contextmanager
def package_index(folder: Path) -> Iterator[str]:
    """Start an index that takes uploads from anyone on this machine; yields its address."""
    packages, log = folder / "packages", folder / "index.log"
    packages.mkdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    serve = ("run", "--interface", "127.0.0.1", "--port", str(port), "-a", ".", "-P", ".", "-v")
    with started(BIN / "pypi-server", *serve, "--disable-fallback", packages, log=log, cwd=folder) as server:
        deadline = time.monotonic() + WITHIN
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"The package index did not start:\n{log.read_text()}")
                time.sleep(0.1)
        yield url


@contextmanager
def local_server(python: Path, folder: Path) -> Iterator[str]:
    """Start the installed package's local server; yields the connection to it."""
    (folder / "cdf.yaml").write_text(DEFINITIONS)
    log = folder / "local_server.log"
    serve = ("-m", "airflow_provider_cdf_records.local_server", "--port", "0", "--load", "cdf.yaml")
    with started(python, *serve, log=log, cwd=folder) as server:
        deadline = time.monotonic() + WITHIN
        while not (found := CONNECTION.search(log.read_text())):
            if server.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"The local server did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield found[1]


def say(step: str) -> None:
    print(f"{time.monotonic() - STARTED:4.0f} s  {step}", flush=True)


def rehearse(folder: Path) -> None:
    files = sorted((ROOT / "dist").glob("*"))
    if len(files) != 2 or not all(f"-{__version__}" in file.name for file in files):  # noqa: PLR2004
        found = ", ".join(file.name for file in files) or "nothing"
        sys.exit(f"dist/ must hold wheel and sdist of {__version__}: make build. It holds {found}.")
    with package_index(folder) as url:
        say(f"Uploading {' and '.join(file.name for file in files)}")
        run(
            BIN / "uv",
            "publish",
            "--publish-url",
            f"{url}/",
            "--username",
            "any",
            "--password",
            "any",
            *files,
        )
        say("Installing it from there")
        python = folder / "venv" / "bin" / "python"
        run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, folder / "venv")
        index = ("--index", f"{url}/simple/")
        constraints = ("-c", ROOT / "requirements-dev.txt")
        run(
            BIN / "uv",
            *("pip", "install", "--python", python, "--refresh-package", PACKAGE),
            *(*index, *constraints, f"{PACKAGE}=={__version__}"),
            cwd=folder,
        )
    wheel = next(file for file in files if file.suffix == ".whl")
    if f"/packages/{wheel.name}" not in (log := (folder / "index.log").read_text()):
        sys.exit(f"The wheel was not taken from the index:\n{log}")
    if sha256(folder / "packages" / wheel.name) != sha256(wheel):
        sys.exit("The index holds another wheel than dist/.")
    say("Loading records with it")
    load_records(python, folder)


def load_records(python: Path, folder: Path) -> None:
    (folder / "dags").mkdir()
    (folder / "dags" / "rehearsal.py").write_text(DAG)
    with local_server(python, folder) as connection:
        environment = {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_CDF_DEFAULT": connection,
            "PYTHONPATH": "",
        }
        airflow = (python, "-m", "airflow")
        providers = json.loads(
            run(*airflow, "providers", "list", "-o", "json", cwd=folder, environment=environment)
        )
        listed = [one["version"] for one in providers if one["package_name"] == PACKAGE]
        if listed != [__version__]:
            sys.exit(f"Airflow lists {listed} of {PACKAGE}, not {__version__}.")
        run(*airflow, "db", "migrate", cwd=folder, environment=environment)
        log = run(*airflow, "dags", "test", "rehearsal", cwd=folder, environment=environment)
        if "Upserted 3 of 3 records" not in log:
            sys.exit(f"{log}\nThe DAG reported no load of 3 records.")
        counted = run(python, "-c", COUNT, cwd=folder, environment=environment)
        if "stored: 3" not in counted:
            sys.exit(f"The stream does not hold the 3 records: {counted}")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


STARTED = time.monotonic()

if __name__ == "__main__":
    forget_the_users_airflow()
    os.environ.pop("PYTHONPATH", None)  # the source may be in it, and what is installed is to run
    with tempfile.TemporaryDirectory(prefix="cdf-release-") as name:
        rehearse(Path(name))
    say(f"{PACKAGE} {__version__}: built, uploaded, installed and run.")
