"""The DAG of a suggestion, as somebody would write it by hand."""

from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Any

from airflow_provider_cdf_records.commands.file_profile import FileProfile
from airflow_provider_cdf_records.commands.suggestion import Suggestion
from airflow_provider_cdf_records.load.summary import count_of

LINE = 88  # characters
DAG = '''"""Load {what} into the stream {stream}."""

from {airflow} import dag
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator


@dag(schedule=None)
def {name}():
    CdfRecordsUpsertOperator(
{arguments}
    )


{name}()
'''


def dag_text(suggestion: Suggestion, name: str, mapping: str) -> str:
    """Return the source of the DAG.

    :param mapping: the name of the mapping's file, which is beside the DAG.
    """
    is_url = "://" in suggestion.path
    path = suggestion.path if is_url else os.path.abspath(suggestion.path)
    arguments: dict[str, Any] = {"task_id": "load", "stream_id": suggestion.stream, "path": path}
    if suggestion.file_format:
        arguments["file_format"] = suggestion.file_format
    if suggestion.file_options:
        arguments["file_options"] = suggestion.file_options
    arguments["mapping"] = mapping
    if suggestion.misfits:
        arguments["max_rejected"] = suggestion.max_rejected
    arguments["rejected_path"] = _beside(path, f"_rejected_{name}_{{{{ run_id }}}}.ndjson")
    seen = f"{suggestion.misfits:,} of {rows_seen(suggestion.profile)}"
    comments = {"max_rejected": f"# {seen} will be rejected; with 0 the load fails at the first"}
    return DAG.format(
        what=json.dumps(PurePosixPath(suggestion.path).name, ensure_ascii=False)[1:-1].replace('\\"', "'"),
        stream=suggestion.stream,
        airflow="airflow.sdk" if _is_airflow_3() else "airflow.decorators",
        name=f"load_{name}",
        arguments="\n".join(_argument(key, value, comments.get(key)) for key, value in arguments.items()),
    )


def rows_seen(profile: FileProfile) -> str:
    """Say which rows were read."""
    return (
        f"all {count_of(profile.count, 'row')}" if profile.is_whole else f"the first {profile.count:,} rows"
    )


def _beside(path: str, name: str) -> str:
    """Return a path in the folder of the file, without wildcards; an underscore keeps it out of loads."""
    if path.lower().startswith(("http://", "https://")):
        return os.path.abspath(name)  # the web takes no files
    folder = path.rpartition("/")[0]
    while any(wildcard in folder for wildcard in "*?["):
        folder = folder.rpartition("/")[0]
    return f"{folder}/{name}"


def _is_airflow_3() -> bool:
    try:  # by its metadata, since looking for a module would import Airflow
        return not version("apache-airflow").startswith("2.")
    except PackageNotFoundError:
        return True


def _argument(name: str, value: Any, comment: str | None = None) -> str:
    line = f"        {name}={_python(value)},"
    if comment:
        return f"        {comment}\n{line}"
    if len(line) <= LINE or not isinstance(value, dict):
        return line
    inner = "\n".join(f"            {_python(key)}: {_python(item)}," for key, item in value.items())
    return f"        {name}={{\n{inner}\n        }},"


def _python(value: Any) -> str:
    """Return a literal with double quotes, as formatters of code write it."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_python(key)}: {_python(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_python, value)) + "]"
    return repr(value)
