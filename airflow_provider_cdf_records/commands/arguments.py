"""The options of the commands, as plain data for ``argparse`` and for Airflow's own command line."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SAMPLE = 10_000  # rows
SHOWN = 3  # records


class Argument:
    """An argument of a command.

    :param flags: such as ``--out``; a name without dashes for one that is given by its position.
    :param settings: as ``argparse`` takes them.
    """

    def __init__(self, *flags: str, **settings: Any) -> None:
        self.flags = flags
        self.settings = settings


@dataclass(frozen=True)
class Command:
    """A command, and its arguments."""

    name: str
    help: str
    arguments: tuple[Argument, ...]


def json_object(text: str) -> Mapping[str, Any]:
    """Read the value of ``--file-options``."""
    try:
        value = json.loads(text)
    except ValueError as error:
        msg = f'must be a JSON object such as \'{{"delimiter": ";"}}\': {error}'
        raise argparse.ArgumentTypeError(msg) from None
    if not isinstance(value, dict):
        msg = f'must be a JSON object such as \'{{"delimiter": ";"}}\', got {text}'
        raise argparse.ArgumentTypeError(msg)
    return value


def column_and_space(text: str) -> tuple[str, str]:
    """Read the value of ``--direct``: everything before the last ``=`` is the column."""
    column, equals, space = text.rpartition("=")
    if not (column and equals and space):
        msg = f"must be COLUMN=SPACE, such as pump_id=assets, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return column, space


def row_count(text: str) -> int:
    """Read a number of rows."""
    if not (text.isascii() and text.isdigit() and int(text)):
        msg = f"must be a whole number of 1 or more, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


PATH = Argument(
    "file",
    metavar="FILE",
    help="a file, a folder or a pattern; local, or any URL that an operator's path takes",
)
PATHS = Argument(
    "file",
    nargs="+",
    metavar="FILE",
    help="a file, a slice of one (alarms.ndjson#bytes=0-67108863), a folder or a pattern, or several; local, "
    "or any URL that an operator's path takes",
)
FORMAT = (
    Argument("--file-format", metavar="NAME", help="the format; by default what the suffix says"),
    Argument(
        "--file-options",
        type=json_object,
        default={},
        metavar="JSON",
        help='options of the format, such as \'{"delimiter": ";"}\'',
    ),
)
TRACEBACK = Argument(
    "--traceback", action="store_true", help="show the whole Python traceback of an error, for a bug report"
)

SUGGEST = Command(
    "suggest",
    "Read a file, and write a container's definition, a mapping and a DAG that loads it.",
    (
        PATH,
        Argument("--space", required=True, help="the space of container and records"),
        Argument("--container", required=True, help="external id of the container, such as Alarm"),
        Argument("--stream", metavar="ID", help="the stream; by default named after the container"),
        Argument(
            "--external-id",
            metavar="FORMAT",
            help="a format string over the columns, such as '{tag}/{time}'; by default the fewest columns "
            "that tell all rows apart",
        ),
        Argument(
            "--direct",
            type=column_and_space,
            action="append",
            default=[],
            metavar="COLUMN=SPACE",
            help="a column of external ids that become relations to that space; can be given several times",
        ),
        Argument("--time-zone", default="UTC", metavar="NAME", help="of times that name none (UTC)"),
        Argument("--all", action="store_true", help=f"read all rows, not only the first {SAMPLE:,}"),
        Argument("--out", default=os.curdir, metavar="DIR", help="where to write the files (this folder)"),
        Argument("--force", action="store_true", help="replace files that are there already"),
        *FORMAT,
        TRACEBACK,
    ),
)
CHECK = Command(
    "check",
    "Show what a load of a file would send, and what it would reject; send nothing.",
    (
        PATHS,
        Argument("--mapping", required=True, metavar="FILE", help="the mapping, a JSON file"),
        Argument("--containers", metavar="FILE", help="YAML or JSON that defines the containers"),
        Argument(
            "--conn-id", metavar="ID", help="the Airflow connection to read the containers with instead"
        ),
        Argument("--limit", type=row_count, metavar="N", help="look at the first rows only"),
        *FORMAT,
        TRACEBACK,
    ),
)
COMMANDS = (SUGGEST, CHECK)


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``python -m airflow_provider_cdf_records``."""
    whole = argparse.ArgumentParser(
        prog="python -m airflow_provider_cdf_records",
        description="From a file to a DAG that loads it into Cognite Data Fusion. Neither command needs "
        "Airflow's database.",
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        sub = commands.add_parser(command.name, help=command.help, description=command.help)
        for argument in command.arguments:
            sub.add_argument(*argument.flags, **argument.settings)
    return whole
