"""The version of Airflow that the tests run on, for what only some versions do."""

from __future__ import annotations

from importlib.metadata import version

AIRFLOW = tuple(int(part) for part in version("apache-airflow").split(".")[:2])
