"""Every message that a user may see is explained in ``docs/troubleshooting.md``, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.messages import Source, entries_in, pattern_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
ENTRIES = entries_in(PAGE)
SOURCE = Source.of(ROOT / "airflow_provider_cdf_records")
LETTERS = 5  # how many an entry needs at least, so that it is found, and does not stand for everything


def unexplained(source: Source, entries: list[str]) -> list[str]:
    patterns = [pattern_of(entry) for entry in entries]
    return [
        f"{message.place}: {message.text}"
        for message in source.messages()
        if not any(pattern.match(message.text) for pattern in patterns)
    ]


def unused(source: Source, entries: list[str]) -> list[str]:
    texts = source.texts()
    return [entry for entry in entries if not any(map(pattern_of(entry).match, texts))]


def test_every_message_is_explained() -> None:
    assert unexplained(SOURCE, ENTRIES) == []


def test_every_entry_is_of_a_message() -> None:
    assert unused(SOURCE, ENTRIES) == []


def test_no_entry_stands_twice() -> None:
    assert sorted({entry for entry in ENTRIES if ENTRIES.count(entry) > 1}) == []


def test_an_entry_has_enough_letters_to_be_found() -> None:
    assert [entry for entry in ENTRIES if len(re.findall("[A-Za-z]", entry)) < LETTERS] == []


def test_each_row_says_what_is_seen_why_and_what_to_do() -> None:
    rows = re.findall(r"^\| .* \|$", PAGE, re.MULTILINE)
    of_three = [row for row in rows if len(re.split(r"(?<!\\)\|", row)) == 5]
    assert [row for row in of_three if re.search(r"\|\s*\|", row)] == []
    assert len(of_three) > 100


@pytest.mark.parametrize(
    "code",
    [
        'def f(name):\n    msg = f"{name} is too blue."\n    raise ValueError(msg)',
        'def f(name):\n    raise ColourError(f"{name} is too blue.")',
        'TEXT = "It is too blue."\ndef f():\n    raise ColourError(TEXT)',
        'def f(log):\n    log.warning("%s is too blue: %s", 1, 2)',
        'def f(log):\n    log.log(30, "%s is too blue: %s", 1, 2)',
        'def f(n):\n    msg = "It is too blue." if n else "It is too red."\n    raise ValueError(msg)',
        'def problem_of(n):\n    return f"must be red, and is too blue by {n}"',
        'class ColourError(Exception):\n    def __str__(self):\n        return f"{self.name} is too blue"',
    ],
)
def test_a_message_without_an_entry_is_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "colours.py").write_text(code)
    assert any("too blue" in message for message in unexplained(Source.of(tmp_path), ENTRIES))
    assert not any(
        "too blue" in m for m in unexplained(Source.of(tmp_path), ["… is too blue", "must be red"])
    )


def test_a_text_that_is_only_in_a_docstring_is_no_message(tmp_path: Path) -> None:
    (tmp_path / "colours.py").write_text('"""It is too blue."""\ndef f():\n    """It is too blue."""\n')
    assert unused(Source.of(tmp_path), ["It is too blue"]) == ["It is too blue"]


def test_an_entry_is_the_beginning_of_a_message() -> None:
    assert pattern_of("stream … is full").match("stream {} is full: it holds {}.")
    assert pattern_of("… is full").match("is full")
    assert not pattern_of("is full").match("stream {} is full")
    assert not pattern_of("stream … is full").match("stream {} is empty")
