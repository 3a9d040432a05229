"""Servers as processes of their own, which end with the test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path
from typing import Any

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


def run_to_its_end(command: list[str], folder: Path, user: str | None) -> None:
    """Run a program; fail with what it printed."""
    done = subprocess.run(command, cwd=folder, user=user, group=user, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{command[0]}: {(done.stdout + done.stderr).decode(errors='replace')[-3000:]}")


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


@contextmanager
def cutting_proxy(port: int, request: bytes, after: int) -> Iterator[int]:
    """Return the port of a proxy of a server here, which closes what answers a request after some bytes."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            is_cut = threading.Event()

            def send_on() -> None:
                while data := client.recv(1 << 16):
                    if request in data:
                        is_cut.set()
                    server.sendall(data)

            threading.Thread(target=_until_closed, args=(send_on,), daemon=True).start()
            left = after
            while data := server.recv(1 << 16):
                if is_cut.is_set():
                    data, left = data[:left], left - len(data)
                client.sendall(data)
                if left <= 0:
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def accept() -> None:
        while True:
            client, _ = listening.accept()
            threading.Thread(target=_until_closed, args=(serve, client), daemon=True).start()

    with listening:
        threading.Thread(target=_until_closed, args=(accept,), daemon=True).start()
        yield listening.getsockname()[1]


def _until_closed(work: Callable[..., None], *arguments: Any) -> None:
    with suppress(OSError):
        work(*arguments)
