"""What the check of the changelog finds."""

from __future__ import annotations

import pytest

from dev.changelog import CHANGELOG, lacks_an_entry, problems, sections

RIGHT = """\
# Changelog

## [Unreleased]

### Added

- A thing.

## [0.2.0] - 2026-02-03

### Fixed

- Another thing.

## [0.1.0] - 2026-01-31
"""


def test_the_changelog_of_this_project_has_the_form() -> None:
    assert problems(CHANGELOG.read_text()) == []


def test_a_changelog_in_the_form_has_no_problems() -> None:
    assert problems(RIGHT) == []


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ("## [0.2.0] - 2026-02-03", "## 0.2.0", "a heading is neither"),
        ("## [0.2.0] - 2026-02-03", "## [0.2.0]", "[0.2.0] has no date"),
        ("## [0.2.0] - 2026-02-03", "## [0.2.0] - 3 February", "a heading is neither"),
        ("## [0.2.0] - 2026-02-03", "## [0.2.0] - 2026-02-31", "[0.2.0] has no date"),
        ("[0.1.0]", "[0.10.0]", "not in order"),
        ("[0.1.0] - 2026-01-31", "[Unreleased]", "[Unreleased] is not the first"),
        ("### Fixed", "### Mended", "`### Mended` is none of"),
        ("- A thing.", "- A thing" + "g" * 140, "line 7 is 149 characters wide"),
    ],
)
def test_what_is_wrong_is_named(was: str, becomes: str, problem: str) -> None:
    found = problems(RIGHT.replace(was, becomes))
    assert len(found) == 1
    assert problem in found[0]


def test_a_section_ends_where_the_next_begins() -> None:
    assert sections(RIGHT) == {
        "Unreleased": "### Added\n\n- A thing.",
        "0.2.0": "### Fixed\n\n- Another thing.",
        "0.1.0": "",
    }


@pytest.mark.parametrize(
    ("changed", "lacks"),
    [
        (["airflow_provider_cdf_records/load/load.py"], True),
        (["airflow_provider_cdf_records/load/load.py", "CHANGELOG.md"], False),
        (["docs/map.md", "tests/test_house.py"], False),
        ([], False),
    ],
)
def test_a_change_of_the_package_needs_an_entry(changed: list[str], lacks: bool) -> None:
    assert lacks_an_entry(changed) is lacks
