"""Whatever a file holds, its load ends with numbers that add up, or with an error that says where.

Valid files of every format and compression, those of the corpus among them, are changed at random. One that
fails is printed with its number, and loaded again alone with that number:
``CDF_FUZZ_FIRST=1234 CDF_FUZZ_FILES=1 .venv/bin/python -m pytest tests/faults/test_mutated_files.py``.
"""

from __future__ import annotations

import json
import logging
import os
import random
import resource
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest

from airflow_provider_cdf_records.client.transport import Traffic
from airflow_provider_cdf_records.hooks.sources import file_source
from airflow_provider_cdf_records.load.load import Load
from airflow_provider_cdf_records.load.verbs import UPSERT
from airflow_provider_cdf_records.local_server.checks.values import compile_check
from airflow_provider_cdf_records.mapping import read_mapping
from tests.faults.mutations import ROWS, Seed, changed, seeds_of_corpus, seeds_of_formats
from tests.files.corpus import ROW
from tests.files.corpus import lines_of as rejected_lines
from tests.sample_records import STREAM

FILES = int(os.environ.get("CDF_FUZZ_FILES", "1500"))
FIRST = int(os.environ.get("CDF_FUZZ_FIRST", "0"))
BLOCK = 50  # files a test
ALLOWED = 150  # MB that the process may grow by in a test
SHOWN = 2000  # bytes of a file that fails
SHARE_OF_FORMATS = 0.7  # of the files; the others are made of those of the corpus
SEEDS_OF_FORMATS, SEEDS_OF_CORPUS = seeds_of_formats(), seeds_of_corpus()
CHECKS = {name: compile_check(prop["type"], name) for name, prop in ROW["properties"].items()}
SILENT = logging.getLogger("tests.silent")
SILENT.setLevel(logging.CRITICAL + 1)


class AcceptingClient:
    """A CDF that accepts every record that the container allows, and keeps them."""

    project, base_url, traffic = "p", "http://localhost", Traffic()

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}

    def upsert_records(self, stream_id: str, body: bytes, **_: Any) -> None:
        for record in json.loads(body, parse_constant=pytest.fail)["items"]:
            properties = {}
            for source in record["sources"]:
                properties |= source["properties"]
            for name, value in properties.items():
                wrong = None if value is None else CHECKS[name](value)
                assert wrong is None, f"{name}: {wrong}"
            json.dumps(record, ensure_ascii=False).encode()  # fails for half of a surrogate pair
            assert record["externalId"], record
            assert "\0" not in record["externalId"], record
            self.held[record["externalId"]] = properties

    def inspect_token(self) -> Any:
        return None

    def retrieve_stream(self, stream_id: str, **_: Any) -> dict[str, Any]:
        return {"externalId": stream_id, "type": "Mutable"}

    def containers_by_ids(self, ids: Any) -> list[dict[str, Any]]:
        return [ROW]

    def cancel(self) -> None:
        pass


ACCEPTED = replace(UPSERT, send=AcceptingClient.upsert_records)


class Outcome(NamedTuple):
    """What came of a load: numbers or an error, and what was stored."""

    numbers: dict[str, Any]
    error: Exception | None
    held: dict[str, dict[str, Any]]
    rejected: list[dict[str, Any]]


def load(seed: Seed, content: bytes, folder: Path) -> Outcome:
    path, rejected_path = folder / seed.file_name, folder / "rejected.ndjson"
    path.write_bytes(content)
    rejected_path.unlink(missing_ok=True)
    client, numbers, error = AcceptingClient(), {}, None
    try:
        load = Load(
            client,  # type: ignore[arg-type]
            ACCEPTED,
            STREAM,
            file_source(path, {"file_options": seed.options}),
            mapping=None if seed.mapping is None else read_mapping(seed.mapping),
            max_rejected=1.0,
            rejected_path=rejected_path,
            log=SILENT,
        )
        numbers = load.run().as_dict()
    except Exception as failure:  # every error is looked at
        error = failure
    return Outcome(numbers, error, client.held, rejected_lines(rejected_path))


def mutant(number: int) -> tuple[Seed, bytes]:
    """Return the file of a number: what it is made of, and its content as changed."""
    draw = random.Random(number)
    seed = draw.choice(SEEDS_OF_FORMATS if draw.random() < SHARE_OF_FORMATS else SEEDS_OF_CORPUS)
    return seed, changed(seed.content, draw)


def check(number: int, folder: Path) -> None:
    """Change a file as its number says, and look at what comes of its load."""
    seed, content = mutant(number)
    outcome = load(seed, seed.pack(content), folder)
    if outcome.error is not None:
        check_error(outcome.error, seed)
        return
    numbers, held = outcome.numbers, outcome.held
    assert numbers["read"] == numbers["upserted"] + numbers["superseded"] + numbers["rejected"]
    assert len(held) <= numbers["upserted"]
    assert len(outcome.rejected) == numbers["rejected"]
    assert all(seed.file_name in line["where"] for line in outcome.rejected)
    is_text = content.isascii()  # a few bytes that are no compressed data any more
    if seed.has_checksum and seed.content not in content and not is_text:
        assert held == records_of(seed.name), "a changed file was loaded as if it were whole"
    if seed.lines:
        check_lines(seed, content, held)


def check_error(error: Exception, seed: Seed) -> None:
    is_ours = getattr(error, "retryable", None) is False
    assert is_ours, f"{type(error).__name__}: {error}"
    says_where = seed.file_name in str(error) or str(error).startswith("file_options: ")
    assert says_where, f"{type(error).__name__} does not name the file: {error}"


def check_lines(seed: Seed, content: bytes, held: dict[str, dict[str, Any]]) -> None:
    """Compare the records of all lines that are as they were."""
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if seed.header:
        if content.count(b'"') > 1 or lines.replace(b"\r", b"\n").split(b"\n")[0] != seed.header:
            return
        lines = lines.replace(b"\r", b"\n")
    as_before = [line for line in lines.split(b"\n") if line in seed.lines]
    others = b"\n".join(line for line in lines.split(b"\n") if line not in seed.lines)
    expected = records_of(seed.name)
    for line in as_before:
        external_id = seed.lines[line]
        if external_id.encode() not in others:
            assert held.get(external_id) == expected[external_id], f"{line!r} was left out or changed"


@cache
def records_of(name: str) -> dict[str, dict[str, Any]]:
    """Return the records of a file as it was."""
    (seed,) = (seed for seed in SEEDS_OF_FORMATS if seed.name == name)
    with TemporaryDirectory() as folder:
        outcome = load(seed, seed.pack(seed.content), Path(folder))
    assert outcome.error is None
    assert not outcome.rejected
    assert len(outcome.held) == len(ROWS)
    return outcome.held


def shown(number: int) -> str:
    seed, content = mutant(number)
    start = content if len(content) < SHOWN else content[:SHOWN] + b"..."
    return f"file {number}, made of {seed.name!r} ({seed.file_name}, {seed.options}): {start!r}"


@pytest.mark.parametrize("block", range(-(-FILES // BLOCK)))
def test_a_load_ends_with_numbers_that_add_up_or_an_error_that_says_where(block: int, tmp_path: Path) -> None:
    peak = peak_memory()
    for number in range(FIRST + block * BLOCK, FIRST + min(FILES, (block + 1) * BLOCK)):
        try:
            check(number, tmp_path)
        except Exception as error:  # also those of the code that is tested
            pytest.fail(f"{type(error).__name__}: {error}\n{shown(number)}")
    assert peak_memory() - peak < ALLOWED


@pytest.mark.parametrize("seed", SEEDS_OF_FORMATS, ids=lambda seed: seed.name)
def test_each_file_loads_before_it_is_changed(seed: Seed) -> None:
    assert len(records_of(seed.name)) == len(ROWS)


def peak_memory() -> float:
    """Return the peak of the process up to now, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
