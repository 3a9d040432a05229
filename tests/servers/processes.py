"""Servers as processes of their own, which end with the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from glob import glob
from pathlib import Path

import pytest

from tests.waiting import SOON, wait_until

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def program(*patterns: str) -> str:
    """Return the newest program that a pattern names; fail where there is none."""
    for pattern in patterns:
        found = sorted(glob(pattern)) or [path for path in [shutil.which(pattern)] if path]
        if found:
            return found[-1]
    pytest.fail(f"There is no {' or '.join(patterns)}. `make servers` installs it.")


def user_for(name: str) -> str | None:
    """Return the user that a server must run as: root may not run databases."""
    return name if os.geteuid() == 0 else None


@contextmanager
def server_folder(user: str | None) -> Iterator[Path]:
    """Return a new folder of a short name, which belongs to a user."""
    with tempfile.TemporaryDirectory(prefix="srv-", ignore_cleanup_errors=True) as name:
        if user is not None:
            account = pwd.getpwnam(user)
            os.chown(name, account.pw_uid, account.pw_gid)
        yield Path(name)


@contextmanager
def running(
    command: list[str], is_ready: Callable[[], bool], folder: Path, user: str | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the context ends."""
    log_path = folder / "server.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=folder, user=user, group=user
        )
    try:

        def is_up() -> bool:
            if process.poll() is not None:
                pytest.fail(f"{command[0]} ended: {log_path.read_text(errors='replace')[-3000:]}")
            return is_ready()

        wait_until(is_up, SOON)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(SOON)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Whether something listens at a port of this machine."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
