"""Run a program, and leave nothing behind when it has ended in any way: no process of it, no folder.

:func:`run_kept` starts a keeper in a session of its own, and the keeper starts the program. What the
program's processes leave behind becomes the keeper's child, whatever sessions and process groups they have
made (Linux only), so it finds all of them. It does so once the program has ended, or its caller is gone.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

SET_CHILD_SUBREAPER, SET_DEATH_SIGNAL = 36, 1  # of Linux's prctl
WITHIN = 20.0  # seconds that a database may take to end
DATABASE = "postgres"  # killed at once it would leave shared memory behind
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(BaseException):
    """A signal asks the program to end."""


def run_kept(command: list[str]) -> int:
    """Run a program with a folder for temporary files of its own, ``TMPDIR``; returns its exit code.

    Ctrl-C, ``SIGTERM`` and ``SIGHUP`` end it; so does the death of this process.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    adopt_orphans()  # for the case that the keeper itself is killed
    with temporary_folder() as folder:
        for number in ENDING:
            signal.signal(number, end)
        keeper = subprocess.Popen(
            [sys.executable, "-m", __name__, *command],
            stdin=subprocess.PIPE,
            env=os.environ | {"TMPDIR": folder},
            start_new_session=True,
        )
        if os.isatty(sys.stdin.fileno()):
            threading.Thread(target=hang_up_with_terminal, args=(sys.stdin.fileno(),), daemon=True).start()
        try:
            return keeper.wait()
        except Ended as signalled:
            with suppress(OSError):  # the terminal may be closed
                print("\nEnding, and cleaning up.", flush=True)
            return 128 + int(signalled.args[0])
        finally:
            if keeper.stdin is not None:
                keeper.stdin.close()
            keeper.wait()
            end_all_children()


def hang_up_with_terminal(terminal: int) -> None:
    """Signal this process once its terminal is closed: below `ssh -t`, the kernel tells `make` alone."""
    polling = select.poll()
    polling.register(terminal, 0)
    polling.poll()
    os.kill(os.getpid(), signal.SIGHUP)


def keep(command: list[str]) -> int:
    """Run a program until it or standard input ends; then end all that is left of it."""
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    library = adopt_orphans()

    def prepare() -> None:
        for number in ENDING:  # what the keeper ignores would be ignored by all programs that it starts
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        library.prctl(SET_DEATH_SIGNAL, signal.SIGINT, 0, 0, 0)

    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=prepare,  # noqa: PLW1509 (there are no threads yet)
    )
    threading.Thread(target=kill_when_left, args=(program.pid,), daemon=True).start()
    try:
        return exit_code_of(program.pid)
    finally:
        end_all_children()
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)


@contextmanager
def temporary_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="cdf-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o711)  # noqa: S103 (root's databases run as another user, in folders in it)
        yield folder


def adopt_orphans() -> ctypes.CDLL:
    """Have this process become the parent of those below it whose own parents end; returns the C library."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "cannot look after what the program's processes leave behind")
    return library


def exit_code_of(program: int) -> int:
    """Wait for the end of a program, and meanwhile for those of the children that processes leave behind."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == program:
            return os.waitstatus_to_exitcode(status)


def kill_when_left(program: int) -> None:
    """Kill the program once whoever holds the other end of standard input closes it, or dies."""
    os.read(sys.stdin.fileno(), 1)
    with suppress(ProcessLookupError):
        os.kill(program, signal.SIGKILL)


def end_all_children() -> None:
    """Kill the processes below this one, databases last and by their own way of ending."""
    while others := [each for each in children() if name_of(each) != DATABASE]:
        for each in others:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(others, timeout=1)
    databases = children()
    for each in databases:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGINT)
    psutil.wait_procs(databases, timeout=WITHIN)
    while left := children():
        for each in left:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=1)


def children() -> list[psutil.Process]:
    """Return the processes below this one that have not ended; their ends are noted."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def name_of(process: psutil.Process) -> str | None:
    try:
        return str(process.name())
    except psutil.NoSuchProcess:
        return None


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
