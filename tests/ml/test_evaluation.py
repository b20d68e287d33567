"""Figures by hand, intervals over lesions, and the shipped card's figures on real images."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.bundle import Bundle
from ml.data.ham10000 import Ham10000
from ml.data.records import Record
from ml.data.splits import Split, split_by_lesion
from ml.engine import Engine
from ml.evaluation.diagnosis import measure
from ml.evaluation.predictions import Predictions, predict
from ml.patterns import Lesion

FIGURES = ["auc", "average_precision", "recall", "specificity", "precision", "accuracy", "f1"]


def predictions(logits: list[float], bcc: list[bool], groups: list[str]) -> Predictions:
    records = tuple(
        Record(str(index), group, Lesion.BCC if label else Lesion.NV, "", None, "")
        for index, (label, group) in enumerate(zip(bcc, groups, strict=True))
    )
    lesion = np.zeros((len(logits), len(Lesion)))
    lesion[:, list(Lesion).index(Lesion.NV)] = 1
    return Predictions(records, np.array(logits, float), lesion, np.zeros(len(logits), bool))


def test_figures_by_hand(bundle: Bundle) -> None:
    known = predictions([3.0, 1.0, -1.0, -2.0, 2.0], [True, True, False, False, False], list("abcde"))
    figures = measure(known, bundle.card, resamples=50)
    assert (figures["images"], figures["lesions"], figures["bcc_images"]) == (5, 5, 2)
    assert figures["auc"]["value"] == pytest.approx(5 / 6)
    assert figures["average_precision"]["value"] == pytest.approx((1 + 2 / 3) / 2)
    assert figures["lesion_accuracy"]["value"] == pytest.approx(3 / 5)
    (point,) = figures["operating_points"]
    assert point["sensitivity"]["value"] == 1
    assert point["specificity"]["value"] == pytest.approx(2 / 3)
    assert figures["specificity_at"]["value"] == pytest.approx(2 / 3)
    assert all(figures[name]["low"] <= figures[name]["value"] <= figures[name]["high"] for name in FIGURES)


def test_a_row_of_table_3_by_hand(bundle: Bundle) -> None:
    """From a probability of one half an image is called: both BCC, and one of the three others."""
    known = predictions([3.0, 1.0, -1.0, -2.0, 2.0], [True, True, False, False, False], list("abcde"))
    figures = measure(known, bundle.card, resamples=50)
    cells = {name: cell["value"] for name, cell in figures["confusion"].items()}
    assert cells == {"tp": 2, "fp": 1, "fn": 0, "tn": 2}
    by_hand = {"recall": 1, "specificity": 2 / 3, "precision": 2 / 3, "accuracy": 4 / 5, "f1": 4 / 5}
    assert {name: figures[name]["value"] for name in by_hand} == pytest.approx(by_hand)


def test_a_lesion_type_without_a_name_counts_for_bcc_alone(bundle: Bundle) -> None:
    known = predictions([3.0, 1.0, -1.0, -2.0], [True, True, False, False], list("abcd"))
    unnamed = replace(known.records[3], lesion=None)
    figures = measure(replace(known, records=(*known.records[:3], unnamed)), bundle.card, resamples=50)
    assert figures["auc"]["value"] == 1
    assert figures["lesion_accuracy"]["value"] == pytest.approx(1 / 3)  # always naevus, which one of three is


def test_intervals_count_lesions_not_images(bundle: Bundle) -> None:
    """Ten copies of every image are no more evidence; ten times as many lesions are."""
    generator = np.random.default_rng(1)
    labels = [bool(value) for value in generator.random(80) < 0.5]
    logits = [float(generator.normal(2.0 * label)) for label in labels]
    groups = [str(number) for number in range(80)]

    def width(known: Predictions) -> float:
        figure = measure(known, bundle.card, resamples=100)["auc"]
        return float(figure["high"] - figure["low"])

    alone = width(predictions(logits, labels, groups))
    assert width(predictions(logits * 10, labels * 10, groups * 10)) == pytest.approx(alone, rel=0.2)
    more = [f"{group}-{copy}" for copy in range(10) for group in groups]
    assert width(predictions(logits * 10, labels * 10, more)) < 0.5 * alone


def test_prediction_takes_the_serving_path(bundle: Bundle, tiny_ham: Path) -> None:
    data = Ham10000(tiny_ham)
    engine = Engine(bundle)
    known = predict(engine, data, data.records[:5])
    results = engine.run([data.image(record) for record in data.records[:5]])
    ours = bundle.card.bcc.probability(known.bcc_logits)
    np.testing.assert_allclose(ours, np.array([result.bcc_probability for result in results], float), atol=1e-6)
    assert known.flagged.tolist() == [result.needs_person for result in results]


def test_the_shipped_bundle_reaches_the_figures_of_its_card(shipped: Bundle, ham: Ham10000) -> None:
    """On all BCC of the test split and every tenth other image: the card's figures, within sampling error."""
    test = split_by_lesion(ham.records, shipped.card.data["seed"])[Split.TEST]
    sample = [r for r in test if r.bcc] + [r for r in test if not r.bcc][::10]
    figures = measure(predict(Engine(shipped, threads=2), ham, sample), shipped.card, resamples=100)
    card = shipped.card.metrics
    assert card["auc"]["value"] >= 0.96
    assert figures["auc"]["value"] == pytest.approx(card["auc"]["value"], abs=0.015)
    for ours, promised in zip(figures["operating_points"], card["operating_points"], strict=True):
        # the same BCC images: the sensitivity is the card's exactly, up to a rounding at the threshold
        assert ours["sensitivity"]["value"] == pytest.approx(promised["sensitivity"]["value"], abs=0.011)
        assert ours["specificity"]["value"] == pytest.approx(promised["specificity"]["value"], abs=0.06)
    assert figures["flagged_by_quality"] <= 0.01 * len(sample) + 1
    assert card["flagged_by_quality"] <= 0.01 * card["images"]
