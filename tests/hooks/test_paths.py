"""Paths in every form that Airflow's users have in hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from airflow_provider_cdf_records.hooks.cdf_records import CdfRecordsHook
from airflow_provider_cdf_records.hooks.paths import storage_path
from airflow_provider_cdf_records.version_compat import object_storage_path
from tests.local_cdf import LocalCdf
from tests.sample_records import CONTAINER, SPACE, STREAM


class Text(str):
    """As templates with their own kinds of text give it."""


FORMS = {
    "text": str,
    "a kind of text": Text,
    "Path": Path,
    "UPath": UPath,
    "ObjectStoragePath": object_storage_path,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_argument_takes_a_path_in_any_form(cdf: LocalCdf, tmp_path: Path, form: str) -> None:
    make: Callable[[str], Any] = FORMS[form]
    rows = [{"id": "a", "number": 1}, {"id": "b", "number": "x"}]
    (tmp_path / "rows.ndjson").write_text("\n".join(map(json.dumps, rows)))
    source = {"space": SPACE, "container": CONTAINER, "properties": {"number": "number"}}
    mapping = {"space": SPACE, "external_id": "{id}", "sources": [source]}
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    CdfRecordsHook().upsert_file(
        STREAM,
        make(str(tmp_path / "rows.ndjson")),
        mapping=make(str(tmp_path / "mapping.json")),
        max_rejected=1,
        rejected_path=make(str(tmp_path / "rejected.ndjson")),
    )
    assert cdf.held().keys() == {"a"}
    assert len((tmp_path / "rejected.ndjson").read_text().splitlines()) == 1


def test_objects_in_other_storage_keep_their_options() -> None:
    given = UPath("memory://bucket/a.ndjson", skip_instance_cache=True)
    assert isinstance(given.fs, MemoryFileSystem)
    assert storage_path(given, "path") is given
