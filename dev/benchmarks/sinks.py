"""Two sinks that accept everything: nginx, as fast as possible, and one that delays each answer."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dev.benchmarks.facts import ANSWERS, ROOT, WORK

START_WITHIN = 15.0  # seconds
END_WITHIN = 10.0  # seconds
MISSING = (
    "make bench needs nginx as its sink, and it is missing. On Debian or Ubuntu: apt-get install nginx-light"
)
CONFIG = """\
daemon off;
master_process off;
pid {prefix}/nginx.pid;
error_log {prefix}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {prefix}/body;
  proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  client_max_body_size 16m;
  keepalive_requests 1000000;
  keepalive_timeout 300s;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port};
{locations}
  }}
}}
"""


def nginx_program() -> str:
    """Return the path of nginx, or exit with a message how to install it."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which("nginx", path=places) or sys.exit(MISSING)


@contextmanager
def nginx() -> Iterator[str]:
    """Run nginx with the answers of ``facts``; yields its address."""
    prefix = WORK / "nginx"
    shutil.rmtree(prefix, ignore_errors=True)
    prefix.mkdir(parents=True)
    port = _free_port()
    locations = "\n".join(
        f"    location = {path} {{ return {status} '{body}'; }}" for path, (status, body) in ANSWERS.items()
    )
    config, log = prefix / "nginx.conf", prefix / "error.log"
    config.write_text(CONFIG.format(prefix=prefix, port=port, locations=locations))
    command = [nginx_program(), "-e", str(log), "-p", str(prefix), "-c", str(config)]
    with _running(command, port, prefix / "output.log") as address:
        yield address


@contextmanager
def slow(latency: float) -> Iterator[str]:
    """Run a sink that answers so many seconds after a request has come in; yields its address."""
    port = _free_port()
    WORK.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "dev.benchmarks.slow_sink", str(port), str(latency)]
    with _running(command, port, WORK / "slow_sink.log") as address:
        yield address


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[str]:
    with log.open("wb") as output:
        sink = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(sink, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        sink.send_signal(signal.SIGTERM)
        try:
            sink.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            sink.kill()
            sink.wait()


def _wait_for(sink: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and sink.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    sys.exit(f"The sink did not start: {' '.join(sink.args)}\n{log.read_text(errors='replace')}")  # type: ignore[arg-type]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
