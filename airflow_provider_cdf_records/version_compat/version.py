"""Which Airflow is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

AIRFLOW_3 = find_spec("airflow.sdk") is not None


def keeps_state_between_runs() -> bool:
    """Whether this Airflow has a store for the state of assets (3.3 and later)."""
    return _version() >= (3, 3)


def takes_null_outputs() -> bool:
    """Whether a task can push an XCom that is ``None``: Airflow 3.0's API server refuses it."""
    return _version() != (3, 0)


def _version() -> tuple[int, ...]:
    version: str = import_module("airflow").__version__
    return tuple(map(int, version.split(".")[:2]))
