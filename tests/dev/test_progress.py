"""What is being done is on the screen while it is done."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.progress import Progress
from tests.waiting import wait_until

PROGRESS = Path(__file__).parents[2] / "dev" / "progress.py"


def test_lines_say_what_is_done_and_for_how_long_so_far() -> None:
    screen = io.StringIO()
    with Progress(screen, line_every=0.01).doing("Installing"):
        assert screen.getvalue().startswith("Installing ...\n")
        wait_until(lambda: " s so far" in screen.getvalue())
    assert re.search(r"^  Installing: \d+ s so far$", screen.getvalue(), re.MULTILINE)
    assert screen.getvalue().splitlines()[-1].startswith("  done in ")


def test_what_fails_is_not_said_to_be_done() -> None:
    screen = io.StringIO()
    with pytest.raises(ValueError, match="no network"), Progress(screen).doing("Installing"):
        raise ValueError("no network")
    assert screen.getvalue().splitlines()[-1].startswith("  failed after ")


def test_a_terminal_has_one_line_that_ticks() -> None:
    inside, terminal = pty.openpty()
    waits = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    command = [sys.executable, str(PROGRESS), "Installing", *waits]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=terminal) as running:
        os.close(terminal)
        shown = b""
        while not re.search(rb"\.\.\. [1-9]\d* s", shown):
            shown += os.read(inside, 1000)
        assert b"\n" not in shown
        assert running.stdin is not None
        running.stdin.close()
        assert running.wait() == 0
        while b"Installing: " not in shown:
            shown += os.read(inside, 1000)
    os.close(inside)


def test_the_output_and_the_exit_code_of_a_command_are_handed_on() -> None:
    command = [sys.executable, "-c", "import sys; print('no such package'); sys.exit(3)"]
    done = subprocess.run(
        [sys.executable, str(PROGRESS), "Installing", *command],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    first, second, third = done.stdout.splitlines()
    assert first == "Installing ..."
    assert second.startswith("  failed after ")
    assert third == "no such package"
