"""A pytest fixture: a fresh local CDF for a test, with Airflow's connection ``cdf_default`` pointing at it.

.. code-block:: python

    def test_the_dag_loads_its_file(cdf_local_server):
        cdf_local_server.load("tests/cdf.yaml")
        dag.test()
        assert len(cdf_local_server.records("alarms")) == 3

pytest imports this module in every run, so it imports nothing that only some tests need.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_provider_cdf_records.local_server.running import LocalServer

CONNECTION = "AIRFLOW_CONN_CDF_DEFAULT"
MARKER = "cdf_local_server"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(**settings): how the test's local CDF behaves, such as visibility_delay=2",
    )


@pytest.fixture
def cdf_local_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LocalServer]:
    """A fresh local CDF on a free port, with ``AIRFLOW_CONN_CDF_DEFAULT`` set to it."""
    from airflow_provider_cdf_records.local_server import LocalServer  # noqa: PLC0415 (see above)

    settings: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(MARKER))):  # the nearest last, since it wins
        settings |= marker.kwargs
    database = tmp_path_factory.mktemp("cdf") / "cdf.sqlite"
    with LocalServer(database, **settings) as server:
        monkeypatch.setenv(CONNECTION, server.connection_json())
        yield server
