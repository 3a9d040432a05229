"""The parts of ``make demo-up``; ``make demo-up CHECK=1`` tries the whole of it."""

from __future__ import annotations

import io
import socket
import subprocess
import sys

import psutil

from dev.demo.check_up import LINKS, is_alive
from dev.demo.up import READY, ending_all, free_port, kept_port
from dev.progress import Progress

# It has a child of its own, and neither ends when it is asked to.
STUBBORN = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if sys.argv[1] == "0":
    sys.exit(subprocess.call([sys.executable, *sys.orig_argv[1:-1], "1"]))
print("there", flush=True)
sys.stdin.read()
"""


def test_another_port_is_taken_where_one_is_not_free() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        taken = listening.getsockname()[1]
        assert free_port(taken) not in (taken, 0)
    assert free_port(taken) == taken


def test_two_demos_take_two_ports_before_their_servers_listen() -> None:
    wanted = free_port()
    with kept_port(wanted) as first, kept_port(wanted) as second:
        assert first == wanted
        assert second not in (wanted, 0)
    with kept_port(wanted) as later:
        assert later == wanted


def test_the_check_finds_the_links_that_are_printed() -> None:
    printed = READY.format(airflow="http://127.0.0.1:8080", cdf="http://127.0.0.1:8765", work=".demo-up")
    found = LINKS.search(printed)
    assert found is not None
    assert found.groupdict() == {"airflow": "http://127.0.0.1:8080", "cdf": "http://127.0.0.1:8765"}


def test_processes_that_do_not_end_by_themselves_are_ended() -> None:
    with ending_all(Progress(io.StringIO()), within=0.1):
        command = [sys.executable, "-c", STUBBORN, "0"]
        parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"there\n"
        below = [psutil.Process(parent.pid), *psutil.Process(parent.pid).children()]
        assert len(below) == 2
    assert not any(map(is_alive, below))
    parent.communicate()
