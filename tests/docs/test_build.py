"""The documentation builds without a warning, its links lead somewhere, and all that it loads is its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from airflow_provider_cdf_records import operators, sensors
from airflow_provider_cdf_records.operators.base import CdfRecordsLoadOperator
from airflow_provider_cdf_records.task_arguments.operator import ArgumentsOperator

ROOT = Path(__file__).parents[2]
TOOLS = ("sphinx", "furo", "myst_parser", "sphinx_design", "sphinx_copybutton")
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
BROKEN = """\
# A page

[anchor](other.md#nowhere) [page](nothing.md) [file](../example_dags/nothing.py) [right](other.md#other)

```{eval-rst}
:class:`.NoSuchOperator`
```

```{toctree}
other
```
"""

pytestmark = pytest.mark.skipif(
    not all(map(find_spec, TOOLS)), reason="Sphinx and its parts are in the environment of Airflow 3 alone"
)


class Page(HTMLParser):
    """The addresses in a page: what it loads, where it leads, and the anchors in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value is not None}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.leads.append(given["href"])
        elif tag in LOADED and LOADED[tag] in given and given.get("rel") != "canonical":
            self.loads.append(given[LOADED[tag]])


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        str(source),
        str(out),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AIRFLOW_HOME": str(out.parent / "airflow")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built documentation."""
    out = tmp_path_factory.mktemp("docs") / "html"
    done = build(ROOT / "docs", out)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """All pages, but those of the source code."""
    return {path: Page(path) for path in site.rglob("*.html") if "_modules" not in path.parts}


def test_every_page_of_the_source_is_built(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 30
    assert [page for page in pages if page.parts[0] != "_build" and not (site / page).exists()] == []


def test_nothing_is_loaded_from_another_host(site: Path, pages: dict[Path, Page]) -> None:
    assert [
        (path.name, address)
        for path, page in pages.items()
        for address in page.loads
        if urlsplit(address).netloc
    ] == []
    styles = {path.name: path.read_text() for path in site.rglob("*.css")}
    assert len(styles) > 2
    imported = {
        name: re.findall(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", css)
        for name, css in styles.items()
    }
    assert {name: addresses for name, addresses in imported.items() if addresses} == {}


def test_every_link_and_anchor_is_there(pages: dict[Path, Page]) -> None:
    missing = []
    for path, page in pages.items():
        for address in (*page.leads, *page.loads):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            if target.is_dir():
                target /= "index.html"
            known = {one.resolve(): other for one, other in pages.items()}.get(target)
            if not target.exists() or (known and unquote(parts.fragment) not in known.anchors):
                missing.append(f"{path.name}: {address}")
    assert missing == []


def test_links_to_files_of_the_repository_lead_to_it(pages: dict[Path, Page]) -> None:
    (address,) = re.findall(r'^Repository = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    prefixes = (f"{address}/blob/main/", f"{address}/tree/main/")
    files = {
        unquote(link.removeprefix(prefix).partition("#")[0])
        for page in pages.values()
        for link in page.leads
        for prefix in prefixes
        if link.startswith(prefix)
    }
    assert "tests/README.md" in files
    assert [file for file in files if not (ROOT / file).exists()] == []


def described(site: Path, page: str, name: str) -> str:
    """Return what a page says of a class or function."""
    text = (site / "reference" / page).read_text()
    _, _, after = text.partition(f'id="{name}"')
    return after.partition('</dd></dl>\n\n<dl class="py')[0]


@pytest.mark.parametrize(
    "cls",
    [
        *(getattr(operators, name) for name in operators.__all__),
        *(getattr(sensors, name) for name in sensors.__all__),
    ],
)
def test_a_class_is_shown_with_all_of_its_arguments(cls: type[ArgumentsOperator], site: Path) -> None:
    page = "operators.html" if cls.__module__.startswith(operators.__name__) else "sensors.html"
    text = described(site, page, f"{cls.__module__}.{cls.__name__}")
    assert [name for name in cls.all_arguments if f"<strong>{name}</strong>" not in text] == []


def test_a_decorator_is_shown_with_all_of_its_arguments(site: Path) -> None:
    text = described(
        site, "decorators.html", "airflow_provider_cdf_records.decorators.cdf_records.cdf_records_ingest"
    )
    assert [
        name for name in CdfRecordsLoadOperator.all_arguments if f"<strong>{name}</strong>" not in text
    ] == []


def test_no_private_name_is_shown(pages: dict[Path, Page]) -> None:
    anchors = {
        anchor for page in pages.values() for anchor in page.anchors if anchor.startswith("airflow_provider")
    }
    assert len(anchors) > 50
    assert [anchor for anchor in anchors if re.search(r"\._", anchor)] == []


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "extensions").mkdir(parents=True)
    for path in [ROOT / "docs" / "conf.py", *(ROOT / "docs" / "extensions").glob("*.py")]:
        (docs / path.relative_to(ROOT / "docs")).write_text(path.read_text())
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (docs / "index.md").write_text(BROKEN)
    (docs / "other.md").write_text("# Other\n")
    done = build(docs, tmp_path / "html")
    assert done.returncode != 0
    for complaint in ("'nowhere'", "'nothing.md'", "../example_dags/nothing.py", "NoSuchOperator"):
        assert complaint in done.stderr
