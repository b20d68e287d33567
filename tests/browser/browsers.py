"""Which browser the tests use, and how it is started."""

import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "no browser found: apt-get install chromium, or .venv/bin/playwright install chromium"


def executable(own: str) -> str | None:
    """The machine's Chromium, or Playwright's ``own``; None if there is neither."""
    return next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
