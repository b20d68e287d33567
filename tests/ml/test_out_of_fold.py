"""Figures of predictions by folds, collection by collection."""

from pathlib import Path

import numpy as np
import pytest

from ml.data.records import DataError
from ml.evaluation.leaks import leaking
from ml.evaluation.out_of_fold import OutOfFold, bcc_score, figures, over_folds
from ml.patterns import LESIONS, Lesion

BCC, SCC, NV = (LESIONS.index(kind) for kind in (Lesion.BCC, Lesion.SCC, Lesion.NV))


def write_fold(folder: Path, number: int, strength: float = 4.0, images: int = 60) -> None:
    """Predictions of which `strength` says how right they are: BCC, SCC and NV in turn, in two collections."""
    generator = np.random.default_rng(number)
    truth = np.array([BCC, SCC, NV] * (images // 3))
    logits = generator.normal(0, 1, (images, 4, 1 + len(LESIONS)))
    logits[np.arange(images), :, 1 + truth] += strength
    logits[truth == BCC, :, 0] += strength
    (folder / f"fold-{number}").mkdir(parents=True)
    np.savez(
        folder / f"fold-{number}" / "predictions.npz",
        image_id=np.array([f"I{number}-{k}" for k in range(images)]),
        collection=np.array(["HAM10000", "MILK10k"])[(np.arange(images) // 3) % 2],
        group=np.array([f"G{number}-{k // 2}" for k in range(images)]),
        diagnosis=np.array([LESIONS[k].value for k in truth]),
        logits=logits.astype(np.float32),
        features=np.zeros((images, 2), np.float16),
    )


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    for number in range(2):
        write_fold(tmp_path, number)
    return tmp_path


def read(runs: Path, views: int = 4, dropped: frozenset[str] = frozenset()) -> OutOfFold:
    return OutOfFold.read(sorted(runs.glob("fold-*")), views, dropped)


def test_both_heads_speak_for_bcc() -> None:
    logits = np.zeros((3, 1, 1 + len(LESIONS)))
    logits[1, 0, 0] = 2
    logits[2, 0, 1 + BCC] = 2
    neither, one, other = bcc_score(logits)
    assert neither == pytest.approx(np.log(1 / 8) / 2)
    assert one == pytest.approx(1 + np.log(1 / 8) / 2)
    assert other > neither


def test_each_collection_has_its_figures_with_intervals(runs: Path) -> None:
    found = figures(read(runs), resamples=50)
    assert set(found) == {"HAM10000", "MILK10k"}
    for rows in found.values():
        assert set(rows) == {
            "BCC: AUC",
            "BCC: specificity at sensitivity 0.95",
            "BCC against SCC: AUC",
            "lesion type: accuracy",
            "lesion type: macro-F1",
        }
        for estimate in rows.values():
            value, low, high = estimate["value"], estimate["low"], estimate["high"]
            assert value is not None
            assert low is not None
            assert high is not None
            assert 0.8 < low <= value <= high <= 1


def test_noise_is_no_better_than_chance(tmp_path: Path) -> None:
    write_fold(tmp_path, 0, strength=0.0, images=600)
    found = figures(read(tmp_path), resamples=20)["HAM10000"]
    value = found["BCC: AUC"]["value"]
    assert value is not None
    assert abs(value - 0.5) < 0.1


def test_figures_of_each_fold_stand_beside_each_other(runs: Path) -> None:
    assert all(len(values) == 2 for rows in over_folds(read(runs)).values() for values in rows.values())


def test_more_views_are_averaged(runs: Path) -> None:
    one, four = read(runs, 1), read(runs, 4)
    assert one.scores[one.bcc].std() > four.scores[four.bcc].std()


def test_images_that_pair_across_folds_are_left_out(runs: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("first,second\nI0-1,I1-5\nI0-2,I0-3\nI0-4,elsewhere\n")
    dropped = leaking(read(runs), pairs)
    assert dropped == {"I0-1", "I1-5"}
    assert len(read(runs, 4, dropped).scores) == len(read(runs).scores) - 2


def test_a_folder_without_predictions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no predictions"):
        OutOfFold.read([tmp_path / "fold-0"], 4)
