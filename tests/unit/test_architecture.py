"""docs/architecture.md shows the rooms as in the import-linter contract; every path in it exists."""

import re
import tomllib
from itertools import pairwise

import pytest

from tests.conftest import ROOT

DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_the_drawing_of_the_rooms_is_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [contract["layers"] for contract in contracts if contract["name"] == "the rooms of webapp"]
    drawing = DOCUMENT.split("```mermaid\nflowchart TD\n")[1].split("```")[0]
    rows = re.findall(r'^    \w+\["([^"]+)"\]', drawing, re.M)
    assert [set(row.split(" · ")) for row in rows] == [set(re.split(r" [|:] ", layer)) for layer in layers]
    names = re.findall(r"^    (\w+)\[", drawing, re.M)
    arrows = re.findall(r"(\w+)(?:\[[^]]*\])? --> (\w+)", drawing)
    assert arrows == list(pairwise(names)), "each layer leads to the next"


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:\w+[\w.-]*/)+[\w.-]*)`", DOCUMENT))))
def test_a_path_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()
