"""What the check of the changelog finds."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev import changelog
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


def test_an_empty_changelog_is_told() -> None:
    assert problems("# Changelog\n") == ["it has no section"]
    assert sections("# Changelog\n") == {}


def test_a_section_ends_where_the_next_begins() -> None:
    assert sections(RIGHT) == {
        "Unreleased": "### Added\n\n- A thing.",
        "0.2.0": "### Fixed\n\n- Another thing.",
        "0.1.0": "",
    }


MODULE = "airflow_provider_cdf_records/load/load.py"
MORE = "- A thing.\n- One more."
RELEASED = RIGHT.replace("[Unreleased]", "[0.3.0] - 2026-03-04")


@pytest.mark.parametrize(
    ("changed", "before", "now", "lacks"),
    [
        ([MODULE], RIGHT, RIGHT, True),
        ([MODULE, "CHANGELOG.md"], RIGHT, RIGHT.replace("- A thing.", MORE), False),
        ([MODULE, "CHANGELOG.md"], RIGHT, RIGHT.replace("- A thing.", ""), True),  # one is gone, none is new
        (
            [MODULE, "CHANGELOG.md"],
            RIGHT,
            RIGHT.replace("- Another thing.", MORE),
            True,
        ),  # of what is released
        ([MODULE, "CHANGELOG.md"], RIGHT, RELEASED, False),
        ([MODULE, "CHANGELOG.md"], "", RIGHT, False),
        ([MODULE], RIGHT, "", True),
        (["docs/map.md", "tests/test_house.py"], RIGHT, RIGHT, False),
        ([], RIGHT, RIGHT, False),
    ],
)
def test_a_change_of_the_package_needs_an_entry(
    changed: list[str], before: str, now: str, lacks: bool
) -> None:
    assert lacks_an_entry(changed, before, now) is lacks


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a commit, tagged ``base``, that changelog.py looks at."""
    monkeypatch.setattr(changelog, "ROOT", tmp_path)
    monkeypatch.setattr(changelog, "CHANGELOG", tmp_path / "CHANGELOG.md")
    (tmp_path / "CHANGELOG.md").write_text(RIGHT)
    (tmp_path / MODULE).parent.mkdir(parents=True)
    (tmp_path / MODULE).write_text("LOAD = 1\n")
    changelog.git("init", "--quiet")
    commit("tag", "base")
    return tmp_path


def commit(*then: str) -> None:
    changelog.git("add", "--all")
    changelog.git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "A change")
    if then:
        changelog.git(*then)


def test_a_module_that_leaves_the_package_is_a_change_of_it(repository: Path) -> None:
    (repository / MODULE).rename(repository / "load.py")
    commit()
    assert changelog.changed_since("base") == [MODULE, "load.py"]
    assert changelog.changelog_at("base") == RIGHT


def test_what_has_come_meanwhile_is_not_of_this_branch(repository: Path) -> None:
    changelog.git("checkout", "--quiet", "-b", "branch")
    (repository / "README.md").write_text("Read me.")
    commit("checkout", "--quiet", "-b", "main-since", "base")
    (repository / "CHANGELOG.md").write_text(RIGHT.replace("- A thing.", MORE))
    commit("checkout", "--quiet", "branch")
    assert changelog.changed_since("main-since") == ["README.md"]
    assert changelog.changelog_at("main-since") == RIGHT


def test_no_changelog_before_is_an_empty_one(repository: Path) -> None:
    (repository / "CHANGELOG.md").unlink()
    commit("tag", "without")
    (repository / "CHANGELOG.md").write_text(RIGHT)
    commit()
    assert changelog.changelog_at("without") == ""


def test_an_unknown_commit_is_named(repository: Path) -> None:
    with pytest.raises(SystemExit, match="nowhere"):
        changelog.changed_since("nowhere")
