"""What a wheel must hold, and what the package imports is among its dependencies."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from zipfile import ZipFile

import pytest

from dev.check_dist import PACKAGE, ROOT, problems

FILES = {f"{PACKAGE}/__init__.py": "", f"{PACKAGE}/http/ui/index.html": "<p>", f"{PACKAGE}/py.typed": ""}
# Airflow needs these itself, requests the third; where the last two are not, what imports them is not used.
BROUGHT = {"airflow", "cryptography", "jwt", "urllib3", "openlineage", "pytest"}
INFO = f"{PACKAGE}-1.0.dist-info/METADATA"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / PACKAGE / "__init__.cpython-311.pyc").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({f"{PACKAGE}/http/ui/index.html": None}, [f"{PACKAGE}/http/ui/index.html is missing"]),
        ({f"{PACKAGE}/py.typed": "old"}, [f"{PACKAGE}/py.typed is another than here"]),
        ({"tests/test_house.py": ""}, ["tests/test_house.py does not belong there"]),
    ],
)
def test_what_is_wrong_with_a_wheel_is_named(
    source: Path, changes: dict[str, str | None], found: list[str]
) -> None:
    wheel = source / "package.whl"
    with ZipFile(wheel, "w") as archive:
        for name, text in {**FILES, INFO: "", **changes}.items():
            if text is not None:
                archive.writestr(name, text)
    assert problems(wheel, source) == found


def imported() -> dict[str, str]:
    """Return the modules of others that the package imports at their load, each with a file that does."""
    found: dict[str, str] = {}
    for path in (ROOT / PACKAGE).rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found.update({name.partition(".")[0]: str(path.relative_to(ROOT)) for name in names})
    return {name: path for name, path in found.items() if name not in {*sys.stdlib_module_names, PACKAGE}}


def test_what_the_package_imports_is_among_its_dependencies() -> None:
    needed = requires("airflow-provider-cdf-records") or []
    declared = {match[0].lower() for line in needed if (match := re.match(r"[\w.-]+", line))}
    providers = packages_distributions()
    missing = {
        name: path
        for name, path in imported().items()
        if name not in BROUGHT and not declared & {each.lower() for each in providers.get(name, [])}
    }
    assert "requests" in imported()
    assert not missing
