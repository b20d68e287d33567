"""What the gate sends to a person, source by source."""

import numpy as np
import pytest
from scipy.special import expit

from ml.evaluation.gate import dermoscopic, gate, of_the_others
from ml.evaluation.outputs import Outputs


def outputs(source: list[str], probability: np.ndarray, fold: np.ndarray, group: list[str]) -> Outputs:
    logits = np.stack([np.log(probability), np.log(1 - probability), np.full(len(probability), -np.inf)], axis=1)
    names, nothing = np.array(source), np.empty((len(source), 0))
    return Outputs(names, names, np.array(group), names, fold, nothing, nothing, logits, nothing, nothing)


def made() -> Outputs:
    """A hundred images of each collection, MILK10k's less sure, and ten close-ups, half taken for dermoscopy."""
    source = ["MILK10k"] * 100 + ["HAM10000"] * 100 + ["close-up"] * 10
    scores = np.r_[np.linspace(0.405, 0.9, 100), np.linspace(0.505, 0.999, 100), [0.1, 0.95] * 5]
    fold = np.r_[np.arange(100) % 2, np.arange(100) % 2, np.zeros(10, int)]
    return outputs(source, scores, fold, [f"G{k}" for k in range(210)])


def test_the_first_modality_is_dermoscopy() -> None:
    assert np.allclose(dermoscopic(made())[:2], [0.405, 0.41])
    two = outputs(["HAM10000"], np.array([expit(1.0)]), np.zeros(1, int), ["G"])
    assert dermoscopic(two)[0] == pytest.approx(expit(1.0))


def test_below_the_threshold_a_person_is_asked() -> None:
    rows = gate(made(), 0.5, resamples=20)
    assert list(rows) == ["HAM10000", "MILK10k", "close-up"]
    assert {name: row["pictures"] for name, row in rows.items()} == {"HAM10000": 100, "MILK10k": 100, "close-up": 10}
    assert rows["HAM10000"]["sent"]["value"] == 0
    assert rows["MILK10k"]["sent"]["value"] == pytest.approx((np.linspace(0.405, 0.9, 100) < 0.5).mean())
    assert rows["close-up"]["sent"]["value"] == 0.5


def test_without_a_threshold_each_fold_keeps_what_the_others_allow_in_either_collection() -> None:
    found = made()
    limits = of_the_others(found)
    odd = np.linspace(0.405, 0.9, 100)[1::2]
    assert limits[0] == odd[1]  # one of fifty may be sent
    assert (limits[found.fold == 1] == np.linspace(0.405, 0.9, 100)[::2][1]).all()
    assert gate(found, resamples=5)["MILK10k"]["sent"]["value"] <= 0.03
    assert gate(found, resamples=5)["HAM10000"]["sent"]["value"] == 0


def test_a_single_fold_has_no_threshold_of_others_and_sends_nobody() -> None:
    found = made()
    alone = found.of(found.fold == 0)
    assert np.isnan(of_the_others(alone)).all()
    assert gate(alone, resamples=5)["close-up"]["sent"]["value"] == 0
