"""Shows a command's options, as its ``argparse`` parser has them: ``{command-line} module [command]``."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the directive known."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}


class CommandLine(SphinxDirective):
    """The options of the function ``parser`` of a module, or of one of its commands."""

    required_arguments = 1
    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what the command is for, and a table of its options."""
        module, *command = self.arguments
        parser = import_module(module).parser()
        if command:
            parser = commands_of(parser)[command[0]]
        return self.parse_text_to_nodes("\n".join(lines_of(parser)))


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of a parser's commands, by their names."""
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(commands.choices)


def lines_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a command in Markdown."""
    formatter = parser._get_formatter()
    yield from (parser.description or "", "", "| option | does |", "|---|---|")
    for action in parser._actions:
        does = formatter._expand_help(action) if action.help else ""
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        names = [f"`{flag}{value}`" for flag in action.option_strings] or [f"`{value.strip()}`"]
        required = ". Required" if action.required and action.option_strings else ""
        yield f"| {', '.join(names)} | {escaped(does)}{required} |"


def escaped(text: str) -> str:
    """Return a text as it reads in a cell of a Markdown table."""
    return re.sub(r"([|*_{}<>`\\])", r"\\\1", text)
