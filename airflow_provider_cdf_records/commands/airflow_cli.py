"""``airflow cdf suggest`` and ``check``, where Airflow lets providers add commands (not Airflow 2).

Every ``airflow`` command imports this module, so it imports nothing that only these two need.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from airflow_provider_cdf_records.commands.arguments import COMMANDS, Command


def get_cdf_commands() -> list[Any]:
    """Return the commands, as Airflow's ``cli`` of a provider's description wants them."""
    from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand  # noqa: PLC0415

    actions = [
        ActionCommand(
            name=command.name,
            help=command.help,
            func=_runner(command),
            args=[
                Arg(argument.flags, **argument.settings)  # type: ignore[no-untyped-call]
                for argument in command.arguments
            ],
        )
        for command in COMMANDS
    ]
    return [GroupCommand(name="cdf", help="Load files into Cognite Data Fusion", subcommands=actions)]


def _runner(command: Command) -> Callable[[argparse.Namespace], None]:
    def run(arguments: argparse.Namespace) -> None:
        from airflow_provider_cdf_records.commands.running import run as run_command  # noqa: PLC0415

        sys.exit(run_command(command.name, arguments))

    return run
