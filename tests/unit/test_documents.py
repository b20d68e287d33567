"""What the documents refer to exists: files, modules, links, Makefile targets."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ROOMS = "webapp|ml|tests|docs|deploy|migrations|templates|static"
every = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


def missing(document: Path, pattern: str, exists: Callable[[str], bool]) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return [name for name in re.findall(pattern, text) if not exists(name)]


@every
def test_a_path_leads_somewhere(document: Path) -> None:
    assert missing(document, rf"`((?:{ROOMS})/[\w./-]*)`", lambda name: (ROOT / name).exists()) == []


@every
def test_a_module_is_there(document: Path) -> None:
    def exists(name: str) -> bool:
        place = ROOT.joinpath(*name.split("."))
        return place.is_dir() or place.with_suffix(".py").exists() or place.parent.with_suffix(".py").exists()

    assert missing(document, r"\b((?:webapp|ml|tests)(?:\.[a-z_]+)+)\b(?!/)", exists) == []


@every
def test_a_link_leads_somewhere(document: Path) -> None:
    links = r"\]\((?!https?:|#)([^)#]+)"
    assert missing(document, links, lambda name: (document.parent / name).exists()) == []


@every
def test_make_knows_the_command(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert missing(document, r"`make ([a-z-]+)", targets.__contains__) == []
