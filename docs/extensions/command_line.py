"""Shows a command's options, as its ``argparse`` parser has them: ``{command-line} module``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the directive known."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True}


class CommandLine(SphinxDirective):
    """The commands of the function ``parser`` of a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return a section for each command."""
        parser = import_module(self.arguments[0]).parser()
        lines = [line for one in commands_of(parser) for line in lines_of(one)]
        holder = nodes.section()
        holder.document = self.state.document
        nested_parse_with_titles(self.state, StringList(lines, source=self.arguments[0]), holder)
        return holder.children


def commands_of(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parsers of a parser's commands, or itself where it has none."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices.values())
    return [parser]


def lines_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield what reStructuredText says of a command: a section with a table."""
    yield from (f"``{parser.prog}``", "=" * (len(parser.prog) + 4), "", parser.description or "", "")
    yield from (".. list-table::", "   :widths: 35 65", "")
    formatter = parser._get_formatter()
    for action in parser._actions:
        help_text = formatter._expand_help(action) if action.help else ""
        value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
        names = [f"``{flag}{value}``" for flag in action.option_strings] or [f"``{value.strip()}``"]
        required = " (required)" if action.required and action.option_strings else ""
        yield from (f"   * - {', '.join(names)}{required}", f"     - {help_text.replace('*', chr(92) + '*')}")
    yield ""
