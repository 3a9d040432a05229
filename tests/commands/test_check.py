from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_cdf_records.commands import findings
from airflow_provider_cdf_records.local_server import LocalServer
from tests.commands.running import FILES, Answer, Commands

MAPPING = {
    "space": "plant",
    "external_id": "{id}",
    "sources": [{"space": "plant", "container": "Alarm", "properties": {"n": "n", "on": "on"}}],
}
CONTAINERS = """
spaces: [plant]
containers:
  - {space: plant, externalId: Alarm, properties: {n: int32, "on": {type: boolean, nullable: false}}}
"""


class Checking:
    """A file, its mapping and its containers."""

    def __init__(self, commands: Commands, folder: Path) -> None:
        self.commands = commands
        self.file = folder / "rows.csv"
        self.mapping = folder / "mapping.json"
        self.containers = folder / "cdf.yaml"
        self.mapping.write_text(json.dumps(MAPPING))
        self.containers.write_text(CONTAINERS)

    def check(self, text: str, *more: object, known: bool = True) -> Answer:
        self.file.write_text(text)
        containers = ["--containers", self.containers] if known else []
        return self.commands.run("check", self.file, "--mapping", self.mapping, *containers, *more)


@pytest.fixture
def checking(commands: Commands, tmp_path: Path) -> Checking:
    return Checking(commands, tmp_path)


def test_the_first_records_are_shown_as_cdf_would_get_them(checking: Checking) -> None:
    answer = checking.check("id,n,on\na,1,yes\nb,2,no\nc,3,yes\nd,4,no\n")
    assert answer.code == 0
    lines = [line.split() for line in answer.out.splitlines()]
    assert ["externalId", "a", "b", "c"] in lines
    assert ["n", "int32", "1", "2", "3"] in lines
    assert ["on", "boolean", "true", "false", "true"] in lines
    assert "4 rows: 4 would be sent, 0 rejected." in answer.out


def test_what_would_be_rejected_is_told_by_reason_with_examples(checking: Checking) -> None:
    rows = "".join(f"r{number},{'x' * (number % 2)}{number},yes\n" for number in range(10))
    answer = checking.check(f"id,n,on\n{rows}z,1,\nw\n")
    assert answer.code == 1
    assert "12 rows: 5 would be sent, 7 rejected" in answer.out
    assert "5 x column 'n' -> plant/Alarm.n: expected int32" in answer.out
    assert f"row 2 of {checking.file}: column 'n' -> plant/Alarm.n: expected int32, got" in answer.out
    assert '{"id":"r1","n":"x1","on":"yes"}' in answer.out
    assert "1 x column 'on'" in answer.out
    assert "not nullable" in answer.out
    assert answer.out.count("expected int32, got") == findings.EXAMPLES


def test_rows_that_replace_others_are_counted(checking: Checking) -> None:
    answer = checking.check("id,n,on\na,1,yes\na,2,no\nb,2,no\n")
    assert answer.code == 0
    assert "1 row with the identity of an earlier row" in answer.out
    assert "plant/a" in answer.out


def test_identities_are_compared_in_bounded_memory(
    checking: Checking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MOST_IDENTITIES", 1000)
    rows = "".join(f"r{number},1,yes\n" for number in range(5000))
    answer = checking.check(f"id,n,on\n{rows}")
    assert "Identities were compared among the first 1,000 rows." in answer.out


def test_without_containers_it_says_that_types_are_not_known(checking: Checking) -> None:
    answer = checking.check("id,n,on\na,x,maybe\n", known=False)
    assert answer.code == 0
    assert "The types are not known" in answer.out


def test_containers_come_from_cdf(checking: Checking, cdf_local_server: LocalServer) -> None:
    cdf_local_server.load(checking.containers)
    answer = checking.check("id,n,on\na,x,yes\n", "--conn-id", "cdf_default", known=False)
    assert answer.code == 1
    assert "expected int32" in answer.out


def test_a_connection_that_does_not_exist_is_a_line(checking: Checking) -> None:
    answer = checking.check("id,n,on\na,1,yes\n", "--conn-id", "nowhere", known=False)
    assert answer.code == 2
    assert "nowhere" in answer.error
    assert "Traceback" not in answer.error


@pytest.mark.parametrize("limit", [1, 3, 5])
def test_a_limit_counts_rejected_rows_too(limit: int, checking: Checking) -> None:
    answer = checking.check("id,n,on\nb\na,1,yes\nc\nd,x,yes\ne,1,no\nf,1,no\n", "--limit", limit)
    assert f"{limit} row" in answer.out
    assert f"first {limit} at most" in answer.out


def test_a_file_that_ends_the_load_is_told_with_what_came_before(checking: Checking, tmp_path: Path) -> None:
    broken = tmp_path / "rows.json"
    broken.write_text('[{"id": "a", "n": 1, "on": true}, {"id": "b"')
    answer = checking.commands.run(
        "check", broken, "--mapping", checking.mapping, "--containers", checking.containers
    )
    assert answer.code == 1
    assert "The load would end after" in answer.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"external_id": 1}, "external_id"),
        ({"sources": []}, "sources"),
        ({"more": 1}, "unknown field"),
        ({"external_id": "{missing}"}, "missing"),
    ],
)
def test_a_wrong_mapping_is_a_usage_error(change: dict[str, Any], message: str, checking: Checking) -> None:
    checking.mapping.write_text(json.dumps(MAPPING | change))
    answer = checking.check("id,n,on\na,1,yes\n")
    assert answer.code == 2
    assert message in answer.error
    assert "Traceback" not in answer.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mapping", "nothing.json"], "--mapping nothing.json cannot be read"),
        (["--mapping", FILES / "valves.csv"], "is not JSON"),
        (["--containers", "nothing.yaml"], "--containers nothing.yaml cannot be read"),
        (["--containers", FILES / "batches.json"], "must be an object with a list 'containers'"),
        (["--conn-id", "cdf_default"], "give one of them"),
        (["--limit", "0"], "--limit"),
        (["--file-options", "{"], "JSON object"),
        (["--file-options", '{"x": 1}'], "'x' is not an option of csv"),
    ],
)
def test_a_wrong_argument_is_a_line(arguments: list[str], message: str, checking: Checking) -> None:
    answer = checking.check("id,n,on\na,1,yes\n", *arguments)
    assert answer.code == 2
    assert message in answer.error
    assert "Traceback" not in answer.error


def test_containers_of_another_name_are_told(checking: Checking) -> None:
    checking.containers.write_text(CONTAINERS.replace("Alarm", "Other"))
    answer = checking.check("id,n,on\na,1,yes\n")
    assert answer.code == 2
    assert "does not define plant/Alarm" in answer.error


def test_the_apis_own_form_of_a_container_is_taken(checking: Checking, tmp_path: Path) -> None:
    definition = {
        "space": "plant",
        "externalId": "Alarm",
        "usedFor": "record",
        "properties": {"n": {"type": {"type": "int32"}}, "on": {"type": {"type": "boolean", "list": False}}},
    }
    containers = tmp_path / "cdf.json"
    containers.write_text(json.dumps({"containers": [definition]}))
    answer = checking.check("id,n,on\na,x,yes\n", "--containers", containers)
    assert answer.code == 1


def test_reasons_are_bounded(checking: Checking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MOST_REASONS", 1)
    answer = checking.check("id,n,on\na,x,yes\nb,1,\nc,1,maybe\n")
    assert "2 x other reasons" in answer.out


def test_control_characters_do_not_reach_the_terminal(checking: Checking) -> None:
    answer = checking.check("id,n,on\na\x1b[31m,1,yes\nb,\x1b[31m,yes\n")
    assert "\x1b" not in answer.out


def test_nothing_is_written(checking: Checking, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    checking.check("id,n,on\na,x,yes\n")
    assert sorted(os.listdir(tmp_path)) == sorted({*before, "rows.csv"})


def test_slices_and_several_files_are_checked_as_the_operator_loads_them(checking: Checking) -> None:
    text = "id,n,on\na,1,yes\nb,2,no\nc,x,yes\n"
    assert "3 rows: 2 would be sent, 1 rejected." in checking.check(text).out
    first, second = f"{checking.file}#bytes=0-15", f"{checking.file}#bytes=23-"
    for files, numbers in (
        ([first], "1 row: 1 would be sent, 0 rejected."),
        ([second], "1 row: 0 would be sent, 1 rejected."),
        ([second, checking.file, first], "5 rows: 3 would be sent, 2 rejected."),
    ):
        answer = checking.commands.run(
            "check", *files, "--mapping", checking.mapping, "--containers", checking.containers
        )
        assert numbers in answer.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("rows.csv#byte=0-15", "does not exist. Slices are written #bytes=first-last"),
        ("other.csv#bytes=0-15", "other.csv does not exist."),
        ("#bytes=0-15", "has a slice, and is no file"),
        ("rows.csv#bytes=9-3", "ends before it begins"),
        (f"{'x' * 300}.csv#bytes=0-15", "File name too long"),
        (f"{'x' * 300}.csv", "File name too long"),
    ],
)
def test_a_slice_that_cannot_be_checked_is_told(checking: Checking, name: str, words: str) -> None:
    checking.file.write_text("id,n,on\na,1,yes\n")
    path = f"{checking.file.parent}{'' if name.startswith('#') else '/'}{name}"
    answer = checking.commands.run("check", path, "--mapping", checking.mapping)
    assert answer.code == 2
    assert words in answer.error
    assert "Traceback" not in answer.error


def test_a_suggestion_of_a_slice_is_refused(checking: Checking, tmp_path: Path) -> None:
    checking.file.write_text("id,n,on\na,1,yes\n")
    path = f"{checking.file}#bytes=0-7"
    answer = checking.commands.run("suggest", path, "--space", "a", "--container", "A", "--out", tmp_path)
    assert answer.code == 2
    assert "has a slice, and this command reads whole files" in answer.error
