"""The name of a worker, which its tasks have for their host: all of them run on one machine."""

from __future__ import annotations

import os
import socket

VARIABLE = "DEMO_WORKER"


def worker_name() -> str:
    """Return the name of the Celery worker of this process, or of the machine; for ``hostname_callable``."""
    return os.environ.get(VARIABLE) or socket.gethostname()
