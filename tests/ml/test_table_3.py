"""A row of Table 3 by hand and against scikit-learn; out of fold, each fold at a threshold of the others."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.table_3 import detection
from ml.evaluation.table_3_out_of_fold import COLUMNS, TooFewLesions, margins, row_of, spread, threshold


def test_a_row_by_hand() -> None:
    """From 0 on an image is called: both that have it, and one of the three others."""
    scores, labels = np.array([3.0, 1.0, -1.0, -2.0, 2.0]), np.array([True, True, False, False, False])
    row = detection(scores, labels, 0.0, Bootstrap(list("abcde"), 50))
    assert {name: cell["value"] for name, cell in row["confusion"].items()} == {"tp": 2, "fp": 1, "fn": 0, "tn": 2}
    by_hand = {"recall": 1, "specificity": 2 / 3, "precision": 2 / 3, "accuracy": 4 / 5, "f1": 4 / 5, "auc": 5 / 6}
    assert {name: row[name]["value"] for name in by_hand} == pytest.approx(by_hand)
    assert row["average_precision"]["value"] == pytest.approx((1 + 2 / 3) / 2)
    assert all(row[name]["low"] <= row[name]["value"] <= row[name]["high"] for name in by_hand)


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


def test_a_collection_without_the_finding_asks_for_nothing() -> None:
    found = made()
    ham = found.collection == "HAM10000"
    absent = Finding(**{**vars(found), "present": found.present & ~ham})
    assert threshold(absent) == threshold(found.of(~ham))


def test_each_figure_has_its_spread_over_folds() -> None:
    found = made()
    above = margins(found)
    row = row_of(found, above, resamples=20)
    recalls = [(above[(found.fold == k) & found.present] >= 0).mean() for k in range(5)]
    figure = row["figures"]["recall"]
    assert (row["images"], row["positives"]) == (2000, 1000)
    assert figure["value"] == pytest.approx((above[found.present] >= 0).mean())
    assert figure["mean"] == pytest.approx(np.mean(recalls))
    assert figure["variance"] == pytest.approx(np.var(recalls, ddof=1))
    assert tuple(row["figures"]) == COLUMNS


def test_ranks_are_of_plain_scores() -> None:
    """Thresholds differ from fold to fold, which must not change who stands above whom."""
    found = made()
    above = found.scores - 10.0 * found.fold
    figures = row_of(found, above, resamples=10)["figures"]
    assert figures["auc"]["value"] == pytest.approx(roc_auc_score(found.present, found.scores))
    assert figures["average_precision"]["value"] == pytest.approx(average_precision_score(found.present, found.scores))


def test_without_a_point_only_ranks_are_measured() -> None:
    assert set(row_of(made(), None, resamples=10)["figures"]) == {"auc", "average_precision"}


def test_a_fold_without_the_figure_does_not_count() -> None:
    assert spread([1.0, None, 0.5, float("nan")]) == {"mean": 0.75, "variance": 0.125}
    assert spread([1.0]) == {"mean": 1.0, "variance": None}
    assert spread([]) == {"mean": None, "variance": None}
