"""The commands of the recipe, one after the other, on tiny sets."""

import re
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.data import pairs
from tests.ml.tiny_sets import write_clinics, write_milk

SMALL = ("--epochs", "1", "--draws", "16", "--size", "32", "--evaluated", "32", "--small-epochs", "0")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory, tiny_ham: Path) -> list[str]:
    folder = tmp_path_factory.mktemp("sets")
    return ["--ham", str(tiny_ham), "--milk", str(write_milk(folder / "milk.zip", 40))]


@pytest.mark.slow
def test_a_fold_is_trained_judged_and_looked_into(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, clinics = str(tmp_path / "runs"), str(write_clinics(tmp_path / "clinics.zip"))
    folds = ["folds", runs, *sets, "--clinics", clinics, "--weights", "none", "--fold", "1", *SMALL]
    assert main(folds) == 0
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 5)
    assert main(["evaluate", runs, *sets]) == 0
    assert re.search(r"MILK10k +8 +8 ", capsys.readouterr().out)
    assert main(["features", runs, *sets, "--gate", "1"]) == 0
    assert capsys.readouterr().out == "fold 1: gate.npz, predictions.npz\n"
    student = ["folds", runs, *sets, "--weights", "none", "--everything", "--teachers", runs, *SMALL]
    assert main(student) == 0
    assert {file.name for file in (tmp_path / "runs" / "everything").iterdir()} == {
        "checkpoint.pt",
        "config.json",
        "history.json",
        "weights.safetensors",
    }
    assert main([*folds, "--seed", "2"]) == 2
    assert "holds another run: held_out, seed differ" in capsys.readouterr().err


def test_pairs_are_written_with_what_they_are_alike_in(
    sets: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "find_pairs", lambda first, second=None: [pairs.Pair(0, 1, 0.95, 0.9)])
    file = tmp_path / "pairs.csv"
    assert main(["pairs", str(file), *sets]) == 0
    assert file.read_text().splitlines() == [
        "first,second,outline,detail",
        "ISIC_0000000,ISIC_0000001,0.9500,0.9000",
        "ISIC_0000500,ISIC_0000001,0.9500,0.9000",
        "ISIC_0000500,ISIC_0000501,0.9500,0.9000",
    ]
