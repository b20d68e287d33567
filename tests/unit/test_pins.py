"""Every installed package is pinned to an exact version, the browser's libraries with a checksum too."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PIN = re.compile(r"[a-z0-9][a-z0-9._-]*(\[[a-z,]+\])?==[^\s;=]+( ; .+)?", re.IGNORECASE)
HASHED = re.compile(r"--hash=sha256:[0-9a-f]{64}")
LISTS = sorted(path.relative_to(ROOT) for path in ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("name", LISTS, ids=str)
def test_python_packages(name: Path) -> None:
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line.split(" --hash=")[0].strip())] == []
    assert [line for line in lines if not HASHED.search(line)] == []


def test_installing_asks_for_the_hashes() -> None:
    """Wherever the project installs Python packages."""
    makefile = (ROOT / "Makefile").read_text()
    for name in ("Makefile", ".ci/run", "deploy/Dockerfile"):
        text = (
            (ROOT / name)
            .read_text()
            .replace("$(UV)", _value(makefile, "UV"))
            .replace("$(PIP)", _value(makefile, "PIP"))
        )
        installs = [part for line in text.splitlines() for part in re.split(r"\|\||&&", line) if " install " in part]
        python = [part for part in installs if re.search(r"\bpip install\b.* -r ", part)]
        assert python or name == ".ci/run"
        assert [part for part in python if "--require-hashes" not in part] == []


def _value(makefile: str, name: str) -> str:
    found = re.search(rf"^{name} :?= (.+)$", makefile, re.MULTILINE)
    assert found
    return found.group(1)


@pytest.mark.parametrize("lock", ["package-lock.json", "tests/lighthouse/package-lock.json"])
def test_browser_libraries(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    installed = {name: facts for name, facts in packages.items() if name}
    assert installed
    assert all(facts["integrity"].startswith("sha512-") for facts in installed.values())
    asked = packages[""].get("dependencies", {}) | packages[""].get("devDependencies", {})
    assert [version for version in asked.values() if not re.fullmatch(r"[\d.]+", version)] == []
