"""The hour of damaged files (`make fuzz`) is repeatable and finds what it is for."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.__main__ import feed
from tests.fuzz.mutate import damaged
from tests.fuzz.targets import TABLES, images, tables


def test_the_same_seed_is_the_same_damage() -> None:
    first, second = (damaged(TABLES[0], TABLES, random.Random("x")) for _ in range(2))
    assert first == second != TABLES[0]


@pytest.mark.parametrize("made", [images, tables])
def test_a_moment_of_it_finds_nothing(made: Callable[[], object], tmp_path: Path) -> None:
    assert feed({"target": made()}, 0.3, 7, tmp_path / "finds") == 0  # type: ignore[dict-item]
    assert not (tmp_path / "finds").exists()


def test_a_fault_is_found_and_its_input_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def target(chance: random.Random) -> tuple[bytes, Callable[[], None]]:
        data = damaged(b"12345", [b"9"], chance)
        return data, lambda: (_ for _ in ()).throw(ValueError(data)) if len(data) < 5 else None

    assert feed({"numbers": target}, 0.2, 1, tmp_path) == 1
    kept = [file.read_bytes() for file in tmp_path.iterdir()]
    assert kept
    assert all(len(data) < 5 for data in kept)
    assert "ValueError" in capsys.readouterr().out
