"""Makes links to the repository's files right for where a page is shown.

On GitHub, a link such as ``[tests](tests/README.md)`` is relative to the file that it stands in. In the built
documentation, it must lead to the page that shows the file, where there is one, and else to GitHub.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sphinx.application import Sphinx
from sphinx.util import logging

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
LINK = re.compile(r"(?P<before>\]\(\s*|^\[[^\]\n]+\]:\s+)(?P<target>[^)\s]+)", re.MULTILINE)
CODE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
INCLUDED = re.compile(r"^```\{include\} (\S+)", re.MULTILINE)
SHOWN = {".md", ".svg", ".png"}  # of docs/, as they are

log = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """Have all Markdown pass through here."""
    app.add_config_value("repository_url", "", "env")
    app.connect("source-read", _of_page)
    app.connect("include-read", _of_included_file)
    return {"parallel_read_safe": True}


def _of_page(app: Sphinx, page: str, source: list[str]) -> None:
    path = DOCS / f"{page}.md"
    source[0] = rewritten(source[0], path, path, app.config.repository_url)


def _of_included_file(app: Sphinx, file: Path, page: str, source: list[str]) -> None:
    source[0] = rewritten(source[0], (DOCS / file).resolve(), DOCS / f"{page}.md", app.config.repository_url)


def rewritten(text: str, file: Path, page: Path, repository: str) -> str:
    """Rewrite the links of a Markdown file.

    :param file: where the text stands.
    :param page: where it is shown.
    :param repository: the address of the repository.
    """
    code = [found.span() for found in CODE.finditer(text)]

    def rewrite(link: re.Match[str]) -> str:
        target = link["target"].strip("<>")
        if any(first <= link.start() < end for first, end in code) or re.match(r"[a-z]+:|#|/", target):
            return link[0]
        return link["before"] + _target(target, file, page, repository)

    return LINK.sub(rewrite, text)


def _target(target: str, file: Path, page: Path, repository: str) -> str:
    name, hash_sign, anchor = target.partition("#")
    path = Path(os.path.normpath(file.parent / unquote(name)))
    if path.is_relative_to(DOCS / "pictures"):  # Sphinx looks whether it is there
        return os.path.relpath(path, page.parent)
    if not path.exists():
        log.warning("%s links to %s, which is not there", file, target)
        return target
    if not path.is_relative_to(ROOT):
        log.warning("%s links to %s, which is outside of the repository", file, target)
        return target
    shown = _pages().get(path) or (path if path.is_relative_to(DOCS) and path.suffix in SHOWN else None)
    if shown is not None:
        return os.path.relpath(shown, page.parent) + hash_sign + anchor
    kind = "tree" if path.is_dir() else "blob"
    return f"{repository}/{kind}/main/{path.relative_to(ROOT).as_posix()}{hash_sign}{anchor}"


def _pages() -> dict[Path, Path]:
    """Return the pages that show a file from outside of docs/, each by that file."""
    return {
        Path(os.path.normpath(page.parent / name)): page
        for page in DOCS.glob("*.md")
        for name in INCLUDED.findall(page.read_text())
    }
