"""A demo leaves nothing behind, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the keeper needs Linux")
ROOT = Path(__file__).parents[2]

# What it starts is in a session of its own, and its parent is gone.
LEAVES = """
import os, subprocess, sys, tempfile, time
from pathlib import Path
folder = Path(tempfile.mkdtemp())
sleep = "import time; time.sleep(600)"
start = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], start_new_session=True, stdout=2).pid)"
command = [sys.executable, "-c", start, sys.executable, "-c", sleep]
left = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
here = Path(sys.argv[1])
(here / "new").write_text(f"{os.getpid()} {left.strip()} {os.getppid()} {os.environ['TMPDIR']}")
(here / "new").rename(here / "is")
if sys.argv[2] == "ends":
    sys.exit(7)
time.sleep(600)
"""
CALLER = "import sys; from dev.keeper import run_kept; sys.exit(run_kept(sys.argv[1:]))"


class Kept:
    """A program under a keeper: who calls, the program, what it left, the keeper; and the folder."""

    def __init__(self, tmp_path: Path, then: str, stdin: int | None = None) -> None:
        command = [sys.executable, "-c", CALLER, sys.executable, "-c", LEAVES, str(tmp_path), then]
        self.caller = subprocess.Popen(command, cwd=ROOT, stdin=stdin, start_new_session=True)
        try:
            wait_until((tmp_path / "is").exists)
        except BaseException:
            self.caller.kill()
            raise
        *ids, self.folder = (tmp_path / "is").read_text().split()
        self.program, self.left, self.keeper = map(int, ids)

    def is_gone(self) -> bool:
        return not any(map(is_alive, (self.program, self.left, self.keeper))) and not os.path.exists(
            self.folder
        )


def is_alive(process_id: int) -> bool:
    try:
        return psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Kept]]:
    started: list[Kept] = []

    def start(then: str = "sleeps", stdin: int | None = None) -> Kept:
        started.append(Kept(tmp_path, then, stdin))
        return started[-1]

    yield start
    for kept in started:
        for process_id in (kept.caller.pid, kept.keeper, kept.program, kept.left):
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        kept.caller.wait()


def test_nothing_is_left_of_a_program_that_ends(start: Callable[[str], Kept]) -> None:
    kept = start("ends")
    assert kept.caller.wait() == 7
    assert kept.is_gone()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_after_a_signal(start: Callable[[], Kept], number: signal.Signals) -> None:
    kept = start()
    os.killpg(kept.caller.pid, number)  # as a terminal does
    assert kept.caller.wait() == 128 + number
    assert kept.is_gone()


def test_nothing_is_left_when_the_terminal_closes_and_no_signal_comes(start: Callable[..., Kept]) -> None:
    terminal, other_end = os.openpty()
    kept = start(stdin=other_end)
    os.close(other_end)
    assert kept.caller.poll() is None
    os.close(terminal)
    assert kept.caller.wait() == 128 + signal.SIGHUP
    assert kept.is_gone()


@pytest.mark.parametrize("killed", ["caller", "keeper", "program"])
def test_nothing_is_left_whichever_process_is_killed(start: Callable[[], Kept], killed: str) -> None:
    kept = start()
    os.kill(
        {"caller": kept.caller.pid, "keeper": kept.keeper, "program": kept.program}[killed], signal.SIGKILL
    )
    kept.caller.wait()
    wait_until(kept.is_gone)
