"""What CHANGELOG.md must hold: a section for each release, and every change that users notice.

``check`` compares with an earlier commit; ``notes`` prints the section of a version, for its release.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
PACKAGE = "airflow_provider_cdf_records/"
HEADING = re.compile(r"^## \[(?P<version>[^\]]+)\](?: - (?P<date>\S+))?$", re.MULTILINE)
UNRELEASED = "Unreleased"
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
WIDEST = 140  # characters of a line


def sections(text: str) -> dict[str, str]:
    """Return the text below each heading of a version, in their order."""
    found = list(HEADING.finditer(text))
    ends = [*(match.start() for match in found), len(text)][1:]
    return {match["version"]: text[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}


def problems(text: str) -> list[str]:
    """Return what is wrong with the form of a changelog; empty where nothing is."""
    wrong = []
    headings = [(match["version"], match["date"]) for match in HEADING.finditer(text)]
    lines = [line for line in text.splitlines() if line.startswith("## ")]
    if len(lines) != len(headings):
        wrong.append("a heading is neither `## [Unreleased]` nor `## [1.2.3] - 2026-01-31`")
    if not headings:
        wrong.append("it has no section")
    released = [(version, day) for version, day in headings if version != UNRELEASED]
    if UNRELEASED in [version for version, _ in headings[1:]]:
        wrong.append(f"[{UNRELEASED}] is not the first section")
    for version, day in released:
        try:
            date.fromisoformat(day or "")
        except ValueError:
            wrong.append(f"[{version}] has no date such as 2026-01-31")
    numbers = [tuple(map(int, re.findall(r"\d+", version))) for version, _ in released]
    if numbers != sorted(numbers, reverse=True):
        wrong.append("the versions are not in order, the newest first")
    for kind in re.findall(r"^### (.*)$", text, re.MULTILINE):
        if kind not in KINDS:
            wrong.append(f"`### {kind}` is none of {', '.join(sorted(KINDS))}")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > WIDEST:
            wrong.append(f"line {number} is {len(line)} characters wide, more than {WIDEST}")
    return wrong


def changed_since(commit: str) -> list[str]:
    """Return the files that the commits since another one have changed."""
    # Without renames: what moves out of the package is gone from it.
    return git("diff", "--name-only", "--no-renames", f"{commit}...HEAD").splitlines()


def changelog_at(commit: str) -> str:
    """Return the changelog as it was where the commits since another one begin."""
    base = git("merge-base", commit, "HEAD").strip()
    found = git("ls-tree", "--name-only", base, "--", CHANGELOG.name).strip()
    return git("show", f"{base}:{found}") if found else ""


def git(*words: str) -> str:
    """Return what git prints; ends with its error where it fails."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"git {' '.join(words)}: {done.stderr.strip() or 'failed'}")
    return done.stdout


def lacks_an_entry(changed: list[str], before: str, now: str) -> bool:
    """Tell whether files of the package have changed, and the newest section says nothing new."""
    version, entries = next(iter(sections(now).items()), ("", ""))
    new = set(entries.splitlines()) - set(sections(before).get(version, "").splitlines())
    return any(path.startswith(PACKAGE) for path in changed) and not new


def notes(version: str) -> str:
    """Return what a release is about; ends with an error where the changelog does not say it."""
    found = sections(CHANGELOG.read_text()).get(version)
    if not found:
        sys.exit(f"CHANGELOG.md has no section `## [{version}] - <date>`, or nothing is in it.")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dev.changelog", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="the form, and with --since that a change is in it")
    check.add_argument("--since", metavar="COMMIT", help="such as origin/main")
    commands.add_parser("notes", help="print a version's section").add_argument("version")
    arguments = parser.parse_args()
    if arguments.command == "notes":
        print(notes(arguments.version))
        return
    wrong = problems(CHANGELOG.read_text())
    since = arguments.since
    if since and lacks_an_entry(changed_since(since), changelog_at(since), CHANGELOG.read_text()):
        wrong.append(
            f"files of {PACKAGE} have changed since {since}, and its newest section does not say how"
        )
    if wrong:
        sys.exit("\n".join(f"CHANGELOG.md: {problem}" for problem in wrong))


if __name__ == "__main__":
    main()
