"""What the tests of the page share."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.local_server.conftest import Raw, a_record

ATTACK = "<img src=x onerror=\"window.attacked='yes'\"><script>window.attacked='yes'</script>"
NONE = "\u2013"  # what a cell without a value shows


def cells(page: Page, table: str) -> list[list[str]]:
    """Return the texts of a table's body."""
    return [row.locator("td").all_text_contents() for row in page.locator(f"#{table} tbody tr").all()]


def fill(raw: Raw, count: int) -> None:
    """Store records ``id-0``, ``id-1`` and so on."""
    assert raw.upsert(*(a_record(f"id-{n}", required=n, text=f"text {n}") for n in range(count))).ok
