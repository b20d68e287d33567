"""One command starts everything, Ctrl-C stops everything."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.program import Program, alive

pytestmark = pytest.mark.browser

AS_QUICK = 3
"""Times the first start, which also creates the database, so that the limit adapts to a slow machine."""


def test_ctrl_c_stops_everything_and_the_second_start_is_quick(browser: Browser, tmp_path: Path) -> None:
    program = Program(tmp_path)
    first = program.start()
    family = program.family()
    assert len(family) >= 3, "web server and worker"
    assert program.stop() == 0
    assert alive(family) == []
    assert program.log.read_text().rstrip().endswith("Stopped.")
    assert program.start() < AS_QUICK * first
    assert program.stop() == 0
    assert "Traceback" not in program.log.read_text()
