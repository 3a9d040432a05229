"""``check`` reads a file of definitions by itself, and must read it as the local server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow_provider_cdf_records.commands.containers import schema_in
from airflow_provider_cdf_records.mapping import ContainerId
from tests.local_cdf import LocalCdf

EVERY_FORM = """
spaces: [forms]
containers:
  - space: forms
    externalId: Form
    properties:
      plain: text
      listed: [int64]
      inside: {type: enum, values: {open: {}, shut: {}}, list: true, nullable: false}
      limited: {type: text, maxTextSize: 100, name: Limited, description: a text}
      outside: {type: float64, defaultValue: 1.5, nullable: false, immutable: true, autoIncrement: false}
      whole: {type: {type: direct, list: true, maxListSize: 7}}
"""


def common(definition: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    """Return what a definition of the server says about what the other one has."""
    return {
        name: common(definition[name], value) if isinstance(value, dict) else definition[name]
        for name, value in defined.items()
    }


def test_every_form_of_a_definition_is_read_as_the_local_server_reads_it(
    cdf: LocalCdf, tmp_path: Path
) -> None:
    path = tmp_path / "forms.yaml"
    path.write_text(EVERY_FORM)
    cdf.server.load(path)
    (container,) = cdf.client.containers_by_ids([{"space": "forms", "externalId": "Form"}])
    properties = schema_in(str(path)).properties(ContainerId("forms", "Form"))
    assert properties is not None
    assert properties.keys() == container["properties"].keys()
    assert common(container["properties"], dict(properties)) == properties
