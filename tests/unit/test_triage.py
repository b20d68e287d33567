"""A case's place in the worklist: doubt moves it up, never down."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from flask import Flask

from ml.patterns import Lesion
from tests.cards import card, entry, former_card
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    CaseState,
    FailureReason,
    Finding,
    Image,
    ModelVersion,
    ReopenReason,
    TriageReason,
    Urgency,
    utcnow,
)
from webapp.triage import concern, rank
from webapp.triage.rank import Section

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _settings(app: Flask):
    """Target dates come from the settings."""
    with app.app_context():
        yield


@dataclass(frozen=True)
class Kind:
    """One possible state of an image's analysis. BCC is suspected from 0.1 on, SCC from 0.2, melanoma from 0.3."""

    name: str
    state: AnalysisState
    probability: float | None = None
    needs_person: bool | None = None
    failure: FailureReason | None = None
    melanoma: float | None = 0.0
    scc: float | None = 0.0
    keratosis: float = 0.0

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
            lesion={"mel": 0.9, "akiec": self.keratosis},
            model_version=version(card()),
        )
        cancers = {"MEL": self.melanoma, "SCC": self.scc}
        analysis.findings = [Finding(target=code, probability=p) for code, p in cancers.items() if p is not None]
        return Image(analyses=[analysis])


def version(card: dict[str, Any]) -> ModelVersion:
    return ModelVersion(name="test", weights_sha256="0" * 64, card=card)


def result(probability: float, melanoma: float = 0.0, scc: float = 0.0, keratosis: float = 0.0) -> Kind:
    name = f"trusted {probability} {melanoma}"
    return Kind(name, AnalysisState.DONE, probability, False, melanoma=melanoma, scc=scc, keratosis=keratosis)


PROBABILITIES = (0.0, 0.02, 0.5, 1.0)
TRUSTED = [result(p) for p in PROBABILITIES]
UNSURE = [Kind(f"unsure {p}", AnalysisState.DONE, p, True) for p in PROBABILITIES]
WITHOUT_PROBABILITY = [
    Kind("no probability", AnalysisState.DONE, None, False),
    Kind("no probability, unsure", AnalysisState.DONE, None, True),
    Kind("queued", AnalysisState.QUEUED),
    Kind("running", AnalysisState.RUNNING),
    Kind("queued with leftovers", AnalysisState.QUEUED, 0.02, False),
    *[Kind(reason.value, AnalysisState.FAILED, failure=reason) for reason in FailureReason],
    Kind("failed with leftovers", AnalysisState.FAILED, 0.02, False, FailureReason.ERROR),
    Kind("no number", AnalysisState.DONE, float("nan"), False),
]
INCOMPLETE = [
    Kind("no opinion of itself", AnalysisState.DONE, 0.02, None),
    Kind("without melanoma", AnalysisState.DONE, 0.02, False, melanoma=None),
    Kind("without SCC", AnalysisState.DONE, 0.02, False, scc=None),
    Kind("melanoma no number", AnalysisState.DONE, 0.02, False, melanoma=float("nan")),
]
"""A card that has a finding promises it in every result: one without it is not trusted."""
DOUBTED = [*UNSURE, *INCOMPLETE, *WITHOUT_PROBABILITY]
KINDS = TRUSTED + DOUBTED


def placed(*kinds: Kind, state: CaseState = CaseState.SUBMITTED, **facts: object) -> Case:
    given = {"urgency": Urgency.ROUTINE, "waiting_since": NOW} | facts
    case = Case(images=[kind.image() for kind in kinds], state=state, is_open=True, **given)
    rank.refresh(case)
    return case


def section(case: Case) -> Section:
    return Section(int(case.rank))


def in_order(*cases: Case) -> bool:
    return all(one.rank < other.rank for one, other in pairwise(cases))


COMBINATIONS = [kinds for count in (1, 2) for kinds in product(KINDS, repeat=count)]
COMBINATIONS += [(*pair, kind) for pair in product(TRUSTED, repeat=2) for kind in KINDS]


@pytest.mark.control("H1.1")
def test_a_doubted_image_puts_the_case_before_every_trusted_one() -> None:
    doubted = [placed(*kinds) for kinds in COMBINATIONS if kinds and not all(kind in TRUSTED for kind in kinds)]
    trusted = [placed(*kinds) for kinds in COMBINATIONS if all(kind in TRUSTED for kind in kinds)]
    assert {section(case) for case in doubted} == {Section.NEEDS_PERSON}
    assert {section(case) for case in trusted} == {Section.SUSPECTED, Section.REST}
    assert all(case.needs_person for case in doubted)
    assert not any(case.needs_person for case in trusted)


def test_every_place_lies_in_its_section() -> None:
    for kinds in COMBINATIONS:
        for facts in ({}, {"urgency": Urgency.URGENT}, {"reopened": ReopenReason.HISTOLOGY}):
            case = placed(*kinds, **facts)
            assert section(case) is rank.section_of(case)


def test_among_those_that_need_a_person_the_unknown_come_first_and_then_the_highest_probability() -> None:
    unknown = [placed(kind) for kind in WITHOUT_PROBABILITY] + [placed(UNSURE[3], kind) for kind in WITHOUT_PROBABILITY]
    assert {case.rank for case in unknown} == {2.0}
    assert in_order(unknown[0], *[placed(kind) for kind in reversed(UNSURE)])


@pytest.mark.control("H1.1")
def test_an_image_without_a_trusted_result_counts_as_certain() -> None:
    assert {concern.level(placed(kind)) for kind in DOUBTED} == {1.0}
    assert concern.level(placed(result(0.02), UNSURE[0])) == 1.0
    assert concern.level(placed()) == 1.0
    assert concern.level(placed(result(0.02), result(0.01, melanoma=0.05))) == 0.05


@pytest.mark.control("H1.2")
def test_the_suspected_stand_by_their_probability_and_one_image_is_enough() -> None:
    cases = placed(result(1.0)), placed(result(0.0), result(0.6)), placed(result(0.1), result(0.02))
    assert in_order(*cases)
    assert {section(case) for case in cases} == {Section.SUSPECTED}
    assert [case.bcc_probability for case in cases] == [1.0, 0.6, 0.1]


def test_the_rest_has_no_cliff_whatever_the_finding() -> None:
    """A melanoma of 29 % comes before a BCC of 9 %, and both before anything of less concern."""
    cases = [
        placed(result(0.03, melanoma=0.29)),
        placed(result(0.09)),
        placed(result(0.01, melanoma=0.05)),
        placed(result(0.03)),
        placed(result(0.0)),
    ]
    assert in_order(*cases)
    assert {section(case) for case in cases} == {Section.REST}


@pytest.mark.control("H1.2")
def test_melanoma_at_its_operating_point_is_looked_at_now() -> None:
    suspected = placed(result(0.01, melanoma=0.3))
    assert section(suspected) is Section.NOW
    assert (suspected.other_cancer, suspected.needs_person) == (True, False)
    assert section(placed(result(0.01, melanoma=0.299))) is Section.REST


@pytest.mark.control("H1.2")
def test_scc_at_its_operating_point_is_suspected_by_its_own_probability() -> None:
    likely, suspected, below = (placed(result(0.01, scc=p)) for p in (0.6, 0.2, 0.199))
    assert [section(case) for case in (likely, suspected, below)] == [
        Section.SUSPECTED,
        Section.SUSPECTED,
        Section.REST,
    ]
    assert [case.other_cancer for case in (likely, suspected, below)] == [True, True, False]
    assert in_order(placed(result(0.7)), likely, placed(result(0.5)), suspected, placed(result(0.1)), below)
    assert concern.level(below) == 0.199


def former(melanoma: float) -> Case:
    """A case with a result of a model that had no finding for melanoma and SCC."""
    case = placed(result(0.01))
    (analysis,) = case.images[0].analyses
    analysis.model_version, analysis.findings = version(former_card()), []
    analysis.lesion = {"mel": melanoma, "scc": 0.0}
    rank.refresh(case)
    return case


def test_a_result_of_a_former_model_is_judged_as_it_was() -> None:
    assert section(former(0.3)) is Section.NOW
    assert section(former(0.299)) is Section.REST
    assert concern.level(former(0.299)) == 0.299


def test_the_share_of_the_lesion_head_does_not_count_where_there_is_a_finding() -> None:
    """Every analysis here gives melanoma a share of 0.9."""
    assert [suspicion.lesion.value for suspicion in concern.suspected(placed(result(0.5)))] == ["bcc"]


def test_another_cancer_without_an_operating_point_on_the_card_counts_from_the_former_one_on() -> None:
    for probability, suspected in ((0.3, True), (0.299, False)):
        case = placed(result(0.01, melanoma=probability))
        (analysis,) = case.images[0].analyses
        analysis.model_version = version(card(entry("MEL", operating_points=[])))
        assert concern.suspects(analysis, Lesion.MEL) is suspected


def test_a_precancer_is_never_placed_above_a_suspected_cancer() -> None:
    keratosis = placed(result(0.01, keratosis=0.98))
    assert section(keratosis) is Section.REST
    assert not keratosis.other_cancer
    assert in_order(placed(result(0.1)), keratosis)


@pytest.mark.parametrize("kind", KINDS)
def test_urgent_cases_come_before_all_that_are_not(kind: Kind) -> None:
    urgent = placed(result(0.0), urgency=Urgency.URGENT)
    assert section(urgent) is Section.NOW
    assert in_order(urgent, placed(kind), placed(result(0.0))) or kind == TRUSTED[0]


@pytest.mark.parametrize("urgency", [Urgency.ROUTINE, Urgency.SOON])
def test_a_passed_due_date_lifts_a_case(urgency: Urgency) -> None:
    days = {Urgency.SOON: 7, Urgency.ROUTINE: 14}[urgency]
    waiting: dict[str, Any] = {"urgency": urgency, "waiting_since": utcnow() - timedelta(days=days)}
    due = placed(result(0.0), **waiting)
    assert (section(due), due.past_due) == (Section.NOW, True)
    waiting["waiting_since"] += timedelta(minutes=1)
    not_yet = placed(result(0.0), **waiting)
    assert (section(not_yet), not_yet.past_due) == (Section.REST, False)


def test_of_those_looked_at_now_the_reopened_come_first_then_by_due_date_then_by_concern() -> None:
    def waits(days: int, *kinds: Kind, **facts: Any) -> Case:
        return placed(*kinds, waiting_since=NOW - timedelta(days=days), **facts)

    again, urgent = {"reopened": ReopenReason.LATE_RESULT}, {"urgency": Urgency.URGENT}
    assert in_order(
        waits(13, result(0.0), **again),
        waits(1, result(0.0), **again),
        waits(30, result(0.0)),
        waits(3, result(0.5), **urgent),
        waits(3, result(0.4), **urgent),
        waits(1, UNSURE[0], **urgent),
        waits(1, result(0.9), **urgent),
        waits(1, result(0.9, melanoma=0.95)),
    )


def test_a_case_without_images_needs_a_person() -> None:
    case = placed()
    assert (section(case), case.needs_person) == (Section.NEEDS_PERSON, True)
    assert case.triage_reason is TriageReason.AWAITING_ANALYSIS


def one(name: str) -> Kind:
    return next(kind for kind in KINDS if kind.name == name)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["trusted 0.5 0.0"], TriageReason.PROBABILITY),
        (["unsure 0.5"], TriageReason.MODEL_UNSURE),
        (["no probability"], TriageReason.MODEL_UNSURE),
        (["no number"], TriageReason.MODEL_UNSURE),
        (["error"], TriageReason.ANALYSIS_FAILED),
        (["model_unavailable"], TriageReason.MODEL_UNAVAILABLE),
        (["queued"], TriageReason.AWAITING_ANALYSIS),
        (["trusted 0.5 0.0", "unsure 0.02"], TriageReason.MODEL_UNSURE),
        (["unsure 0.5", "error"], TriageReason.ANALYSIS_FAILED),
        (["error", "model_unavailable"], TriageReason.MODEL_UNAVAILABLE),
        (["model_unavailable", "running"], TriageReason.AWAITING_ANALYSIS),
    ],
)
def test_the_reason_names_why_there_is_no_trusted_result(names: list[str], reason: TriageReason) -> None:
    assert placed(*[one(name) for name in names]).triage_reason is reason


def test_the_lead_suspicion_is_a_suspected_one_and_then_the_likeliest() -> None:
    lead = concern.suspicions(placed(result(0.35), result(0.05, melanoma=0.31)))[0]
    assert (lead.lesion.value, lead.probability, lead.suspected) == ("bcc", 0.35, True)
    lead = concern.suspicions(placed(result(0.09, melanoma=0.31)))[0]
    assert (lead.lesion.value, lead.probability, lead.suspected) == ("mel", 0.31, True)
    lead = concern.suspicions(placed(result(0.09, melanoma=0.29)))[0]
    assert (lead.lesion.value, lead.suspected) == ("mel", False)


def test_a_superseded_analysis_does_not_count() -> None:
    image = one("trusted 1.0 0.0").image()
    image.analyses[0].state = AnalysisState.SUPERSEDED
    image.analyses.append(result(0.02).image().analyses[0])
    case = Case(images=[image], state=CaseState.SUBMITTED, urgency=Urgency.ROUTINE, waiting_since=NOW)
    rank.refresh(case)
    assert case.bcc_probability == 0.02


@pytest.mark.parametrize("state", [state for state in CaseState if state is not CaseState.SUBMITTED])
def test_an_analysis_never_undoes_what_people_did(state: CaseState) -> None:
    assert placed(TRUSTED[1], state=state).state is state


def test_a_submitted_case_waits_for_review_once_no_analysis_is_outstanding() -> None:
    assert placed(TRUSTED[1], one("running")).state is CaseState.SUBMITTED
    assert placed(TRUSTED[1], one("error")).state is CaseState.AWAITING_REVIEW
