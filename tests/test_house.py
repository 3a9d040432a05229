"""The order of the package: what each module may use, know and weigh, read from its source alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = "airflow_provider_cdf_records"
FOLDER = Path(__file__).parent.parent / PACKAGE
LONGEST = 300  # lines

# From top to bottom: a room may use those further down, and none beside it.
FLOORS = (
    {"__main__"},
    {"decorators", "queues"},
    {"operators", "sensors", "commands"},
    {"triggers", "links", "lineage", "retry_policies"},
    {"task_arguments"},
    {"assets"},
    {"hooks"},
    {"load", "waiting"},
    {"rejected", "mapping", "sources"},
    {"records"},
)
USES_CLIENT = {"load", "waiting", "hooks", "sensors", "triggers"}
APART = {"client", "local_server"}  # these use no other room
BESIDE = {
    ("rejected", "sources.storage"),
    ("rejected", "sources.storage_errors"),
}  # how to open a path is what both stand on
TOP_LEVEL = {"__init__", "get_provider_info", "version_compat"}  # any room may use these; they use no room

SERVER = f"{PACKAGE}.local_server"
SERVER_FLOORS = ({"http"}, {"state"}, {"language"}, {"checks"})
SERVER_GROUND = {"clock", "settings"}  # the server's own modules that its rooms may use, all but the last two

SAYS_UPSERT = (
    "load/verbs.py",
    "client/",
    "hooks/",
    "operators/",
    "decorators/",
    "get_provider_info.py",  # it registers the decorators
    "sensors/",
    "commands/",
    "local_server/",
)
FORMATS = {"ndjson", "csv", "tsv", "parquet", "arrow", "json"}
KNOWS_NO_FORMAT = {"sources", "load", "mapping", "records", "rejected"}
PROPERTY_TYPES = {("mapping", "json")}  # this one is the name of a property's type as well


@dataclass(frozen=True)
class Module:
    """A module's source; ``path`` begins below the package's folder, and so do ``parts``."""

    path: str
    text: str
    tree: ast.Module

    @property
    def parts(self) -> tuple[str, ...]:
        parts = Path(self.path).with_suffix("").parts
        return parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts

    @property
    def name(self) -> str:
        return ".".join((PACKAGE, *self.parts)).removesuffix(".__init__")

    @property
    def room(self) -> str:
        return self.parts[0]


def read(path: Path) -> Module:
    text = path.read_text()
    return Module(path.relative_to(FOLDER).as_posix(), text, ast.parse(text))


MODULES = [read(path) for path in sorted(FOLDER.rglob("*.py"))]
NAMES = {module.name for module in MODULES}
ROOMS = sorted({module.room for module in MODULES})

in_each_room = pytest.mark.parametrize("room", ROOMS)


def modules_of(room: str) -> Iterator[Module]:
    return (module for module in MODULES if module.room == room)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def imports_of(module: Module) -> Iterator[tuple[int, str, str]]:
    """Yield each import from the package: its line, what is imported in full, and the name it gets."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            found = [(one.name, one.asname or one.name.partition(".")[0]) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = origin_of(module, node)
            found = [(f"{origin}.{one.name}", one.asname or one.name) for one in node.names]
        else:
            continue
        for imported, name in found:
            if imported == PACKAGE or imported.startswith(f"{PACKAGE}."):
                yield node.lineno, imported, name


def origin_of(module: Module, node: ast.ImportFrom) -> str:
    """Return what ``from ... import`` names, in full also where it is relative."""
    if not node.level:
        return node.module or ""
    above = module.name.split(".")
    above = above[: len(above) - node.level + module.path.endswith("__init__.py")]
    return ".".join([*above, *([node.module] if node.module else [])])


def module_of(imported: str) -> str:
    """Return the module that something comes from: itself, or the one that it is a name in."""
    return imported if imported in NAMES else imported.rpartition(".")[0]


def root_of(node: ast.expr) -> str | None:
    """Return the name that ``name.and.so.on`` begins with."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def texts_in(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield names, docstrings and other literals with their lines; comments are not among them."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, str):
                yield getattr(node, "lineno", 0), value


def floor_of(room: str, floors: tuple[set[str], ...]) -> int | None:
    return next((number for number, rooms in enumerate(floors) if room in rooms), None)


def is_further_down(room: str, other: str, floors: tuple[set[str], ...]) -> bool:
    above, below = floor_of(room, floors), floor_of(other, floors)
    return above is not None and below is not None and above < below


def may_use(room: str, other: str) -> bool:
    if other == room or other in TOP_LEVEL:
        return True
    return is_further_down(room, other, FLOORS) or (other == "client" and room in USES_CLIENT)


def may_use_in_server(inner: str, other: str) -> bool:
    """Whether a room of the local server, or a module of no room, may use another one."""
    rooms = set().union(*SERVER_FLOORS)
    if inner not in rooms:
        return inner not in SERVER_GROUND or other in SERVER_GROUND | {"checks"}
    if other in SERVER_GROUND:
        return inner in ("http", "state")
    return other == inner or is_further_down(inner, other, SERVER_FLOORS)


def test_every_room_has_its_place_in_the_order() -> None:
    assert set(ROOMS) <= set().union(*FLOORS) | APART | TOP_LEVEL, "put the new room into FLOORS or APART"


@in_each_room
def test_no_module_is_long(room: str) -> None:
    lengths = {module.path: len(module.text.splitlines()) for module in modules_of(room)}
    too_long = [f"{path}: {length} lines" for path, length in lengths.items() if length > LONGEST]
    assert not too_long, "\n".join(too_long)


@in_each_room
def test_no_module_uses_private_names_of_another(room: str) -> None:
    found = []
    for module in modules_of(room):
        imported = {name: full for _, full, name in imports_of(module)}
        for line, full, _ in imports_of(module):
            if any(map(is_private, full.split("."))):
                found.append(f"{module.path}:{line}: {full}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr) and root_of(node) in imported:
                found.append(f"{module.path}:{node.lineno}: {ast.unparse(node)}")
    assert not found, "\n".join(found)


@in_each_room
def test_rooms_use_only_what_is_further_down(room: str) -> None:
    found = []
    for module in modules_of(room):
        for line, full, _ in imports_of(module):
            used = module_of(full).partition(".")[2]
            if (room, used) not in BESIDE and not may_use(room, used.partition(".")[0] or "__init__"):
                found.append(f"{module.path}:{line}: {full}")
    assert not found, "\n".join(found)


def test_rooms_of_the_local_server_use_only_what_is_further_down() -> None:
    found = []
    for module in modules_of("local_server"):
        inner = ".".join(module.parts[1:2])
        for line, full, _ in imports_of(module):
            used = module_of(full)
            other = used.removeprefix(SERVER).lstrip(".").partition(".")[0]
            if used.startswith(SERVER) and not may_use_in_server(inner, other):
                found.append(f"{module.path}:{line}: {full}")
    assert not found, "\n".join(found)


@in_each_room
def test_only_the_verbs_and_what_is_named_after_them_say_upsert(room: str) -> None:
    found = [
        f"{module.path}:{line}: {text if len(text) < LONGEST else 'docstring'}"
        for module in modules_of(room)
        if not module.path.startswith(SAYS_UPSERT)
        for line, text in texts_in(module.tree)
        if "upsert" in text.lower()
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", sorted(KNOWS_NO_FORMAT))
def test_only_the_formats_know_their_names(room: str) -> None:
    found = [
        f"{module.path}:{node.lineno}: {node.value}"
        for module in modules_of(room)
        if not module.path.startswith("sources/formats/")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value in FORMATS
        and (room, node.value) not in PROPERTY_TYPES
    ]
    assert not found, "\n".join(found)
