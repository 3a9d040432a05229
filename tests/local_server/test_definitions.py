"""A file of spaces, containers and streams that the server starts with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_provider_cdf_records.local_server import LocalServer
from airflow_provider_cdf_records.local_server.definitions import DefinitionsError
from tests.local_server.conftest import Raw
from tests.local_server.test_running import command, raw_of, refused_start

YAML = """
spaces: [plant, {space: other, name: Another}]
containers:
  - space: plant
    externalId: Alarm
    properties:
      severity: text
      tags: [text]
      state: {type: enum, values: {open: {}, shut: {}}, nullable: false}
      value: {type: {type: float64}, defaultValue: 1.5}
streams:
  - alarms
  - {externalId: archive, template: BasicArchive}
  - {externalId: tests, settings: {template: {name: ImmutableTestStream}}}
"""


def check_defined(raw: Raw) -> None:
    assert {space["space"] for space in raw.get("/models/spaces").json()["items"]} == {"plant", "other"}
    (container,) = raw.get("/models/containers").json()["items"]
    assert container["usedFor"] == "record"
    types = {name: held["type"] for name, held in container["properties"].items()}
    assert (types["severity"]["type"], types["severity"]["list"]) == ("text", False)
    assert (types["tags"]["type"], types["tags"]["list"]) == ("text", True)
    assert (types["state"]["type"], set(types["state"]["values"])) == ("enum", {"open", "shut"})
    assert not container["properties"]["state"]["nullable"]
    assert container["properties"]["value"]["defaultValue"] == 1.5
    streams = {stream["externalId"]: stream["type"] for stream in raw.get("/streams").json()["items"]}
    assert streams == {"alarms": "Mutable", "archive": "Immutable", "tests": "Immutable"}


def test_the_command_line_loads_yaml_and_starts_again_with_it(tmp_path: Path) -> None:
    (tmp_path / "cdf.yaml").write_text(YAML)
    arguments = ["--database", str(tmp_path / "cdf.sqlite"), "--load", str(tmp_path / "cdf.yaml")]
    for _ in range(2):
        with command(*arguments) as (_, (_, export)):
            check_defined(raw_of(export))


def test_json_is_loaded_too(server: LocalServer, tmp_path: Path) -> None:
    (tmp_path / "cdf.json").write_text(json.dumps(yaml.safe_load(YAML)))
    server.load(tmp_path / "cdf.json")
    check_defined(Raw(server.url, server.settings))


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ([], "expected an object of spaces, containers, streams"),
        ({"space": ["s"]}, "expected an object of spaces, containers, streams"),
        ({"spaces": "s"}, "spaces: expected a list"),
        ({"spaces": ["s", "1"]}, "spaces[1]: space: '1' does not match"),
        (
            {"containers": [{"space": "s", "externalId": "C"}]},
            "containers[0]: properties: expected an object",
        ),
        (
            {
                "spaces": ["s"],
                "containers": [{"space": "s", "externalId": "C", "properties": {"p": "string"}}],
            },
            "containers[0]: properties.p.type.type: 'string' is not one of",
        ),
        (
            {"containers": [{"space": "none", "externalId": "C", "properties": {"p": "text"}}]},
            "containers[0]: space: space 'none' does not exist",
        ),
        (
            {"streams": [{"externalId": "s", "template": "None"}]},
            "streams[0]: settings.template.name: 'None'",
        ),
        ({"streams": [7]}, "streams[0]: expected an object"),
    ],
)
def test_a_wrong_definition_is_named(server: LocalServer, definitions: Any, message: str) -> None:
    with pytest.raises(DefinitionsError) as refused:
        server.load(definitions)
    assert message in str(refused.value)


def test_what_yaml_takes_for_true_is_no_enum_value(server: LocalServer) -> None:
    states = {"type": "enum", "values": {True: {}, False: {}}}
    container = {"space": "s", "externalId": "C", "properties": {"state": states}}
    with pytest.raises(DefinitionsError, match="values of an enum type: expected a string, got boolean"):
        server.load({"spaces": ["s"], "containers": [container]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.yaml", None, "No such file"),
        ("broken.yaml", "spaces: [", "not YAML"),
        ("broken.json", "{", "not JSON"),
        ("wrong.yaml", "streams: [Upper]", "streams[0]: externalId: 'Upper' does not match"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(
    tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    if message == "not YAML":
        with LocalServer() as server, pytest.raises(DefinitionsError, match=message):
            server.load(path)
        return
    assert message in refused_start("--load", str(path), "--database", str(tmp_path / "cdf.sqlite"))


def test_without_pyyaml_it_says_what_to_install(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cdf.yaml").write_text(YAML)
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(DefinitionsError, match="pip install pyyaml"):
        server.load(tmp_path / "cdf.yaml")
