"""``check``: shows what a load of a file would send, and what it would reject; sends nothing."""

from __future__ import annotations

import argparse
import sys
from itertools import islice

from airflow_provider_cdf_records.commands.arguments import SHOWN
from airflow_provider_cdf_records.commands.console import progress, show_table
from airflow_provider_cdf_records.commands.containers import schema_in, schema_in_cdf
from airflow_provider_cdf_records.commands.conversion import converter
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.commands.findings import Findings
from airflow_provider_cdf_records.commands.opening import files_and_slices_in, read_json, source_of
from airflow_provider_cdf_records.load.first_rows import FirstRows
from airflow_provider_cdf_records.load.summary import count_of
from airflow_provider_cdf_records.mapping import MappingSpec, Schema, read_mapping
from airflow_provider_cdf_records.records.errors import SourceError

GOOD, WOULD_REJECT = 0, 1  # exit codes
LONGEST_ROW = 300  # characters of a row that are shown


def run(given: argparse.Namespace) -> int:
    """Check the file, and return the exit code."""
    if given.containers and given.conn_id:
        msg = "--containers and --conn-id both say what the containers are; give one of them."
        raise UsageError(msg)
    spec = read_mapping(read_json(given.mapping, "--mapping"))
    files = files_and_slices_in(given.file)
    source = source_of(files, given.file_format, given.file_options)
    schema = _schema(given, spec)
    convert = converter(spec, schema, source, is_whole=given.limit is None)
    findings = Findings(source.where, SHOWN)
    failure = None
    with progress("Checking", source.share) as update:
        try:
            for chunk in source if given.limit is None else FirstRows(source, given.limit):
                findings.add(convert(chunk))
                update(findings.rows)
        except SourceError as error:
            failure = str(error)
    _show_records(findings, spec, schema)
    _show_numbers(findings, is_known=bool(given.containers or given.conn_id), limit=given.limit)
    if failure is not None:
        print(f"\nThe load would end after {findings.rows:,} rows: {failure}")
    return WOULD_REJECT if findings.rejected or failure is not None else GOOD


def _schema(given: argparse.Namespace, spec: MappingSpec) -> Schema:
    if given.containers:
        schema = schema_in(given.containers)
    elif given.conn_id:
        schema = schema_in_cdf(given.conn_id, spec)
    else:
        return Schema()
    for source in spec.sources:
        if schema.properties(source.id) is None and given.conn_id:
            print(f"Connection {given.conn_id} does not show container {source.id}.", file=sys.stderr)
        elif schema.properties(source.id) is None:
            msg = f"--containers {given.containers} does not define {source.id}, which the mapping names."
            raise UsageError(msg)
    return schema


def _show_records(findings: Findings, spec: MappingSpec, schema: Schema) -> None:
    """Print the first records, a column each, since they have many properties."""
    if not findings.records:
        return
    rows: list[list[object]] = [["externalId", "", *(record["externalId"] for record in findings.records)]]
    for number, source in enumerate(spec.sources):
        filled = [record["sources"][number]["properties"] for record in findings.records]
        definitions = schema.properties(source.id) or {}
        names = list(dict.fromkeys([*source.named_properties, *(name for one in filled for name in one)]))
        prefix = f"{source.container}." if len(spec.sources) > 1 else ""
        for name in names:
            kind = definitions.get(name, {}).get("type", {})
            type_name = str(kind.get("type", "")) + ("[]" if kind.get("list") else "")
            rows.append([f"{prefix}{name}", type_name, *(_shown(one.get(name)) for one in filled)])
    header = ["property", "type", *(f"record {number}" for number in range(1, len(findings.records) + 1))]
    show_table("The first records, as CDF would get them:", header, rows)


def _shown(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict) and value.keys() == {"space", "externalId"}:
        return f"-> {value['space']}/{value['externalId']}"
    return value


def _show_numbers(findings: Findings, *, is_known: bool, limit: int | None) -> None:
    good = findings.rows - findings.rejected
    of = f" (looked at the first {limit:,} at most)" if limit else ""
    several = " (one of them may have several reasons)" if len(findings.reasons) > 1 else ""
    sent = f"{good:,} would be sent, {findings.rejected:,} rejected{several}"
    print(f"\n{count_of(findings.rows, 'row')}{of}: {sent}.")
    if not is_known:
        print(
            "The types are not known, so values were not checked; give the containers with --containers or "
            "--conn-id."
        )
    if findings.repeated:
        some = ", ".join(findings.repeated_identities)
        print(
            f"{count_of(findings.repeated, 'row')} with the identity of an earlier row, which would replace "
            f"its record, such as {some}."
        )
    if findings.compared < good:
        print(f"Identities were compared among the first {findings.compared:,} rows.")
    for key, reason in sorted(findings.reasons.items(), key=lambda item: -item[1].count):
        print(f"\n{reason.count:,} x {key}")
        for where, message, row in islice(reason.examples, 3):
            print(f"  {where}: {message}")
            print(f"    {row if len(row) <= LONGEST_ROW else row[:LONGEST_ROW] + '...'}")
