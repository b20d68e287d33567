"""Doubt moves a case up, never down."""

from dataclasses import dataclass
from itertools import product

import pytest

from webapp.models import Analysis, AnalysisState, Case, CaseState, FailureReason, Image, TriageReason
from webapp.triage import rank


@dataclass(frozen=True)
class Kind:
    """One way in which an image's analysis can stand."""

    name: str
    state: AnalysisState
    probability: float | None = None
    needs_person: bool | None = None
    failure: FailureReason | None = None

    @property
    def trusted(self) -> bool:
        return self.state is AnalysisState.DONE and self.needs_person is False and self.probability is not None

    def image(self) -> Image:
        analysis = Analysis(
            state=self.state,
            bcc_probability=self.probability,
            bcc_as_shipped=None if self.probability is None else self.probability >= 0.1,
            needs_person=self.needs_person,
            failure=self.failure,
        )
        return Image(analyses=[analysis])


PROBABILITIES = (0.0, 0.02, 0.5, 1.0)
TRUSTED = [Kind(f"trusted {p}", AnalysisState.DONE, p, False) for p in PROBABILITIES]
DOUBTED = [
    *[Kind(f"unsure {p}", AnalysisState.DONE, p, True) for p in PROBABILITIES],
    Kind("no opinion of itself", AnalysisState.DONE, 0.02, None),
    Kind("no probability", AnalysisState.DONE, None, False),
    Kind("no probability, unsure", AnalysisState.DONE, None, True),
    Kind("queued", AnalysisState.QUEUED),
    Kind("running", AnalysisState.RUNNING),
    Kind("queued with leftovers", AnalysisState.QUEUED, 0.02, False),
    *[Kind(reason.value, AnalysisState.FAILED, failure=reason) for reason in FailureReason],
    Kind("failed with leftovers", AnalysisState.FAILED, 0.02, False, FailureReason.ERROR),
]
KINDS = TRUSTED + DOUBTED


def placed(*kinds: Kind, state: CaseState = CaseState.SUBMITTED) -> Case:
    case = Case(images=[kind.image() for kind in kinds], state=state, is_open=True)
    rank.refresh(case)
    return case


COMBINATIONS = [kinds for count in (1, 2) for kinds in product(KINDS, repeat=count)]
COMBINATIONS += [(*pair, kind) for pair in product(TRUSTED, repeat=2) for kind in KINDS]


def test_a_doubted_image_puts_the_case_before_every_trusted_one() -> None:
    doubted = [placed(*kinds) for kinds in COMBINATIONS if not all(kind.trusted for kind in kinds)]
    trusted = [placed(*kinds) for kinds in COMBINATIONS if all(kind.trusted for kind in kinds)]
    assert all(case.needs_person for case in doubted)
    assert not any(case.needs_person for case in trusted)
    assert max(case.rank for case in doubted) < min(case.rank for case in trusted)


def test_an_image_without_an_answer_puts_the_case_at_the_very_top() -> None:
    for kinds in COMBINATIONS:
        if any(kind.state is not AnalysisState.DONE or kind.probability is None for kind in kinds):
            assert placed(*kinds).rank == 0.0, [kind.name for kind in kinds]


def test_the_highest_probability_of_the_images_counts_and_orders() -> None:
    low, high = placed(TRUSTED[1], TRUSTED[0]), placed(TRUSTED[1], TRUSTED[2])
    assert (low.bcc_probability, high.bcc_probability) == (0.02, 0.5)
    assert high.rank < low.rank


def test_among_doubted_cases_the_likelier_bcc_comes_first() -> None:
    unsure = [placed(kind) for kind in DOUBTED[:4]]
    assert [case.bcc_probability for case in sorted(unsure, key=lambda case: case.rank)] == [1.0, 0.5, 0.02, 0.0]


def test_a_case_without_images_needs_a_person() -> None:
    case = placed()
    assert (case.rank, case.needs_person, case.triage_reason) == (0.0, True, TriageReason.AWAITING_ANALYSIS)


def one(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["trusted 0.5"], TriageReason.PROBABILITY),
        (["unsure 0.5"], TriageReason.MODEL_UNSURE),
        (["no probability"], TriageReason.MODEL_UNSURE),
        (["error"], TriageReason.ANALYSIS_FAILED),
        (["model_unavailable"], TriageReason.MODEL_UNAVAILABLE),
        (["queued"], TriageReason.AWAITING_ANALYSIS),
        (["trusted 0.5", "unsure 0.02"], TriageReason.MODEL_UNSURE),
        (["unsure 0.5", "error"], TriageReason.ANALYSIS_FAILED),
        (["error", "model_unavailable"], TriageReason.MODEL_UNAVAILABLE),
        (["model_unavailable", "running"], TriageReason.AWAITING_ANALYSIS),
    ],
)
def test_the_reason_names_what_keeps_the_case_on_top(names: list[str], reason: TriageReason) -> None:
    assert placed(*[one(name) for name in names]).triage_reason is reason


def test_a_superseded_analysis_does_not_count() -> None:
    image = one("trusted 1.0").image()
    image.analyses[0].state = AnalysisState.SUPERSEDED
    image.analyses.append(Analysis(state=AnalysisState.DONE, bcc_probability=0.02, needs_person=False))
    case = Case(images=[image], state=CaseState.SUBMITTED)
    rank.refresh(case)
    assert case.bcc_probability == 0.02


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.SUBMITTED])
def test_an_analysis_never_undoes_what_people_did(state: CaseState) -> None:
    assert placed(TRUSTED[1], state=state).state is state


def test_a_submitted_case_waits_for_review_once_no_analysis_is_outstanding() -> None:
    assert placed(TRUSTED[1], one("running")).state is CaseState.SUBMITTED
    assert placed(TRUSTED[1], one("error")).state is CaseState.AWAITING_REVIEW
