"""Pairs of words that stand for true and false."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

PAIRS = (
    ("true", "false"),
    ("yes", "no"),
    ("t", "f"),
    ("y", "n"),
    ("on", "off"),
    ("ja", "nein"),
    ("j", "n"),
    ("wahr", "falsch"),
    ("oui", "non"),
    ("vrai", "faux"),
    ("si", "no"),
    ("sant", "usant"),
)
# What the mapping takes without being told.
KNOWN = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n", "on", "off"})


def boolean_words(words: AbstractSet[str]) -> dict[str, Any] | None:
    """Return the mapping's options for a column of these words; ``None`` if they are no truth values.

    :param words: all that stand in the column.
    """
    lower = {word.strip().lower() for word in words}
    for true, false in PAIRS:
        if lower == {true, false} or (true == "true" and lower and lower <= {true, false}):
            if lower <= KNOWN and all(_is_known(word) for word in words):
                return {}
            return {
                "true": sorted(word for word in words if word.strip().lower() == true),
                "false": sorted(word for word in words if word.strip().lower() == false),
            }
    return None


def _is_known(word: str) -> bool:
    word = word.strip()
    return word in (word.lower(), word.upper(), word.capitalize())
