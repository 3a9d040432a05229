"""Writes a suggestion: the container's definition, the mapping, and the DAG."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_cdf_records.commands.dag_text import dag_text, rows_seen
from airflow_provider_cdf_records.commands.definitions_text import definitions_text
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.commands.property_names import snake_case
from airflow_provider_cdf_records.commands.suggestion import Suggestion
from airflow_provider_cdf_records.load.summary import count_of
from airflow_provider_cdf_records.records.problems import listed

DEFINITIONS = "cdf.yaml"


def write(suggestion: Suggestion, folder: Path, *, replace: bool) -> None:
    """Write the files of a suggestion, and say what to do with them.

    :param replace: whether files of these names may be replaced.
    :raises UsageError: when one is there already, before anything is written.
    """
    name = snake_case(suggestion.container)
    mapping, dag = f"{name}.json", f"load_{name}.py"
    contents = {
        DEFINITIONS: definitions_text(suggestion),
        mapping: json.dumps(suggestion.mapping, indent=2, ensure_ascii=False) + "\n",
        dag: dag_text(suggestion, name, mapping),
    }
    existing = [file for file in contents if (folder / file).exists()]
    if existing and not replace:
        msg = f"{folder / existing[0]} is there already: --force replaces it, --out writes to another folder."
        raise UsageError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, content in contents.items():
            (folder / file).write_text(content, encoding="utf-8")
    except OSError as error:
        msg = f"--out {folder} cannot be written to: {error.strerror or error}"
        raise UsageError(msg) from None
    for line in _report(suggestion):
        print(line)
    print("\nWritten:")
    for file, what in ((DEFINITIONS, "space, container, stream"), (mapping, "mapping"), (dag, "DAG")):
        print(f"  {folder / file}  ({what})")
    print()
    for line in _next_steps(suggestion, folder, mapping, dag):
        print(line)


def _report(suggestion: Suggestion) -> Iterator[str]:
    profile = suggestion.profile
    seen = rows_seen(profile) + ("" if profile.is_whole else " (--all reads all)")
    yield f"{suggestion.path}: {count_of(len(suggestion.proposals), 'property', 'properties')}, by {seen}."
    yield from suggestion.notes
    if suggestion.file_options:
        yield f"file_options: {json.dumps(suggestion.file_options, ensure_ascii=False)}"
    note = f": {suggestion.identity.note}" if suggestion.identity.note else ""
    yield f"external id: {suggestion.identity.template}{note}"
    if absent := suggestion.not_everywhere:
        yield f"not in all files: {listed(absent)}; if one is named differently in some, name it alike there"
    if profile.may_end_in_totals:
        yield "the last row looks like totals: --file-options '{\"skip_footer\": 1}' leaves it out"
    if profile.unreadable:
        yield f"{count_of(profile.unreadable, 'row')} cannot be read, such as: {profile.reason}"
    for proposal in suggestion.proposals:
        for warning in proposal.warnings:
            yield f"column {proposal.column.name!r}: {warning}"
    if misfits := suggestion.misfits:
        most = f"max_rejected={suggestion.max_rejected}"
        yield (
            f"{count_of(misfits, 'row')} will be rejected: the DAG has {most}, without which it would fail"
        )


def _next_steps(suggestion: Suggestion, folder: Path, mapping: str, dag: str) -> Iterator[str]:
    python = "python -m airflow_provider_cdf_records"
    definitions = str(folder / DEFINITIONS)
    check = ["check", suggestion.path, "--mapping", str(folder / mapping), "--containers", definitions]
    if suggestion.file_format:
        check += ["--file-format", suggestion.file_format]
    if suggestion.file_options:
        check += ["--file-options", json.dumps(suggestion.file_options, ensure_ascii=False)]
    yield "1. See what CDF would get, and what would be rejected:"
    yield f"  {python} {shlex.join(check)}"
    yield "2. Start a local CDF. It prints a line for the next step, 'export AIRFLOW_CONN_CDF_DEFAULT=...':"
    yield f"  {python}.local_server --load {shlex.quote(definitions)}"
    yield "3. In another terminal, enter that line, and run the DAG:"
    yield f"  export AIRFLOW__CORE__DAGS_FOLDER={shlex.quote(os.path.abspath(folder))}"
    yield f"  airflow db migrate && airflow dags test {Path(dag).stem}"
