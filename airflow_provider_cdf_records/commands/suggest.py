"""``suggest``: reads a file, and writes a container's definition, a mapping and a DAG that loads it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.commands.arguments import SAMPLE
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.commands.external_id import identity_for
from airflow_provider_cdf_records.commands.file_profile import FileProfile, read_profile
from airflow_provider_cdf_records.commands.odd_values import without_odd_values
from airflow_provider_cdf_records.commands.opening import files_in, source_of
from airflow_provider_cdf_records.commands.property_names import property_names, snake_case
from airflow_provider_cdf_records.commands.proposal import Proposal
from airflow_provider_cdf_records.commands.proposer import Proposer
from airflow_provider_cdf_records.commands.sniffing import FileKind, sniff
from airflow_provider_cdf_records.commands.suggestion import (
    NOT_EVERYWHERE,
    Suggestion,
    file_level_options,
)
from airflow_provider_cdf_records.commands.trying import correct
from airflow_provider_cdf_records.commands.writing import write
from airflow_provider_cdf_records.mapping.types import time_zone_of
from airflow_provider_cdf_records.records.errors import InvalidArgumentError
from airflow_provider_cdf_records.records.identifiers import SCHEMA_ID, check_space, check_stream_id

MOST_PROPERTIES = 1000  # of a container for records
REJECTED = {"position", "where", "message", "record"}  # columns of a rejected-records file


def run(given: argparse.Namespace) -> int:
    """Write the suggestion, say what was found, and return 0."""
    stream = _checked(given)
    files = files_in(given.file)
    kind = sniff(files[0], given.file_format, given.file_options)
    direct = dict(given.direct)
    source = source_of(files, kind.file_format, kind.file_options)
    profile = read_profile(source, read_all=given.all, also=direct)
    _check_profile(profile, given.file, direct)
    proposals = _proposals(profile, kind, direct, given.time_zone)
    for proposal in proposals:
        proposal.say_what_is_odd(source.where)
    options = kind.file_options | file_level_options(proposals, kind)
    identity = identity_for(profile, proposals, options, given.external_id)
    suggestion = Suggestion(
        path=given.file,
        space=given.space,
        container=given.container,
        stream=stream,
        file_format=kind.file_format,
        file_options=options,
        time_zone=given.time_zone,
        identity=identity,
        proposals=proposals,
        profile=profile,
        notes=kind.notes,
    )
    correct(suggestion, files, None if given.all else SAMPLE)
    write(suggestion, Path(given.out), replace=given.force)
    return 0


def _checked(given: argparse.Namespace) -> str:
    """Check the names that the user gave, and return the stream's."""
    check_space(given.space, "--space")
    for _, space in given.direct:
        check_space(space, "--direct")
    if not SCHEMA_ID.fullmatch(given.container):
        msg = (
            "--container must be 1-255 letters, digits and '_', first a letter, last a letter or digit, "
            f"got {given.container!r}."
        )
        raise UsageError(msg)
    time_zone_of(given.time_zone)
    return check_stream_id(given.stream or stream_of(given.container))


def stream_of(container: str) -> str:
    """Return a stream's id, made of the container's name."""
    name = snake_case(container)[:80]
    stream = name if name.endswith("s") else f"{name}s"
    try:
        return check_stream_id(stream)
    except InvalidArgumentError:  # a reserved one, such as logs
        return f"{name}_stream"


def _check_profile(profile: FileProfile, path: str, direct: Mapping[str, str]) -> None:
    if not profile.count:
        why = f" ({profile.unreadable:,} cannot be read: {profile.reason})" if profile.unreadable else ""
        msg = f"{path} has no rows to learn from{why}."
        raise UsageError(msg)
    if profile.are_records:
        msg = (
            f"{path} holds records as CDF takes them (space, externalId, sources): the operators load it "
            "without a mapping."
        )
        raise UsageError(msg)
    if profile.columns.keys() >= REJECTED:
        msg = f"{path} holds rejected records; suggest for the file that they come from, with its mapping."
        raise UsageError(msg)
    for column in direct:
        if profile.columns[column].is_empty:
            others = ", ".join(repr(name) for name in profile.columns if name not in direct)
            msg = f"--direct {column}: the rows have no values there; their other columns are {others}."
            raise UsageError(msg)


def _proposals(
    profile: FileProfile, kind: FileKind, direct: Mapping[str, str], time_zone: str
) -> Sequence[Proposal]:
    columns = [column for column in profile.columns.values() if not _is_padding(column.name, column.is_empty)]
    if len(columns) > MOST_PROPERTIES:
        msg = f"the file has {len(columns):,} columns, and a container takes {MOST_PROPERTIES:,} properties."
        raise UsageError(msg)
    names = property_names(column.name for column in columns)
    settings: dict[str, Any] = {"is_text": kind.is_text, "is_whole": profile.is_whole}
    fitting = [without_odd_values(column) if kind.is_text else column for column in columns]
    proposer = Proposer.of(fitting, direct=direct, time_zone=time_zone, **settings)
    proposals = [proposer.propose(column, names[column.name]) for column in fitting]
    for number, (column, proposal) in enumerate(zip(columns, proposals, strict=True)):
        if proposal.column.odd and proposal.type["type"] in ("text", "direct"):
            proposals[number] = proposer.propose(column, proposal.name)
    for proposal in proposals:
        if kind.is_text and proposal.column.name in profile.absent:
            proposal.options["optional"] = True
            proposal.notes.append(NOT_EVERYWHERE)
    return proposals


def _is_padding(name: str, is_empty: bool) -> bool:
    """Whether a column has neither name nor values, as spreadsheets add them."""
    return is_empty and (not name.strip() or re.fullmatch(r"column \d+", name) is not None)
