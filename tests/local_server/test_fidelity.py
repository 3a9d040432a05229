"""FIDELITY.md names everything that is inferred about CDF, and all that it names is in the code."""

from __future__ import annotations

import re
from pathlib import Path

import airflow_provider_cdf_records.local_server as package

FOLDER = Path(package.__file__).parent
TABLE = (FOLDER / "FIDELITY.md").read_text()


def test_each_inferred_constant_is_in_the_table() -> None:
    facts = (FOLDER / "checks" / "facts.py").read_text()
    inferred = re.findall(r"^([A-Z_, ]+) = .*# (?:[DS], )?I\b", facts, re.MULTILINE)
    names = {name for group in inferred for name in group.split(", ")}
    assert len(names) >= 10
    assert {name for name in names if f"`{name}`" not in TABLE} == set()


def test_what_the_table_names_is_in_the_code() -> None:
    code = "".join(path.read_text() for path in FOLDER.rglob("*.py"))
    named = set(re.findall(r"\(`([A-Za-z_./]+)`", TABLE)) - {"facts.py"}
    assert len(named) >= 20
    for name in named:
        last = name.rpartition(".")[2]
        assert any(FOLDER.rglob(name)) or re.search(rf"\b{last}\b", code), name
