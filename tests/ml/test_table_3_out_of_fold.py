"""Table 3 out of fold: thresholds that hold for every collection, chosen on the other folds."""

import numpy as np
import pytest

from ml.evaluation.out_of_fold import Finding
from ml.evaluation.table_3_out_of_fold import TooFewLesions, margins, table3, threshold


def made(images: int = 2000, harder: float = 1.0, folds: int = 5) -> Finding:
    """Half of them have it; scores of the second collection lie `harder` lower."""
    generator = np.random.default_rng(1)
    number = np.arange(images)
    present = number % 2 == 1
    second = number % 4 >= 2
    scores = generator.normal(0, 1, images) + 4 * present - harder * second
    return Finding(
        collection=np.where(second, "MILK10k", "HAM10000"),
        group=np.array([f"G{k}" for k in number]),
        fold=(number // 4) % folds,
        scores=scores,
        present=present,
    )


def test_the_threshold_finds_the_wanted_share_in_the_harder_collection() -> None:
    found = made()
    chosen = threshold(found)
    for name in ("HAM10000", "MILK10k"):
        share = (found.scores[found.present & (found.collection == name)] >= chosen).mean()
        assert share >= 0.95
    assert share < 0.98  # not more careful than the bound asks for
    assert chosen < threshold(made(harder=0.0))


def test_too_few_lesions_to_be_sure_are_refused() -> None:
    with pytest.raises(TooFewLesions, match="too few"):
        threshold(made(images=120))


def test_a_fold_is_called_at_the_threshold_of_the_others() -> None:
    found = made()
    easier = found.scores + 100.0 * (found.fold == 3)
    moved = Finding(**{**vars(found), "scores": easier})
    here = found.fold == 3
    assert np.allclose(margins(moved)[here], margins(found)[here] + 100)


def test_each_figure_has_its_spread_over_folds() -> None:
    rows = table3(made(), resamples=20)
    assert set(rows) == {"HAM10000", "MILK10k"}
    recall = rows["MILK10k"]["recall"]
    assert len(recall.folds) == 5
    assert recall.variance == pytest.approx(np.var(recall.folds, ddof=1))
    value = recall.pooled["value"]
    assert value is not None
    assert value == pytest.approx(recall.mean, abs=0.01)


def test_a_collection_without_the_finding_asks_for_nothing() -> None:
    found = made()
    ham = found.collection == "HAM10000"
    absent = Finding(**{**vars(found), "present": found.present & ~ham})
    assert threshold(absent) == threshold(found.of(~ham))
    assert set(table3(absent, resamples=10)) == {"MILK10k"}
