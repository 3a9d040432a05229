"""A home for Airflow that every process makes anew, before Airflow is imported; and a local CDF."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from dev.own_airflow import forget_the_users_airflow

if TYPE_CHECKING:
    from tests.local_cdf import LocalCdf

LONGEST_ID = 100  # characters of an argument

NO_HURRY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same each time", NO_HURRY, derandomize=True)
settings.register_profile("soak", NO_HURRY, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same each time"))

forget_the_users_airflow()
_home = tempfile.TemporaryDirectory(prefix="airflow-home-")
os.environ.update(
    AIRFLOW_HOME=_home.name,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent.parent / "example_dags"),
)


@pytest.hookimpl(trylast=True)  # after those that shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the groups that stay in one process: they take longest."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a long argument by its place: keys and packed files differ from process to process."""
    return argname if isinstance(val, (bytes, str)) and len(val) > LONGEST_ID else None


@pytest.fixture
def cdf(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCdf]:
    """A local CDF that the connection ``cdf_default`` leads to."""
    from tests.local_cdf import local_cdf

    with local_cdf(monkeypatch) as cdf:
        yield cdf


@pytest.fixture
def empty_metadata_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Airflow 2 find no connection in its database, which these tests have not set up."""
    from airflow_provider_cdf_records.version_compat import AIRFLOW_3

    if not AIRFLOW_3:
        database = import_module("airflow.secrets.metastore").MetastoreBackend
        monkeypatch.setattr(database, "get_connection", lambda *_, **__: None)


@pytest.fixture(scope="session")
def airflow_home() -> Iterator[Path]:
    yield Path(_home.name)
    _home.cleanup()
