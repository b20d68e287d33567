"""Bootstrap's style sheet keeps every rule that a template or a script of ours could use."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import tinycss2

from tests.conftest import ROOT

WHOLE = ROOT / "node_modules" / "bootstrap" / "dist" / "css" / "bootstrap.min.css"
TRIMMED = ROOT / "static" / "vendor" / "bootstrap.min.css"
OURS = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]
NAME = re.compile(r"(?<![\w-])[a-z][\w-]*", re.IGNORECASE)
Rule = tuple[str, str, str]
"""The conditions around it, one selector, and what it sets."""


def rules(nodes: list[Any], around: str = "") -> Iterator[Rule]:
    for node in nodes:
        if node.type == "qualified-rule":
            for selector in tinycss2.serialize(node.prelude).split(","):
                yield around, selector, tinycss2.serialize(node.content)
        elif node.type == "at-rule" and node.lower_at_keyword in ("media", "supports"):
            yield from rules(tinycss2.parse_rule_list(node.content), around + tinycss2.serialize(node.prelude))


def read(text: str) -> set[Rule]:
    return set(rules(tinycss2.parse_stylesheet(text, skip_comments=True, skip_whitespace=True)))


def names(selector: str) -> set[str]:
    """The classes, elements and attributes that it asks for, without pseudo-classes and what is in brackets."""
    plain = re.sub(r'::?[\w-]+(\([^)]*\)+)?|"[^"]*"|=[\w-]+', "", selector)
    return set(NAME.findall(plain))


@pytest.fixture(scope="module")
def words() -> set[str]:
    return {word for path in OURS for word in NAME.findall(path.read_text())}


def test_no_style_in_use_is_lost(words: set[str]) -> None:
    trimmed = read(TRIMMED.read_text())
    wanted = {rule for rule in read(WHOLE.read_text()) if names(rule[1]) <= words}
    assert len(wanted) > 200
    lost = sorted({selector for around, selector, sets in wanted - trimmed})
    assert lost == [], "outdated since a template or script changed? make install"


def test_most_of_it_is_gone() -> None:
    assert TRIMMED.stat().st_size < WHOLE.stat().st_size / 5


def test_the_licence_stays_with_it() -> None:
    assert "Licensed under MIT" in TRIMMED.read_text()[:400]
    assert {path.name for path in TRIMMED.parent.glob("*.LICENSE.txt")} == {
        f"{path.stem.partition('.')[0]}.LICENSE.txt" for path in TRIMMED.parent.glob("*.min.*")
    }
