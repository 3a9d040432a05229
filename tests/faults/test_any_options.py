"""Whatever the options of a file and its mapping are, they work or are refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.mutations import MAPPING, Seed, seeds_of_formats
from tests.faults.test_mutated_files import load_file

SEEDS = {seed.name: seed for seed in seeds_of_formats()}
OPTIONS = {
    *("delimiter", "encoding", "encoding_errors", "header", "null_values", "skip_rows", "skip_footer"),
    *("comment", "quotechar", "escapechar", "skip_initial_space", "decimal", "thousands", "items", "other"),
}
KEYS = {
    *("null_values", "nan", "decimal", "thousands", "true", "false", "timestamp", "time_zone", "fold"),
    *("nulls", "direct", "delimiter", "optional"),
}
ENCODINGS = ["utf-16", "utf-8-sig", "rot13", "hex", "idna", "punycode", "unicode_escape", "utf-7", "cp037"]
WORDS = [
    *(
        "",
        ",",
        ";",
        "\t",
        "||",
        "a",
        "\\",
        "\n",
        "\0",
        "\ud800",
        ".",
        "#",
        " ",
        "'",
        '"',
        "-",
        "0",
        "[",
        ".*",
    ),
    *("reject", "null", "ms", "ns", "%Y", "%Q", "%", "%z", "last", "Europe/Oslo", "../etc/passwd", "a..b"),
]
one = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**20),
    st.floats(),
    st.binary(max_size=2),
    st.sampled_from(WORDS + ENCODINGS),
    st.text(max_size=3),
)
anything = st.one_of(one, st.lists(one, max_size=3), st.dictionaries(st.sampled_from(["column", "a"]), one))
some_options = st.dictionaries(st.sampled_from(sorted(OPTIONS)), anything, max_size=3)
some_keys = st.dictionaries(st.sampled_from(sorted(KEYS)), anything, max_size=2)


def check(seed: Seed) -> None:
    with TemporaryDirectory() as folder:
        outcome = load_file(seed, seed.pack(seed.content), Path(folder))
    if outcome.error is not None:
        assert getattr(outcome.error, "retryable", None) is False, repr(outcome.error)
        return
    numbers = outcome.numbers
    assert numbers["read"] == numbers["upserted"] + numbers["superseded"] + numbers["rejected"]


@pytest.mark.parametrize("name", ["quoted csv", "tsv", "ndjson", "json", "parquet", "csv.gz", "zip of two"])
@settings(max_examples=80)
@given(some_options)
def test_any_options_of_a_file_work_or_are_refused(name: str, options: dict[str, Any]) -> None:
    seed = SEEDS[name]
    check(Seed(name, seed.file_name, seed.content, options=seed.options | options))


@pytest.mark.parametrize("name", ["quoted csv", "ndjson", "parquet"])
@settings(max_examples=80)
@given(some_keys, some_keys, st.sampled_from(["text", "number", "count", "flag", "time", "tags"]))
def test_any_keys_of_a_mapping_work_or_are_refused(
    name: str, of_all: dict[str, Any], of_one: dict[str, Any], prop: str
) -> None:
    seed, mapping = SEEDS[name], json.loads(json.dumps(MAPPING))
    properties = mapping["sources"][0]["properties"]
    properties[prop] = {"column": "value" if prop == "number" else prop} | of_one
    check(Seed(name, seed.file_name, seed.content, mapping | of_all, seed.options))
