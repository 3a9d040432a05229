"""The Airflow of this environment: which it is, and that the user's own stays out of it."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version


def forget_the_users_airflow() -> None:
    """Drop the settings of the shell's Airflow, before another one is imported or started.

    They name the user's database, which would else be migrated and filled, and connections to a real CDF.
    """
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]


def need_airflow_3(what: str) -> None:
    """End with an error where this environment has Airflow 2."""
    if (found := version("apache-airflow")).startswith("2."):
        sys.exit(f"{what} needs Airflow 3, and this environment has {found}: call it without REQUIREMENTS.")
