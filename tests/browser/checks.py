"""What must hold on every page, at both widths."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

from tests.browser.program import ROOT
from tests.conftest import server

WIDTHS = (1280, 390)
HEIGHT = 800
MOST_TABS = 60
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const options = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
  const { violations } = await axe.run(document, options);
  return violations.map((v) => `${v.id}: ${v.help}: ` + v.nodes.map((n) => n.html.slice(0, 160)).join(" | "));
}"""
TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return Array.from(document.querySelectorAll("body *")).filter((e) => e.getBoundingClientRect().right > room + 1)
    .slice(0, 5).map((e) => `${e.tagName}.${e.className} reaches ${Math.round(e.getBoundingClientRect().right)}`)
    .concat(`the page is ${document.documentElement.scrollWidth} wide in ${room}`);
}"""
UNLABELLED = """() => Array.from(document.querySelectorAll("input:not([type=hidden]), select, textarea"))
  .filter((e) => !Array.from(e.labels || []).some((label) => label.textContent.trim()) && !e.getAttribute("aria-label"))
  .map((e) => e.outerHTML.slice(0, 160))"""
FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e);
  const box = e.getBoundingClientRect();
  return {
    what: e.outerHTML.slice(0, 120),
    visible: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
      && box.width > 0 && box.right > 0 && box.left < innerWidth,
    again: e.hasAttribute("data-test-focused") || (e.setAttribute("data-test-focused", ""), false),
  };
}"""
EXPECTED_STATUS = re.compile(r"status of (403|404|409|422) ")


@dataclass
class Troubles:
    """Everything a page complained about: console errors and warnings (including CSP), and uncaught exceptions."""

    said: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"uncaught: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        refused_page = "Failed to load resource" in message.text and EXPECTED_STATUS.search(message.text)
        if not refused_page:  # Chromium logs the 404 and 422 pages that a test asks for
            self.said.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def none_so_far(self) -> None:
        assert not self.said, "\n".join(self.said)


def check(page: Page, name: str, *, focus: bool = True) -> None:
    """Accessible, no sideways scrolling, every control labelled, focus visible; a screenshot if SCREENSHOTS is set.

    Pages look the same with any database, so this is checked on SQLite only.
    """
    page.wait_for_load_state()
    if server("TEST_DATABASE_URL"):
        return
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        assert page.evaluate(TOO_WIDE) == [], f"{name} scrolls sideways at {width} px"
        found = violations(page)
        assert found == [], f"{name} at {width} px: {found}"
        photograph(page, f"{name}-{width}")
    page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
    assert page.evaluate(UNLABELLED) == [], name
    if focus:
        check_focus(page, name)


FROM_THE_TOP = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""
"""Also enough if a page puts the focus on its last button."""


def violations(page: Page) -> list[str]:
    """What axe-core complains about."""
    assert AXE.is_file(), "axe-core is missing: make install-all"
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(RUN_AXE)
    return found


def check_focus(page: Page, name: str) -> None:
    """Tab goes through the page, is never trapped, and focus is always visible."""
    page.evaluate(FROM_THE_TOP)
    for tabs in range(MOST_TABS):
        page.keyboard.press("Tab")
        focused: dict[str, Any] | None = page.evaluate(FOCUSED)
        if focused is None or focused["again"]:
            assert tabs, f"{name}: Tab reaches nothing"
            return
        assert focused["visible"], f"{name}: no visible focus on {focused['what']}"


def photograph(page: Page, name: str) -> None:
    """A screenshot of the whole page, in the folder SCREENSHOTS."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
