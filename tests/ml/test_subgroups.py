"""Every image is in one subgroup of each kind; small subgroups are counted but get no figures."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ml.data.records import Record
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.subgroups import EVERYBODY, FEWEST_BCC, UNKNOWN, age_band, subgroups, tone_class
from ml.patterns import Lesion


@pytest.fixture(scope="module")
def found() -> Finding:
    """Two collections; all BCC of women are found, those of men at random; for one person the sex is unknown."""
    number = np.arange(241)
    present, woman = number % 3 == 0, number % 2 == 0
    return Finding(
        collection=np.where(number < 120, "HAM10000", "MILK10k"),
        group=np.array([f"G{k // 2}" for k in number]),
        fold=number % 5,
        scores=np.where(woman, np.where(present, 4.0, -4.0), np.sin(number)),
        present=present,
    )


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return [
        Record(
            str(k),
            f"G{k // 2}",
            Lesion.NV,
            "" if k == 240 else "female" if k % 2 == 0 else "male",
            None if k % 11 == 0 else float(k % 100),
            "back" if k % 100 < 70 else "",
        )
        for k in range(241)
    ]


def rows(found: Finding, records: list[Record], above: np.ndarray | None) -> dict[tuple[str, str, str], dict]:
    tones = {str(k): k % 6 for k in range(121, 241)}
    table = subgroups(found, records, tones, above, resamples=20)
    return {(row["collection"], row["way"], row["group"]): row for row in table}


def test_every_image_is_counted_once_each_way(found: Finding, records: list[Record]) -> None:
    table = rows(found, records, found.scores)
    for collection, images in (("HAM10000", 120), ("MILK10k", 121)):
        for way in ("all", "age", "sex", "site"):
            counted = [row["images"] for key, row in table.items() if key[:2] == (collection, way)]
            assert sum(counted) == images, (collection, way)
    everybody = table["HAM10000", "all", EVERYBODY]
    assert (everybody["images"], everybody["lesions"], everybody["bcc_images"]) == (120, 60, 40)


def test_figures_are_those_of_the_subgroup(found: Finding, records: list[Record]) -> None:
    table = rows(found, records, found.scores - 0.5)
    women, men = (table["MILK10k", "sex", sex]["figures"] for sex in ("female", "male"))
    assert women["auc"]["value"] == women["sensitivity"]["value"] == women["specificity"]["value"] == 1
    here = (found.collection == "MILK10k") & (np.arange(241) % 2 == 1)
    called = found.scores[here] >= 0.5
    assert men["auc"]["value"] == pytest.approx(roc_auc_score(found.present[here], found.scores[here]))
    assert men["sensitivity"]["value"] == pytest.approx(called[found.present[here]].mean())
    assert men["specificity"]["value"] == pytest.approx((~called)[~found.present[here]].mean())
    assert men["auc"]["low"] < men["auc"]["value"] < men["auc"]["high"]


def test_few_are_counted_without_figures(found: Finding, records: list[Record]) -> None:
    table = rows(found, records, found.scores)
    assert table["MILK10k", "sex", UNKNOWN]["figures"] is None
    assert all((row["figures"] is None) == (row["bcc_images"] < FEWEST_BCC) for row in table.values())


def test_without_a_point_there_is_only_the_area(found: Finding, records: list[Record]) -> None:
    assert set(rows(found, records, None)["HAM10000", "all", EVERYBODY]["figures"]) == {"auc"}


def test_skin_tones_are_shown_where_they_are_published(found: Finding, records: list[Record]) -> None:
    tones = [key for key in rows(found, records, None) if key[1] == "skin tone class"]
    assert {key[0] for key in tones} == {"MILK10k"}
    assert [key[2] for key in tones] == ["0 very dark", "1", "2", "3", "4", "5 very light", UNKNOWN]
    assert tone_class(0) == "0 very dark"
    assert tone_class(None) == UNKNOWN


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
    assert age_band(age) == name
