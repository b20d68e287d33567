"""Patterns judged within BCC: told apart or one detector with six names; and joined with what readers said."""

from pathlib import Path

import numpy as np
import pytest

from ml.data.collections import Item
from ml.data.readings import Readings
from ml.data.records import DataError, Record
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.pattern_heads import (
    PATTERNS,
    SIX,
    PatternScores,
    any_of_six,
    calls,
    correlation,
    hits_of_six,
    mean_correlation,
    within_bcc,
)
from ml.evaluation.pattern_scores import STRUCTURES_FILE, FoldScores
from ml.evaluation.read_images import ReadImages, above_points
from ml.patterns import Lesion, Pattern
from tests.ml.evaluated import card

U, MG, AT = (PATTERNS.index(pattern) for pattern in (Pattern.U, Pattern.MG, Pattern.AT))


def made(images: int = 300, shared: float = 0.0) -> PatternScores:
    """All BCC but every fifth, a naevus; scores are right, and `shared` says how much they are one and the same."""
    generator = np.random.default_rng(2)
    present = generator.random((images, len(PATTERNS))) < 0.3
    bcc = np.arange(images) % 5 > 0
    present[~bcc] = False
    own = 2.0 * present - 1 + generator.normal(0, 0.4, present.shape)
    common = generator.normal(0, 1, (images, 1))
    return PatternScores(
        scores=(1 - shared) * own + shared * common,
        present=present,
        bcc=bcc,
        naevus=~bcc,
        group=np.array([f"G{k}" for k in range(images)]),
    )


def test_within_bcc_each_of_the_six_has_its_area() -> None:
    rows = within_bcc(made(), resamples=20)
    assert set(rows) == {PATTERNS[k] for k in SIX}
    for row in rows.values():
        value = row.auc["value"]
        assert value is not None
        assert value > 0.9
        assert row.told_apart


def test_few_positives_or_chance_are_not_told_apart() -> None:
    assert not within_bcc(made(images=60), resamples=20)[Pattern.SW].told_apart
    assert not any(row.told_apart for row in within_bcc(made(shared=1.0), resamples=20).values())


def test_a_naevus_says_nothing_within_bcc() -> None:
    found = made()
    moved = PatternScores(**{**vars(found), "scores": found.scores + 99.0 * found.naevus[:, None]})
    assert within_bcc(moved, resamples=5) == within_bcc(found, resamples=5)
    assert mean_correlation(moved) == mean_correlation(found)


def test_one_detector_with_six_names_is_found_out() -> None:
    assert abs(mean_correlation(made())) < 0.1
    assert mean_correlation(made(shared=1.0)) == pytest.approx(1)


def test_correlations_are_numpys_and_count_images_by_weight() -> None:
    found = made(shared=0.5)
    scores = found.scores[found.bcc][:, SIX]
    table = np.atleast_2d(np.corrcoef(scores, rowvar=False))
    assert mean_correlation(found) == pytest.approx(table[np.triu_indices(6, 1)].mean())
    row = within_bcc(found, resamples=5)[Pattern.U]
    assert row.correlation == pytest.approx(table[0, 1:].mean())
    weights = np.random.default_rng(3).integers(0, 3, (1, len(scores))).astype(float)
    repeated = np.atleast_2d(np.corrcoef(np.repeat(scores, weights[0].astype(int), axis=0), rowvar=False))
    assert correlation(found, weights)[0] == pytest.approx(repeated[np.triu_indices(6, 1)].mean())


def test_a_bcc_is_right_where_one_of_its_own_patterns_is_called() -> None:
    found = made()
    assert any_of_six(found, found.present) == {"right": 1.0, "naevi": 0.0}
    everything = np.ones_like(found.present)
    assert any_of_six(found, everything) == {"right": 1.0, "naevi": 1.0}
    wrong = ~found.present & found.bcc[:, None]
    assert any_of_six(found, wrong) == {"right": 0.0, "naevi": 0.0}


def test_the_interval_is_of_the_same_share() -> None:
    found = made()
    called = found.scores >= 0
    for name, hits in hits_of_six(found, called).items():
        value = Bootstrap(found.group, 10).interval(metrics.share, *hits)["value"]
        assert value == pytest.approx(any_of_six(found, called)[name])


def test_recall_and_specificity_of_a_pattern_are_within_bcc() -> None:
    found = made()
    called = found.scores >= 0.5
    row = calls(found, called, resamples=10)[Pattern.AT]
    chosen, present = called[found.bcc][:, AT], found.present[found.bcc][:, AT]
    assert row["recall"]["value"] == pytest.approx(chosen[present].mean())
    assert row["specificity"]["value"] == pytest.approx((~chosen)[~present].mean())


def write(folder: Path, number: int, images: list[str], name: str = "pattern-scores.npz", cells: int = 16) -> None:
    fold = folder / f"fold-{number}"
    fold.mkdir(exist_ok=True)
    values = np.full((len(images), cells, 7), float(number))
    np.savez(fold / name, image_id=np.array(images), scores=values.max(axis=1), cells=values)


def test_each_image_comes_from_the_fold_that_withheld_it(tmp_path: Path) -> None:
    write(tmp_path, 0, ["A", "B"])
    write(tmp_path, 3, ["C"])
    folders = sorted(tmp_path.glob("fold-*"))
    found = FoldScores.read(folders)
    assert found is not None
    assert found.image_id.tolist() == ["A", "B", "C"]
    assert found.fold.tolist() == [0, 0, 3]
    assert found.scores[2].tolist() == [3.0] * 7
    assert FoldScores.read(folders, STRUCTURES_FILE) is None


def test_scores_that_can_not_be_right_are_refused(tmp_path: Path) -> None:
    write(tmp_path, 0, ["A"])
    write(tmp_path, 1, ["A"])
    with pytest.raises(DataError, match="withheld the same image"):
        FoldScores.read(sorted(tmp_path.glob("fold-*")))
    write(tmp_path, 1, ["B"], cells=15)
    with pytest.raises(DataError, match="16 cells"):
        FoldScores.read(sorted(tmp_path.glob("fold-*")))
    for broken in (b"", b"PK\x03\x04", b"text"):
        (tmp_path / "fold-1" / "pattern-scores.npz").write_bytes(broken)
        with pytest.raises(DataError, match="no scores of patterns"):
            FoldScores.read(sorted(tmp_path.glob("fold-*")))


@pytest.fixture
def read() -> ReadImages:
    """Three images with scores; the second was not read, the third is a naevus, and a fourth is left out."""
    kinds = {"A": Lesion.BCC, "B": Lesion.BCC, "C": Lesion.NV}
    items = {
        name: Item("HAM10000", name, f"G{name}", kind, Record(name, f"G{name}", kind, "", None, ""))
        for name, kind in kinds.items()
    }
    cells = np.zeros((2, 7, 4, 4))
    cells[0, U, 2, 1] = 1.0  # b3
    present = np.zeros((2, 7))
    present[0, U] = 0.9
    readings = Readings(("A", "C"), ("HAM10000",) * 2, present, cells, (0.5,) * 7)
    scores = FoldScores(np.array(list("CXAB")), np.arange(4), np.arange(28.0).reshape(4, 7), np.zeros((4, 16, 7)))
    return ReadImages.join(scores, items, readings)


def test_scores_are_joined_with_readings_by_name(read: ReadImages) -> None:
    assert read.scores.image_id.tolist() == ["C", "A", "B"]
    assert read.read.tolist() == [True, True, False]
    assert read.found.bcc.tolist() == [False, True, False]  # one BCC was not read
    assert read.found.naevus.tolist() == [True, False, False]
    assert read.found.present[:, U].tolist() == [False, True, False]
    assert read.named[1, 9, U] == 1.0  # row 3, column b
    assert read.named.sum() == 1


def test_a_finding_has_only_what_was_read(read: ReadImages) -> None:
    found = read.finding(Pattern.U)
    assert found.group.tolist() == ["GC", "GA"]
    assert found.present.tolist() == [False, True]
    assert found.scores.tolist() == [0 + U, 14 + U]
    assert found.fold.tolist() == [0, 2]


def test_a_pattern_counts_as_called_from_possible_on() -> None:
    """Of the made card, multiglobules are possible from 0.3 and the others likely from 0.5."""
    logit = np.log(0.4 / 0.6)
    above = above_points(card(), np.full((1, 7), logit))[0]
    assert above[MG] == pytest.approx(0.1)
    assert above[AT] == pytest.approx(-0.1)
