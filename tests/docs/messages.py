"""The messages of the package, as its source has them, and the entries of the page that explains them.

A message is a text that a user may see: of an error, of a rejected row, or of a warning in the log. In it,
``{}`` stands for what is filled in when it is shown, and ``…`` in an entry, the beginning of a message.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# What a message is assigned to, handed to, or returned by.
NAMES = re.compile("msg|message|why|problems?|reason|expected")
CALLS = re.compile(
    r"[A-Z]\w*(?:Error|Exception)|Unreadable|UnreadableRow|NoTimeZone|_?refused?|_unusable|_with_unreadable|_not_of_cdf"
    r"|_time_out|check_not_mapped|start_over|warn(?:ing)?|error|exception|log|fail|__init__"
)
FUNCTIONS = re.compile(
    r"problems?(?:_\w+)?|_?explain(?:_\w+|ed)?|_describe_\w+|\w+_problems|_problems_in|_restarted"
    r"|_too_many_alike|_default_not_defined|_?missing(?:_\w+)?|(?:\w+Error|Summary|NotAnObject)\.__str__"
)
PACKAGE = "airflow_provider_cdf_records"
EMPTY = ast.parse("")
APART = {"local_server"}  # its messages are CDF's
PIECE = re.compile(r"[ ,;(]")  # how a text begins that is appended to a message
WORD = re.compile(r"[A-Za-z]{2,}")
FILLED_IN = re.compile(r"%(?:\.\d+)?[sdrfg]")  # in a text of the log

TABLE = re.compile(r"^\| What you see \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", re.MULTILINE)
FIRST_CELL = re.compile(r"\| (.*?[^\\]) \|")
CODE = re.compile(r"(`+)(.+?)(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Message:
    """A text in the source; ``{}`` in it is what is filled in."""

    text: str
    place: str


@dataclass(frozen=True)
class Source:
    """The package's modules, each with its path."""

    trees: dict[str, ast.Module]

    @classmethod
    def of(cls, folder: Path) -> Source:
        """Read all modules in a folder."""
        paths = [path.relative_to(folder) for path in sorted(folder.rglob("*.py"))]
        return cls(
            {
                path.as_posix(): ast.parse((folder / path).read_text())
                for path in paths
                if not APART & set(path.parts)
            }
        )

    def messages(self) -> list[Message]:
        """Find what a user may see as a message, with its place."""
        found = {}
        for path, tree in self.trees.items():
            constants = self._constants_known_in(tree)
            for sink in _sinks(tree, ""):
                for line, text in _texts(sink, constants):
                    if _is_message(text):
                        found[text] = Message(text, f"{path}:{line}")
        return list(found.values())

    def texts(self) -> set[str]:
        """Find all texts but docstrings: messages, what is appended to them, and other lines of the log."""
        return {
            text.lstrip(" ,;(")
            for tree in self.trees.values()
            for constants in [self._constants_known_in(tree)]
            for node in _without_docstrings(tree)
            for _, text in _texts(node, constants)
        }

    def _constants_known_in(self, tree: ast.Module) -> dict[str, str]:
        """Return a module's constants, and those that it imports from the package, by their names."""
        known = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
                folder = node.module.removeprefix(PACKAGE).lstrip(".").replace(".", "/")
                there = dict(_constants(self.trees.get(f"{folder}.py", EMPTY)))
                for alias in node.names:
                    name = alias.asname or alias.name
                    inside = _constants(self.trees.get(f"{folder}/{alias.name}.py", EMPTY))
                    known |= {f"{name}.{constant}": text for constant, text in inside}
                    if alias.name in there:
                        known[name] = there[alias.name]
        return known | dict(_constants(tree))


def _is_message(text: str) -> bool:
    return " " in text and len(WORD.findall(text)) > 1 and not PIECE.match(text)


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Give the names of a module, each with its text, or ``{}`` where it stands for something else."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            texts = [text for _, text in _texts(node.value, {})]
            yield node.targets[0].id, texts[0] if len(texts) == 1 else "{}"


def _sinks(node: ast.AST, function: str) -> Iterator[ast.AST]:
    """Give what is assigned to a message, handed over as one, or returned as one."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = f"{function}.__str__" if node.name == "__str__" else node.name
    elif isinstance(node, ast.ClassDef):
        function = node.name
    is_returned = isinstance(node, ast.Return | ast.Yield) and FUNCTIONS.fullmatch(function)
    is_appended = (
        isinstance(node, ast.Call) and _name(node.func) == "append" and FUNCTIONS.fullmatch(function)
    )
    if isinstance(node, ast.Call) and (is_appended or CALLS.fullmatch(_name(node.func))):
        yield from [argument for argument in node.args if any(_texts(argument, {}))][:1]
        yield from (argument for argument in node.args if isinstance(argument, ast.Name))
    is_assigned = isinstance(node, ast.Assign) and NAMES.fullmatch(_name(node.targets[0]))
    if (is_assigned or is_returned) and node.value:
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from _sinks(child, function)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _path(node: ast.AST) -> str:
    """Return a name as it is written, such as ``values.HOST``."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _without_docstrings(node: ast.AST) -> Iterator[ast.AST]:
    """Give a node and what is in it, but no text that stands alone."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _without_docstrings(child)


def _texts(node: ast.AST, constants: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Give the texts in an expression, but not those that are filled into another."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, FILLED_IN.sub("{}", node.value)
    elif isinstance(node, ast.JoinedStr):
        yield node.lineno, "".join(_part(part, constants) for part in node.values)
    elif _path(node) in constants:
        yield node.lineno, constants[_path(node)]
    elif isinstance(node, ast.IfExp | ast.BoolOp | ast.BinOp | ast.Tuple):
        for child in ast.iter_child_nodes(node):
            if child is not getattr(node, "test", None):
                yield from _texts(child, constants)


def _part(part: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    value = part.value if isinstance(part, ast.FormattedValue) else part
    return constants.get(_path(value), "{}")


def entries_in(page: str) -> list[str]:
    """Find the entries in a page: the code in the first cells of the tables of what one sees."""
    rows = [row for table in TABLE.findall(page) for row in table.splitlines()]
    cells = [cell[1] for row in rows if (cell := FIRST_CELL.match(row))]
    return [code.strip().replace("\\|", "|") for cell in cells for _, code in CODE.findall(cell)]


def pattern_of(entry: str) -> re.Pattern[str]:
    """Make the pattern of an entry.

    Each ``…`` of it stands for something that is filled in; one at its beginning may be missing.
    """
    start, entry = (r"(?:.*?\s)?", entry[2:]) if entry.startswith("… ") else ("", entry)
    parts = [re.escape(part) for part in entry.removesuffix("…").rstrip().split("…")]
    return re.compile(start + r".*?\{\}.*?".join(parts), re.DOTALL)
