"""Tasks that several DAGs of the tests have."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

try:
    from airflow.sdk import task
except ImportError:  # Airflow 2
    from airflow.decorators import task

from tests.sample_records import a_record

FOLDER = Path(os.environ.get("CDF_EXAMPLE_FOLDER", "."))


@task
def some_records(prefix: str, count: int = 2) -> list[dict[str, Any]]:
    return [a_record(f"{prefix}-{n}", number=n) for n in range(count)]


@task
def write_file(name: str) -> str:
    path = FOLDER / f"{name}.ndjson"
    path.write_text("".join(json.dumps(a_record(f"{name}-{n}", number=n)) + "\n" for n in range(2)))
    return str(path)
