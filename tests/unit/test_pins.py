"""Every installed package is pinned to an exact version, the browser's libraries with a checksum too."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[^\s;=]+( ; .+)?", re.IGNORECASE)
LISTS = sorted(path.relative_to(ROOT) for path in ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("name", LISTS, ids=str)
def test_python_packages(name: Path) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


@pytest.mark.parametrize("lock", ["package-lock.json", "tests/lighthouse/package-lock.json"])
def test_browser_libraries(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    installed = {name: facts for name, facts in packages.items() if name}
    assert installed
    assert all(facts["integrity"].startswith("sha512-") for facts in installed.values())
    asked = packages[""].get("dependencies", {}) | packages[""].get("devDependencies", {})
    assert [version for version in asked.values() if not re.fullmatch(r"[\d.]+", version)] == []
