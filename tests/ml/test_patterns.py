"""The clinical rule of Matas et al.: label vector [PN, U, ON, MG, ML, SW, AT]."""

from itertools import product

import pytest

from ml.patterns import BCC_PATTERNS, Lesion, Pattern, clinical_rule


def assessed(*found: Pattern) -> dict[Pattern, bool | None]:
    """All seven patterns assessed, those in ``found`` present."""
    return {pattern: pattern in found for pattern in Pattern}


def test_the_label_vector_has_the_papers_order():
    assert [pattern.value for pattern in Pattern] == ["PN", "U", "ON", "MG", "ML", "SW", "AT"]
    assert [pattern for pattern in Pattern if pattern.is_negative_criterion] == [Pattern.PN]
    assert (Pattern.PN, *BCC_PATTERNS) == tuple(Pattern)
    assert len({item.label for item in [*Pattern, *Lesion]}) == len(Pattern) + len(Lesion)


@pytest.mark.parametrize("vector", list(product([0, 1], repeat=7)))
def test_every_label_vector(vector: tuple[int, ...]):
    verdict = clinical_rule(dict(zip(Pattern, map(bool, vector), strict=True)))
    network, *criteria = vector
    assert verdict.bcc is (not network and any(criteria))


def test_network_excludes_bcc_whatever_else_is_there():
    verdict = clinical_rule(assessed(Pattern.PN, Pattern.AT, Pattern.U))
    assert verdict.bcc is False
    assert verdict.patterns == (Pattern.PN,)
    assert "igment network" in verdict.reason


@pytest.mark.parametrize("pattern", BCC_PATTERNS)
def test_one_criterion_without_network_is_bcc(pattern: Pattern):
    verdict = clinical_rule(assessed(pattern))
    assert verdict.bcc is True
    assert verdict.patterns == (pattern,)
    assert pattern.label.lower() in verdict.reason


def test_no_pattern_is_not_bcc():
    verdict = clinical_rule(assessed())
    assert verdict.bcc is False
    assert verdict.patterns == ()


def test_nothing_assessed_is_undecided():
    assert clinical_rule({}).bcc is None
    assert clinical_rule(dict.fromkeys(Pattern)).bcc is None


def test_criteria_without_an_assessed_network_are_undecided_but_named():
    verdict = clinical_rule({**assessed(Pattern.AT), Pattern.PN: None})
    assert verdict.bcc is None
    assert verdict.patterns == (Pattern.AT,)
    assert "pigment network" in verdict.reason


def test_a_missing_criterion_leaves_an_otherwise_empty_vector_undecided():
    verdict = clinical_rule({**assessed(), Pattern.SW: None})
    assert verdict.bcc is None
    assert "spoke wheel" in verdict.reason


def test_what_decides_does_not_wait_for_the_rest():
    assert clinical_rule({Pattern.PN: True}).bcc is False
    assert clinical_rule({Pattern.PN: False, Pattern.ON: True}).bcc is True


def test_no_later_assessment_can_overturn_a_verdict():
    for values in product([False, True, None], repeat=7):
        present = dict(zip(Pattern, values, strict=True))
        verdict = clinical_rule(present)
        if verdict.bcc is None:
            continue
        for filler in (False, True):
            filled = {pattern: filler if value is None else value for pattern, value in present.items()}
            assert clinical_rule(filled).bcc is verdict.bcc


def test_contradiction_needs_a_decided_rule():
    network, nests, open_question = (
        clinical_rule(present) for present in (assessed(Pattern.PN), assessed(Pattern.ON), dict.fromkeys(Pattern))
    )
    assert network.contradicts(True)
    assert not network.contradicts(False)
    assert nests.contradicts(False)
    assert not nests.contradicts(True)
    assert not open_question.contradicts(True)
    assert not open_question.contradicts(False)
