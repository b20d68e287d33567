"""Every image is in one subgroup of each kind; small subgroups are counted but get no figures."""

from pathlib import Path

import numpy as np
import pytest

from ml.bundle import Bundle
from ml.data.ham10000 import Ham10000
from ml.data.records import Record
from ml.evaluation.predictions import Predictions
from ml.evaluation.skin_tone import SkinTone
from ml.evaluation.subgroups import FEWEST_BCC, UNKNOWN, age_band, skin_tones, subgroups
from ml.patterns import Lesion


@pytest.fixture(scope="module")
def known() -> Predictions:
    """All BCC of women are found, those of men at random; for one person the sex is unknown."""
    records, logits = [], []
    for number in range(121):
        bcc, woman = number % 3 == 0, number % 2 == 0
        sex = "" if number == 120 else "female" if woman else "male"
        age = None if number % 11 == 0 else float(number % 100)
        lesion = Lesion.BCC if bcc else Lesion.NV
        records.append(Record(str(number), str(number), lesion, sex, age, "back" if number < 100 else "face"))
        logits.append((4.0 if bcc else -4.0) if woman else float(np.sin(number)))
    lesions = np.zeros((121, len(Lesion)))
    return Predictions(tuple(records), np.array(logits), lesions, np.zeros(121, bool))


def test_figures_and_counts_by_subgroup(known: Predictions, bundle: Bundle) -> None:
    tones = [SkinTone.DARK.value if number % 2 else SkinTone.VERY_LIGHT.value for number in range(121)]
    found = subgroups(known, bundle.card, tones, resamples=50)
    assert list(found) == ["sex", "age", "site", "skin tone"]
    for groups in found.values():
        assert sum(group["images"] for group in groups) == 121
        assert sum(group["bcc_images"] for group in groups) == int(known.bcc.sum())
    women, men, unknown = found["sex"]
    assert (women["group"], men["group"], unknown["group"]) == ("female", "male", UNKNOWN)
    assert women["figures"]["auc"]["value"] == women["figures"]["recall"]["value"] == 1
    assert men["figures"]["auc"]["value"] < 0.8
    assert men["figures"]["auc"]["low"] < men["figures"]["auc"]["value"] < men["figures"]["auc"]["high"]
    assert unknown["figures"] is None
    assert [group["group"] for group in found["skin tone"]] == ["very light", "dark"]
    assert all((g["figures"] is None) == (g["bcc_images"] < FEWEST_BCC) for groups in found.values() for g in groups)


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (0.0, "under 40"),
        (39.0, "under 40"),
        (40.0, "40 to 59"),
        (60.0, "60 to 79"),
        (80.0, "80 and older"),
        (None, UNKNOWN),
    ],
)
def test_age_bands(age: float | None, name: str) -> None:
    assert age_band(Record("1", "1", Lesion.NV, "", age, "")) == name


def test_tones_come_from_the_images_and_their_masks(tiny_ham: Path) -> None:
    data = Ham10000(tiny_ham)
    tones = skin_tones(data, data.records[:4])
    assert len(tones) == 4
    assert set(tones) <= {tone.value for tone in SkinTone}
