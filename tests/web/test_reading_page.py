"""The reading page: the case in one strip, one number for BCC, the rule and the probability together, and its keys."""

import re

import pytest
from flask import Flask

from tests.cards import found
from tests.conftest import World, outcome
from tests.web.helpers import image_ids, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_result import with_patterns
from tests.web_client import CheckedClient
from webapp.analysis import results
from webapp.core.database import transaction
from webapp.histology import service as histology
from webapp.models import AnalysisState, BodySite, Case, HistologyResult, Role, User
from webapp.storage.store import store_of


def analyse_each(world: World, number: str, *probabilities: tuple[float, float]) -> None:
    """Each image gets its own (P(BCC), P(melanoma))."""
    with world.app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        for image, (bcc, melanoma) in zip(case.images, probabilities, strict=True):
            analysis = image.analyses[-1]
            analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.RUNNING, "test", 1
            session.flush()
            assert results.finish(analysis.id, "test", results.stored(outcome(bcc, melanoma), store_of(world.app)))


def strip_of(client: CheckedClient, number: str) -> str:
    (strip,) = re.findall(r'<section class="strip".*?</section>', client.get(f"/review/{number}").text, re.DOTALL)
    return words(strip)


def test_the_strip_begins_with_the_lead_suspicion_and_the_image_that_gives_it(world: World, gp: str, reader) -> None:
    number = world.case(gp, images=3)
    analyse_each(world, number, (0.01, 0.0), (0.97, 0.1), (0.4, 0.31))
    assert f"Case {number} BCC 97 % suspected image 2 Melanoma 31 % suspected image 3" in strip_of(reader, number)


def test_the_case_opens_with_the_image_of_the_lead_suspicion(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp, images=3)
    analyse_each(world, number, (0.01, 0.0), (0.97, 0.0), (0.4, 0.0))
    page = reader.get(f"/review/{number}").text
    opening = re.findall(r'data-image="/media/images/(\d+)"[^>]* data-opens', page)
    assert opening == [str(image_ids(app, number)[1])]


def test_bcc_stands_beside_another_lead(world: World, gp: str, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.03, melanoma=0.94)
    assert "Melanoma 94 % suspected BCC 3 % not suspected" in strip_of(reader, number)


def test_an_image_without_a_result_is_never_passed_over(world: World, gp: str, reader) -> None:
    number = world.case(gp, images=2)
    with stored_case(world.app, number) as case:
        assert len(case.images) == 2
    assert "No result to rely on: image 1, 2" in strip_of(reader, number)


def test_earlier_cases_of_the_lesion_stand_there_with_their_histology_and_other_lesions_too(
    app: Flask, world: World, gp: str, reader
) -> None:
    first = world.case(gp, patient_reference="TEST-9")
    world.analyse(first, 0.2)
    take(reader, first)
    assert decide(reader, first, diagnosis="bcc", management="biopsy").status_code == 302
    with app.app_context(), transaction() as session:
        user = session.query(User).filter_by(role=Role.DERMATOLOGIST).first()
        known = session.query(Case).filter_by(number=first).one()
        histology.enter(user, known, HistologyResult.BENIGN, "", None)
    other = world.case(gp, patient_reference="test-9")
    stranger = world.case(gp, patient_reference="TEST-10")
    elsewhere = world.case(world.user(Role.GP, centre="Test Centre B"), patient_reference="TEST-9")
    number = world.case(gp, patient_reference="TEST-9")
    with app.app_context(), transaction() as session:
        cases = {case.number: case for case in session.query(Case)}
        cases[number].follows_id = cases[first].id
        cases[other].body_site = BodySite.CHEST
    strip = strip_of(reader, number)
    before, others = re.findall(r"This lesion before: (.*) Other lesions: (.*)", strip)[0]
    assert first in before
    assert "histology benign lesion , basal cell carcinoma, biopsy" in before
    assert f"{other} " in others
    assert "chest : no answer yet" in others
    assert stranger not in strip
    assert elsewhere not in strip, "another centre's patient"


def test_a_later_case_of_the_lesion_is_no_other_lesion(app: Flask, world: World, gp: str, reader) -> None:
    first, second, third = (world.case(gp) for _ in range(3))
    with app.app_context(), transaction() as session:
        cases = {case.number: case for case in session.query(Case)}
        cases[second].follows_id, cases[third].follows_id = cases[first].id, cases[second].id
    strip = strip_of(reader, first)
    assert re.search(f"This lesion since: {third} .* {second} ", strip)
    assert "Other lesions" not in strip


def test_an_image_added_after_a_request_is_marked_as_new(app: Flask, world: World, gp: str, sign_in, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.2)
    take(reader, number)
    assert "new" not in re.findall(r'<span class="tag new">(.*?)</span>', reader.get(f"/review/{number}").text)
    decide(reader, number, management="retake", advice="Sharper, please.")
    with app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        late = case.images[0]
        late.stored_at = case.reviews[-1].decided_at.replace(year=case.reviews[-1].decided_at.year + 1)
    assert re.findall(r'<span class="tag new">(.*?)</span>', reader.get(f"/review/{number}").text) == ["new"]


@pytest.mark.parametrize(
    ("probability", "patterns", "said"),
    [
        (0.6, [found("AT", 0.9)], "Rule and probability both suggest BCC."),
        (0.02, [], "Neither rule nor probability suggests BCC."),
        (0.6, [], "They disagree: the probability suggests BCC, the rule does not. Please look closely."),
        (0.02, [found("AT", 0.9)], "They disagree: the rule suggests BCC, the probability does not."),
    ],
)
def test_rule_and_probability_are_said_together(
    world: World, gp: str, reader, probability: float, patterns: list, said: str
) -> None:
    number = world.case(gp)
    findings = [f for f in with_patterns(*patterns) if f.target != "BCC"]
    world.analyse(number, probability, findings=[found("BCC", probability), *findings])
    assert said in words(reader.get(f"/review/{number}").text)


def test_that_the_model_was_wrong_is_kept_for_colleagues_only(app, world: World, gp: str, sign_in, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    take(reader, number)
    assert decide(reader, number, diagnosis="bcc", management="biopsy", model_wrong="y").status_code == 302
    with stored_case(app, number) as case:
        assert case.standing_review is not None
        assert case.standing_review.model_wrong is True
    assert "the model was wrong" in reader.get(f"/review/{number}").text
    assert "model was wrong" not in sign_in(gp).get(f"/cases/{number}").text


def test_without_that_word_the_model_was_not_wrong(app, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    take(reader, number)
    decide(reader, number)
    with stored_case(app, number) as case:
        assert case.standing_review is not None
        assert case.standing_review.model_wrong is False
    assert "the model was wrong" not in reader.get(f"/review/{number}").text


def test_one_key_has_one_meaning_and_reassuring_is_not_the_key_of_the_next_case(world: World, gp: str, reader) -> None:
    number = world.case(gp, images=2)
    world.analyse(number, 0.6)
    assert re.findall(r'aria-keyshortcuts="n"[^>]*>(.*?)<', reader.get(f"/review/{number}").text) == ["Claim this case"]
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    keys = re.findall(r'aria-keyshortcuts="(.)"', page)
    assert len(keys) == len(set(keys))
    assert "n" not in keys
    assert re.search(r'<input aria-keyshortcuts="s"[^>]*value="reassure"', page)


def test_a_blinded_reader_finds_nothing_of_the_model_in_the_strip(world: World, gp: str, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST)
    client = sign_in(email)
    client.submit("/review/mode", {"blinded": "y"}, page="/profile")
    number = world.case(gp, images=2)
    analyse_each(world, number, (0.02, 0.0), (0.97, 0.0))
    take(client, number)
    page = client.get(f"/review/{number}").text
    assert "97 %" not in page
    assert "suspected" not in strip_of(client, number)
    assert re.findall(r'data-name="(Image \d)[^"]*"[^>]* data-opens', page) == ["Image 1"]
    assert "model_wrong" not in page


@pytest.mark.parametrize("theme", ["dark", "light", "x"])
def test_the_dark_reading_room_is_drawn_by_the_server(world: World, gp: str, reader, theme: str) -> None:
    number = world.case(gp)
    reader.set_cookie("room", theme)
    page = reader.get(f"/review/{number}").text
    assert ('data-bs-theme="dark"' in page) is (theme == "dark")
