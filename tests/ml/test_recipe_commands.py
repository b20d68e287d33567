"""The commands of the recipe, one after the other, on tiny sets."""

import re
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.data import pairs
from ml.training.recipe.config import read
from tests.ml.tiny_sets import write_clinics, write_milk

SMALL = ("--epochs", "1", "--draws", "16", "--size", "32", "--evaluated", "32", "--small-epochs", "0")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory, tiny_ham: Path) -> list[str]:
    folder = tmp_path_factory.mktemp("sets")
    return ["--ham", str(tiny_ham), "--milk", str(write_milk(folder / "milk.zip", 40))]


@pytest.mark.slow
def test_a_fold_is_trained_and_judged_and_a_student_learns_from_it(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, clinics = str(tmp_path / "runs"), str(write_clinics(tmp_path / "clinics.zip"))
    folds = ["folds", runs, *sets, "--clinics", clinics, "--weights", "none", "--fold", "1", *SMALL]
    assert main(folds) == 0
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 5)
    assert main(["evaluate", runs, *sets]) == 0
    assert re.search(r"MILK10k +8 +8 ", capsys.readouterr().out)
    student = ["folds", f"{runs}-2", *sets, "--weights", "none", "--fold", "1", "--teachers", runs, *SMALL]
    assert main(student) == 0
    assert read(tmp_path / "runs-2" / "fold-1").teachers == (f"{runs}/fold-1",)
    everything = ["folds", runs, *sets, "--weights", "none", "--everything", *SMALL]
    assert main(everything) == 0
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


@pytest.mark.slow
def test_a_start_for_every_fold_sees_isic_2019_alone(
    sets: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, clinics = str(tmp_path / "runs"), str(write_clinics(tmp_path / "clinics.zip"))
    start = ["folds", runs, *sets, "--clinics", clinics, "--weights", "none", "--only-clinics", *SMALL]
    assert main(start) == 0
    weights = tmp_path / "runs" / "clinics" / "weights.safetensors"
    assert main(["folds", runs, *sets, "--weights", "none", "--fold", "1", "--initial", str(weights), *SMALL]) == 0
    assert read(tmp_path / "runs" / "fold-1").initial == str(weights)
