"""Time-outs of the client that happen when the server says so, and not when the machine is slow."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

import pytest
import urllib3.connection

from airflow_provider_cdf_records.local_server.http.faults import FaultPlan

LOOK_EVERY = 0.005  # seconds

TimeOutFor = Callable[[FaultPlan], None]


@pytest.fixture
def time_out_for(monkeypatch: pytest.MonkeyPatch) -> TimeOutFor:
    """Let the client time out where a plan of faults withholds the answer, and nowhere else.

    With a time-out of the socket, a busy machine would let requests time out which the server is at work on,
    and store them after newer ones. That is what no client can prevent, and the tests would fail for it.
    """
    get_response = urllib3.connection.HTTPConnection.getresponse

    def patch(plan: FaultPlan) -> None:
        def wait_and_get_response(connection: Any) -> Any:
            while not select.select([connection.sock], [], [], LOOK_EVERY)[0]:
                if connection.sock.getsockname() in plan.withheld:
                    raise TimeoutError("timed out")
            return get_response(connection)

        monkeypatch.setattr(urllib3.connection.HTTPConnection, "getresponse", wait_and_get_response)

    return patch
