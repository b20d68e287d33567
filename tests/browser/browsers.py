"""Which browser the tests use, and how it is started.

The headless shell comes first: Chromium itself draws its toolbars even without a screen, which costs more than our
pages.
"""

import shutil
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "no browser found: apt-get install chromium-headless-shell, or .venv/bin/playwright install chromium"


def executable(own: str) -> str | None:
    """The machine's Chromium, or Playwright's ``own``; None if there is neither."""
    return next(filter(None, map(shutil.which, NAMES)), own if Path(own).exists() else None)
