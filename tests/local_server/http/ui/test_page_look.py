"""How the page looks: nothing is cut off, everything can be read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.local_server.conftest import Raw, a_record
from tests.local_server.http.ui.page import fill

READABLE = 4.5  # contrast of text to its background that WCAG AA asks for
CONTRASTS = """
() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).map((v) => v / 255).map(
      (v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if ((channels(color)[3] ?? 1) > 0) return color;
    }
  };
  const found = {};
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const color = element instanceof SVGElement ? style.fill : style.color;
    const both = [light(color), light(ground(element))].sort((a, b) => b - a);
    const contrast = (both[0] + 0.05) / (both[1] + 0.05);
    const name = `${element.tagName}.${element.getAttribute("class") ?? ""}#${element.id}`;
    found[name] = Math.min(found[name] ?? 99, contrast);
  }
  return found;
}
"""
CUT_OFF = """
() => {
  const cut = [];
  for (const element of document.querySelectorAll("main *, header *, dialog *")) {
    if (!element.checkVisibility() || element.closest("thead, defs")) continue;
    const box = element.getBoundingClientRect();
    const isOutside = box.left < -0.5 || box.right > innerWidth + 0.5;
    if (box.width && isOutside) cut.push(element.outerHTML.slice(0, 200));
  }
  for (const element of document.querySelectorAll(".surface, table, #panel, #panel-body")) {
    if (element.scrollWidth > element.clientWidth + 1) cut.push(`${element.className} ${element.id} scrolls`);
  }
  return cut;
}
"""


def fill_with_odd_content(raw: Raw) -> None:
    fill(raw, 3)
    raw.upsert(a_record("x" * 256, filled="y" * 5000, text="z" * 10), a_record("🚨" * 80, filled="🚨" * 500))
    raw.upsert(stream="none")
    raw.upsert(a_record("a", required="z" * 3000))
    settings = {"template": {"name": "BasicLiveData"}}
    raw.post("/streams", {"items": [{"externalId": "s" * 100, "settings": settings}]})
    properties = {"n" * 255: {"type": {"type": "text"}, "defaultValue": "d" * 500}}
    container = {"space": "s", "externalId": "L" * 255, "usedFor": "record", "properties": properties}
    assert raw.post("/models/containers", {"items": [container]}).ok
    raw.get("/" + "p" * 400)
    raw.headers = {}
    raw.get("/streams")


@pytest.mark.parametrize("width", [360, 400, 768, 1024, 1280, 1600])
def test_nothing_is_cut_off_in_any_window(page: Page, raw: Raw, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.emulate_media(reduced_motion="reduce")  # so that the panel is where it stays
    fill_with_odd_content(raw)
    expect(page.locator("#records tbody tr")).to_have_count(5)
    page.locator("#requests summary").last.click()
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits)
    assert page.evaluate(CUT_OFF) == []
    for row in (page.locator("#records tbody tr").first, page.locator("#containers tbody tr").last):
        row.click()
        expect(page.locator("#panel pre").first).to_be_visible()
        assert page.evaluate(CUT_OFF) == []
        page.keyboard.press("Escape")


def test_each_column_keeps_its_name_where_rows_become_cards(page: Page, raw: Raw) -> None:
    page.set_viewport_size({"width": 400, "height": 700})
    fill(raw, 1)
    expect(page.get_by_role("table", name="Records").get_by_role("columnheader")).to_have_count(5)
    cell = page.locator("#records td").nth(3)
    label = "cell => getComputedStyle(cell, '::before').content"
    assert cell.evaluate(label) == '"required"'
    expect(page.get_by_role("table", name="Requests").get_by_role("columnheader")).to_have_count(7)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_a_light_and_a_dark_scheme(page: Page, raw: Raw, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    fill_with_odd_content(raw)
    expect(page.locator("#requests tbody tr").first).to_contain_text("401")
    page.locator("#requests summary").first.click()
    page.fill("#filter", "{}")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#filter-error")).to_be_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground))) > 380) == (scheme == "light")
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    contrasts = page.evaluate(CONTRASTS)
    page.locator("#records tbody tr").first.click()
    expect(page.locator("#panel pre").first).to_be_visible()
    contrasts |= page.evaluate(CONTRASTS)
    assert len(contrasts) >= 40
    assert {name: value for name, value in contrasts.items() if value < READABLE} == {}


def test_nothing_moves_where_that_is_not_wanted(page: Page, raw: Raw) -> None:
    fill(raw, 1)
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      return style.animationName !== "none" || !/^0s(, 0s)*$/.test(style.transitionDuration);
    }).length"""
    page.locator("#records tbody tr").first.click()
    expect(page.locator("#panel pre").first).to_be_visible()
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0


def test_everything_that_can_be_used_has_a_name(page: Page, raw: Raw) -> None:
    fill_with_odd_content(raw)
    expect(page.locator("#records tbody tr")).to_have_count(5)
    snapshot = page.locator("body").aria_snapshot()
    used = re.findall(r"- (?:button|combobox|textbox|checkbox|slider|table|region|form)\b.*", snapshot)
    assert len(used) >= 20
    assert [one for one in used if not re.match(r"- \w+ \"\S", one)] == []
