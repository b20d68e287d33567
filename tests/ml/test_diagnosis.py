"""Figures of malignant types and lesion types, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support, roc_auc_score

from ml.evaluation.diagnosis import at_shipped_points, diagnosis, sizes
from ml.evaluation.lesion_types import lesion_types
from ml.evaluation.out_of_fold import OutOfFold
from ml.patterns import LESIONS, MALIGNANT, Lesion
from tests.ml.evaluated import card, target

BCC, SCC, NV = (LESIONS.index(kind) for kind in (Lesion.BCC, Lesion.SCC, Lesion.NV))


def made(images: int = 600) -> OutOfFold:
    """Two images a lesion; the first collection has no SCC."""
    generator = np.random.default_rng(1)
    first = np.arange(images) < images // 2
    truth = np.arange(images) // 2 % len(LESIONS)
    truth[first & (truth == SCC)] = NV
    lesion = generator.normal(0, 1, (images, len(LESIONS)))
    lesion[np.arange(images), truth] += 1.5
    lesion -= np.log(np.exp(lesion).sum(axis=1, keepdims=True))
    return OutOfFold(
        collection=np.where(first, "HAM10000", "MILK10k"),
        image_id=np.array([f"I{k}" for k in range(images)]),
        group=np.array([f"G{k // 2}" for k in range(images)]),
        truth=truth,
        scores=generator.normal(0, 1, images) + 2 * (truth == BCC),
        lesion=lesion,
        fold=np.arange(images) % 5,
    )


def test_each_malignant_type_is_ranked_as_by_scikit_learn() -> None:
    found = made()
    table = diagnosis(found, {}, resamples=20)
    for name, here in (("HAM10000", found.collection == "HAM10000"), ("MILK10k", found.collection == "MILK10k")):
        for kind in MALIGNANT:
            finding = found.finding(kind).of(here)
            if finding.present.any():
                ours = table[name][f"{kind.upper()}: AUC"]["value"]
                assert ours == pytest.approx(roc_auc_score(finding.present, finding.scores))
    assert "SCC: AUC" not in table["HAM10000"]
    assert "BCC against SCC: AUC" in table["MILK10k"]


def test_calibration_is_measured_where_probabilities_are_given() -> None:
    found = made()
    sure = found.finding(Lesion.MEL).present.astype(float)
    table = diagnosis(found, {Lesion.MEL: sure, Lesion.BCC: np.full(len(sure), 0.5)}, resamples=10)["MILK10k"]
    share = found.bcc[found.collection == "MILK10k"].mean()
    assert table["MEL: calibration error"]["value"] == 0
    assert table["BCC: calibration error"]["value"] == pytest.approx(abs(0.5 - share))
    assert "SCC: calibration error" not in table


def test_the_shipped_point_is_the_cards_on_each_collection() -> None:
    found, given = made(), card(targets=tuple(target(t.code, 0.7 if t.code == "BCC" else 0.5) for t in card().targets))
    rows = at_shipped_points(found, given, resamples=20)
    assert set(rows) == {"BCC", "SCC", "MEL"}
    assert set(rows["SCC"]) == {"MILK10k"}  # HAM10000 has none
    here = found.collection == "MILK10k"
    called = found.scores[here] >= np.log(0.7 / 0.3)  # the logit of 0.7
    row, present = rows["BCC"]["MILK10k"], found.bcc[here]
    assert row["sensitivity"]["value"] == pytest.approx(called[present].mean())
    assert row["specificity"]["value"] == pytest.approx((~called)[~present].mean())
    assert (row["positives"], row["negatives"]) == (present.sum(), (~present).sum())


def test_images_and_lesions_are_counted() -> None:
    found = made()
    here = found.collection == "HAM10000"
    bcc = int((here & found.bcc).sum())
    assert sizes(found)["HAM10000"] == {"images": 300, "lesions": 150, "bcc_images": bcc, "bcc_lesions": bcc // 2}


def test_lesion_types_are_scikit_learns() -> None:
    found = made()
    table = lesion_types(found, resamples=20)
    for name, each in table.items():
        part = found.of(found.collection == name)
        guesses = part.lesion.argmax(axis=1)
        kinds = np.unique(part.truth).tolist()
        precision, recall, f1, support = precision_recall_fscore_support(part.truth, guesses, labels=kinds)
        assert list(each["types"]) == [LESIONS[kind].value for kind in kinds]
        for number, row in enumerate(each["types"].values()):
            ours = [row[figure]["value"] for figure in ("precision", "recall", "f1")]
            assert ours == pytest.approx([precision[number], recall[number], f1[number]])
            assert row["images"] == support[number]
            assert row["lesions"] == support[number] / 2
        counts = confusion_matrix(part.truth, guesses, labels=range(len(LESIONS)))
        assert each["confusion"]["rows"] == counts.tolist()
