"""Pattern figures by hand: the coding, the rule, drawings with unknown labels, and heatmaps on their masks."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.bundle import Bundle
from ml.card import BCC, Card
from ml.data.ham10000 import Ham10000
from ml.data.mixture import Sources
from ml.data.records import Record
from ml.data.synthetic import MASK_SIDE, Drawn
from ml.evaluation.clinical_rule import CODING, by_the_rule, coding
from ml.evaluation.criteria import CRITERIA, judge, words
from ml.evaluation.held_out import HeldOut
from ml.evaluation.predictions import DrawnPredictions, Predictions, pattern_probabilities, present
from ml.evaluation.table_3 import on_drawings, on_expert_labels
from ml.evaluation.table_4 import PHANTOMS, heatmaps, row_name
from ml.patterns import Lesion, Pattern

NOTHING, PN, AT, BOTH = [-9.0] * 7, [9.0] + [-9.0] * 6, [-9.0] * 6 + [9.0], [9.0] + [-9.0] * 5 + [9.0]


@pytest.fixture(scope="module")
def card(bundle: Bundle) -> Card:
    """All seven patterns, each with a threshold of one half."""
    target = bundle.card.bcc
    return replace(bundle.card, targets=tuple(replace(target, code=code) for code in (BCC, *Pattern)))


def predicted(logits: list[list[float]], lesions: list[Lesion]) -> Predictions:
    records = tuple(Record(str(n), str(n), lesion, "", None, "") for n, lesion in enumerate(lesions))
    zeros = np.zeros((len(lesions), len(Lesion)))
    return Predictions(
        records,
        np.zeros(len(lesions)),
        zeros,
        zeros[:, 0] > 0,
        np.array(logits),
        unfamiliar=zeros[:, 0] > 0,
        cams=np.zeros((len(lesions), 8, 7, 7), np.float32),
    )


def test_the_coding_by_hand(card: Card) -> None:
    """Network takes precedence over the six; other images without BCC are not counted."""
    known = predicted([AT, BOTH, NOTHING, AT], [Lesion.BCC, Lesion.BCC, Lesion.BCC, Lesion.MEL])
    marked = predicted([NOTHING, PN, AT, PN], [Lesion.NV] * 4)
    found = coding(known, marked, np.array([False, True, True, True]), card, resamples=20)
    assert found["confusion"]["rows"] == [[1, 0, 0], [0, 2, 1], [1, 1, 1]]
    assert [found["correct"][name]["value"] for name in CODING] == pytest.approx([1, 2 / 3, 1 / 3])


def test_the_rule_by_hand(card: Card) -> None:
    known = predicted([AT, BOTH, NOTHING, AT], [Lesion.BCC, Lesion.BCC, Lesion.NV, Lesion.MEL])
    found = by_the_rule(known, card, resamples=20)
    values = {name: figure["value"] for name, figure in found.items() if "value" in figure}
    assert values == {
        "any_of_six_in_bcc": 1,
        "any_of_six_in_non_bcc": 0.5,
        "network_in_bcc": 0.5,
        "network_in_non_bcc": 0,
        "rule_right_in_bcc": 0.5,  # the network of the second speaks against it
        "rule_right_in_non_bcc": 0.5,
    }
    assert found["found_in_bcc"]["AT"] == 1


def test_experts_labels(card: Card) -> None:
    marked = predicted([NOTHING, PN, AT, PN], [Lesion.NV] * 4)
    found = on_expert_labels(marked, np.array([False, True, True, True]), card, resamples=20)
    assert (found["images"], found["positives"]) == (4, 3)
    assert found["auc"]["value"] == pytest.approx(5 / 6)  # one tie
    assert found["recall"]["value"] == pytest.approx(2 / 3)
    assert found["specificity"]["value"] == 1


@pytest.fixture
def drawn() -> DrawnPredictions:
    """Sixteen drawings, alternately PN and AT, AT unknown in one; the maps match AT's mask and avoid PN's."""
    labels = np.zeros((16, 7), np.float32)
    labels[::2, 0], labels[1::2, 6] = 1, 1
    labels[15, 6] = np.nan
    masks = np.zeros((16, 7, MASK_SIDE, MASK_SIDE), np.uint8)
    masks[labels == 1, : MASK_SIDE // 2] = 255
    cams = np.zeros((16, 8, 7, 7), np.float32)
    cams[:, 7, :3] = 1
    cams[:, 1, 4:] = 1
    cams[:, (1, 7), 3] = 0.25
    logits = np.where(labels == 1, 2.0, -2.0)
    logits[0] = -3.0
    return DrawnPredictions(Drawn(np.empty(0, np.uint8), labels, labels[:, 0], masks), logits, cams, np.zeros(16, bool))


def test_drawings_with_unknown_labels(drawn: DrawnPredictions, card: Card) -> None:
    found = on_drawings(drawn, card, resamples=20)
    assert set(found["patterns"]) == {"PN", "AT"}  # the others are never present
    network, vessels = found["patterns"]["PN"], found["patterns"]["AT"]
    assert (network["images"], vessels["images"], vessels["positives"]) == (16, 15, 7)
    assert vessels["auc"]["value"] == 1
    assert network["auc"]["value"] == pytest.approx(7 / 8)
    assert network["recall"]["value"] == pytest.approx(7 / 8)
    assert found["macro_auc"]["value"] == pytest.approx(15 / 16)


def test_heatmaps_are_measured_where_the_pattern_is(drawn: DrawnPredictions, card: Card, tiny_ham: Path) -> None:
    known = predicted([AT, NOTHING], [Lesion.NV, Lesion.NV])
    found = heatmaps(HeldOut(known, phantoms=drawn), Sources(Ham10000(tiny_ham)), card, resamples=20)
    assert set(found) == {row_name("PN", PHANTOMS), row_name("AT", PHANTOMS)}  # without BCC no row of it
    assert found["AT, phantoms"]["images"] == 7
    assert found["AT, phantoms"]["ratio"]["value"] > 2
    assert found["PN, phantoms"]["ratio"]["value"] < 0.5


def test_criteria_are_judged_or_called_not_measured() -> None:
    document = {
        "auc": {"value": 0.98, "low": 0.97, "high": 0.99},
        "ece": {"value": 0.031, "low": 0.02, "high": 0.04},
        "rule": {"any_of_six_in_non_bcc": {"value": 0.1, "low": 0.0, "high": 0.2}},
        "alignment": {"AT, phantoms": {"ratio": {"value": None, "low": None, "high": None}}},
    }
    rows = {row["name"]: row for row in judge(document)}
    assert len(rows) == len(CRITERIA)
    outcomes = {name: words(row) for name, row in rows.items()}
    assert outcomes["BCC: area under the ROC curve"] == ("0.980", "0.970 to 0.990", "≥ 0.98", "passed")
    assert outcomes["BCC: expected calibration error"][-1] == "missed"
    assert outcomes["One of the six found in real non-BCC"] == ("0.100", "0.000 to 0.200", "≤ 0.15", "passed")
    others = [row["met"] for name, row in rows.items() if name not in list(outcomes)[:1] and row["value"] is None]
    assert len(others) == len(CRITERIA) - 3
    assert set(others) == {None}
    assert outcomes["BCC: average precision"] == ("n/a", "", "≥ 0.85", "not measured")


def test_probabilities_are_the_engines(card: Card) -> None:
    shifted = replace(card.targets[7], temperature=2.0, offset=1.0)
    probabilities = pattern_probabilities(replace(card, targets=(*card.targets[:7], shifted)), np.array([AT]))
    assert probabilities[0, 6] == pytest.approx(1 / (1 + np.exp(-5)))
    assert present(card, np.array([AT]))[0].tolist() == [False] * 6 + [True]
