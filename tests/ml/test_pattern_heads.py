"""How pattern heads are judged within BCC."""

import numpy as np
import pytest

from ml.evaluation.pattern_heads import PATTERNS, SIX, PatternScores, any_of_six, mean_correlation, within_bcc
from ml.patterns import Pattern


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


def test_one_detector_with_six_names_is_found_out() -> None:
    assert abs(mean_correlation(made())) < 0.1
    assert mean_correlation(made(shared=1.0)) == pytest.approx(1)


def test_a_bcc_is_right_where_one_of_its_own_patterns_is_called() -> None:
    found = made()
    assert any_of_six(found, found.present) == {"right": 1.0, "naevi": 0.0}
    everything = np.ones_like(found.present)
    assert any_of_six(found, everything) == {"right": 1.0, "naevi": 1.0}
