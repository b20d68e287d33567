"""docs/security.md names a test for each protection: each test exists, and each requirement is listed once."""

import re
from collections import Counter

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z]+/test_\w+\.py)(?:::(test_\w+))?`", PAGE)))
ROWS = [line for line in PAGE.splitlines() if re.match(r"\| \d+\.\d+\.\d+", line)]


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_a_named_test_exists(file: str, test: str) -> None:
    source = (ROOT / "tests" / file).read_text()
    assert not test or f"def {test}(" in source


def test_every_row_names_a_test_or_says_who_sees_to_it() -> None:
    for row in ROWS:
        last = row.rstrip(" |").rsplit("|", 1)[-1]
        assert "`" in last or last.strip().startswith(("operator", "review", "not done")), row


def test_each_requirement_stands_there_once() -> None:
    numbers = Counter(number for row in ROWS for number in re.findall(r"\d+\.\d+\.\d+", row.split("|")[1]))
    assert len(numbers) > 80
    assert [number for number, count in numbers.items() if count > 1] == []
