"""The parts of ``make demo-up``; ``make demo-up CHECK=1`` tries the whole of it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from dev.demo.check_up import LINKS
from dev.demo.up import READY, free_port, kept_port

# It has a child of its own, and neither ends when it is asked to.
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1] == "0":
    sys.exit(subprocess.call([sys.executable, *sys.orig_argv[1:-1], "1"]))
print("there", flush=True)
sys.stdin.read()
"""

# In a process of its own, since all below the one that calls it are ended.
ENDING = """
import io, subprocess, sys
import psutil
from dev.demo.check_up import is_alive
from dev.demo.up import ending_all
from dev.progress import Progress

with ending_all(Progress(io.StringIO()), within=0.1):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    parent = subprocess.Popen([sys.executable, "-c", sys.argv[1], "0"], **pipes)
    assert parent.stdout.readline() == b"there\\n"
    below = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children()]
print(*map(is_alive, below))
"""
ROOT = Path(__file__).parents[2]


def test_another_port_is_taken_where_one_is_not_free() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = listening.getsockname()[1]
        assert free_port(taken) not in (taken, 0)
    free = [free_port() for _ in range(10)]  # another program may take one meanwhile, but not all
    assert any(free_port(port) == port for port in free)


def test_two_demos_take_two_ports_before_their_servers_listen() -> None:
    with kept_port(free_port()) as first, kept_port(first) as second:
        assert 0 not in (first, second)
        assert first != second


def test_the_check_finds_the_links_that_are_printed() -> None:
    printed = READY.format(airflow="http://127.0.0.1:8080", cdf="http://127.0.0.1:8765", work=".demo-up")
    found = LINKS.search(printed)
    assert found is not None
    assert found.groupdict() == {"airflow": "http://127.0.0.1:8080", "cdf": "http://127.0.0.1:8765"}


def test_processes_that_do_not_end_by_themselves_are_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, STUBBORN], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "False False\n"
