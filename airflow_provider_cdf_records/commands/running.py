"""Runs a command, and turns what ends it into a line that says why, and an exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from airflow_provider_cdf_records.commands.arguments import parser
from airflow_provider_cdf_records.commands.errors import UsageError
from airflow_provider_cdf_records.sources.storage_use import using_storages

USAGE = 2  # exit code
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    given = parser().parse_args(arguments)
    return run(given.command, given)


def run(command: str, given: argparse.Namespace) -> int:
    """Run a command.

    :param command: the name of its module.
    """
    try:
        run_command = import_module(f"airflow_provider_cdf_records.commands.{command}").run
        with using_storages():
            return int(run_command(given))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # such as by `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if given.traceback:
            raise
        is_told = isinstance(error, UsageError) or hasattr(error, "retryable")
        kind = "" if is_told else f"{type(error).__name__}: "
        hint = "" if is_told else " (--traceback shows where it comes from)"
        print(f"error: {kind}{error}{hint}", file=sys.stderr)
        return USAGE
