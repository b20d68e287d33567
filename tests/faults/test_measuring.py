"""The measuring commands at their shortest: the figures mean nothing, but each command must work."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.patience import PATIENCE


def last_line(*command: str) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=3 * PATIENCE
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_growth() -> None:
    command = ("tests.load.scale", "--sizes", "1000", "--databases", "sqlite", "--requests", "3")
    pages = last_line(*command)["sqlite"]["pages_ms"]
    assert pages.keys() > {"worklist", "GP's list", "dashboard, 30 days"}


@pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="takes a minute: make test-faults")
def test_load() -> None:
    found = last_line("tests.load.run", "--seconds", "6", "--idle", "3")
    assert found["database"]["accepted"] >= 6
    assert found["load"]["pages_ms"].keys() > {"upload", "worklist", "case page, dermatologist", "decide"}


@pytest.mark.skipif(os.environ.get("FAULTS") != "all", reason="takes a minute: make test-faults")
def test_web_bench() -> None:
    found = last_line("tests.load.web_bench", "--rounds", "1", "--cases", "12", "--clients", "2", "--turns", "1")
    assert found["result_vs_engine"] > 1
    assert min(found["cases_per_second"].values()) > 0
