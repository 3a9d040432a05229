"""Whatever a file holds, its load ends with numbers that add up, or with an error that says where.

Valid files of every format and compression, those of the corpus among them, are changed at random. One that
fails is printed with its number, and loaded again alone with that number:
``CDF_FUZZ_FIRST=1234 CDF_FUZZ_FILES=1 .venv/bin/python -m pytest tests/faults/test_mutated_files.py``.
"""

from __future__ import annotations

import os
import random
import resource
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from airflow_provider_cdf_records.hooks.sources import file_source
from tests.faults.mutations import (
    ROWS,
    Seed,
    changed,
    seeds_of_corpus,
    seeds_of_formats,
    seeds_of_several_chunks,
)
from tests.files.accepting_client import Outcome, load

FILES = int(os.environ.get("CDF_FUZZ_FILES", "1500"))
FIRST = int(os.environ.get("CDF_FUZZ_FIRST", "0"))
BLOCK = 50  # files a test
ALLOWED = 150  # MB that the process may grow by in a test
SHOWN = 2000  # bytes of a file that fails
SHARE_OF_FORMATS = 0.7  # of the files; the others are made of those of the corpus
SHARE_OF_LONG = 0.02
SEEDS_OF_FORMATS, SEEDS_OF_CORPUS, LONG_SEEDS = (
    seeds_of_formats(),
    seeds_of_corpus(),
    seeds_of_several_chunks(),
)


def load_file(seed: Seed, content: bytes, folder: Path) -> Outcome:
    path = folder / seed.file_name
    path.write_bytes(content)
    try:
        source = file_source(path, {"file_options": seed.options})
    except Exception as failure:  # every error is looked at
        return Outcome({}, failure, {}, [])
    return load(source, seed.mapping, folder / "rejected.ndjson")


def mutant(number: int) -> tuple[Seed, bytes]:
    """Return the file of a number: what it is made of, and its content as changed."""
    draw = random.Random(number)
    seeds = SEEDS_OF_FORMATS if draw.random() < SHARE_OF_FORMATS else SEEDS_OF_CORPUS
    seed = draw.choice(LONG_SEEDS if draw.random() < SHARE_OF_LONG else seeds)
    return seed, changed(seed.content, draw)


def check(number: int, folder: Path) -> None:
    """Change a file as its number says, and look at what comes of its load."""
    seed, content = mutant(number)
    outcome = load_file(seed, seed.pack(content), folder)
    if outcome.error is not None:
        check_error(outcome.error, seed)
        return
    numbers, held = outcome.numbers, outcome.held
    assert numbers["read"] == numbers["upserted"] + numbers["superseded"] + numbers["rejected"]
    assert len(held) == numbers["identities"] <= numbers["upserted"]
    assert len(outcome.rejected) == numbers["rejected"]
    assert all(seed.file_name in line["where"] for line in outcome.rejected)
    is_text = content.isascii()  # a few bytes that are no compressed data any more
    if seed.has_checksum and seed.content not in content and not is_text:
        assert is_part_or_whole(held, seed, bool(outcome.rejected)), (
            "a damaged file was loaded without a word"
        )
    if seed.lines:
        check_lines(seed, content, held)


def is_part_or_whole(held: dict[str, dict[str, Any]], seed: Seed, has_rejected: bool) -> bool:
    """Whether all records of a file were stored; where rows were rejected, they need not be all."""
    expected = records_of(seed.name)
    if not has_rejected:
        return held == expected
    return all(expected.get(external_id) == record for external_id, record in held.items())


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
    (seed,) = (seed for seed in [*SEEDS_OF_FORMATS, *LONG_SEEDS] if seed.name == name)
    with TemporaryDirectory() as folder:
        outcome = load_file(seed, seed.pack(seed.content), Path(folder))
    assert outcome.error is None
    assert not outcome.rejected
    assert len(outcome.held) >= len(ROWS)
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
