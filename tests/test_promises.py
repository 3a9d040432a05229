"""Each promise names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROW = re.compile(r"^\| (?P<promise>[^|]+) \| (?P<held_by>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(?P<file>[a-z_/]*\.py)?(?:::(?P<name>\w+))?`")


def promises() -> dict[str, str]:
    rows = ROW.findall((TESTS / "README.md").read_text())
    return {promise: held_by for promise, held_by in rows if "---" not in promise and promise != "promise"}


def test_all_promises_are_found() -> None:
    assert len(promises()) >= 14


@pytest.mark.parametrize("promise", promises())
def test_what_holds_a_promise_is_there(promise: str) -> None:
    named = [match for match in NAMED.finditer(promises()[promise]) if match["file"] or match["name"]]
    assert named
    content = ""
    for match in named:
        if match["file"]:  # a name without a file is in the one before
            content = (TESTS / match["file"]).read_text()
            assert "def test_" in content
        if match["name"]:
            assert f"def {match['name']}(" in content
