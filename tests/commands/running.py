"""Runs the commands in this process, and loads what `suggest` wrote as its DAG would."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_cdf_records.commands.running import main
from airflow_provider_cdf_records.operators.cdf_records import CdfRecordsUpsertOperator

FILES = Path(__file__).parent / "files"


@dataclass
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    error: str


class Commands:
    """Runs commands; what ``suggest`` writes is in ``folder``."""

    def __init__(self, capsys: pytest.CaptureFixture[str], folder: Path) -> None:
        self._capsys = capsys
        self.folder = folder

    def run(self, *arguments: object) -> Answer:
        self._capsys.readouterr()
        try:
            code = main(list(map(str, arguments)))
        except SystemExit as end:  # of argparse
            code = int(end.code or 0)
        out, error = self._capsys.readouterr()
        return Answer(code, out, error)

    def suggest(self, file: Path, *more: object) -> Suggested:
        answer = self.run(
            "suggest", file, "--space", "plant", "--container", "Thing", "--out", self.folder, *more
        )
        assert answer.code == 0, answer.error
        return Suggested(self.folder, answer.out)

    def check(self, suggested: Suggested, *more: object) -> Answer:
        """Check the file that a suggestion is for, with what it says."""
        task = suggested.task
        formats = ["--file-format", task["file_format"]] if "file_format" in task else []
        return self.run(
            "check",
            task["path"],
            "--mapping",
            suggested.folder / task["mapping"],
            "--containers",
            suggested.folder / "cdf.yaml",
            "--file-options",
            json.dumps(task.get("file_options", {})),
            *formats,
            *more,
        )


@dataclass
class Suggested:
    """The files that ``suggest`` wrote."""

    folder: Path
    out: str

    @property
    def definitions(self) -> str:
        return (self.folder / "cdf.yaml").read_text(encoding="utf-8")

    @property
    def properties(self) -> dict[str, Any]:
        """The container's properties: a type, or all that is said of it."""
        return yaml.safe_load(self.definitions)["containers"][0]["properties"]

    @property
    def types(self) -> dict[str, str]:
        """The names of the properties' types; ``text[]`` for a list."""
        return {name: type_name(prop) for name, prop in self.properties.items()}

    @property
    def mapping(self) -> dict[str, Any]:
        return json.loads((self.folder / "thing.json").read_text(encoding="utf-8"))

    @property
    def mapped(self) -> dict[str, Any]:
        return self.mapping["sources"][0]["properties"]

    @property
    def dag(self) -> str:
        return (self.folder / "load_thing.py").read_text(encoding="utf-8")

    @property
    def task(self) -> dict[str, Any]:
        """The arguments of the DAG's operator."""
        (call,) = [
            node
            for node in ast.walk(ast.parse(self.dag))
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "CdfRecordsUpsertOperator"
        ]
        return {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}

    @property
    def file_options(self) -> dict[str, Any]:
        return self.task.get("file_options", {})

    def load(self, rejected: Path) -> dict[str, Any]:
        """Load the file as the DAG does, and return the summary."""
        more = {"mapping": str(self.folder / self.task["mapping"]), "rejected_path": str(rejected)}
        return CdfRecordsUpsertOperator(**self.task | more).execute({})


def type_name(prop: Any) -> str:
    if isinstance(prop, list):
        return f"{prop[0]}[]"
    if isinstance(prop, dict):
        return f"{prop['type']}[]" if prop.get("list") else prop["type"]
    return prop
