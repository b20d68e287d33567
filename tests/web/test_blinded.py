"""Blinded reading: the reader's impression first, then the model's result; both kept with their times."""

from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import actions, change_case, counted_queries, image_ids, in_force, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_changes import form_of
from tests.web.test_worklist import rows
from tests.web_client import CheckedClient
from webapp.core.database import transaction
from webapp.models import Diagnosis, Image, Management, Role, Urgency, utcnow

MODEL = ("90 %", "Melanoma", "Model result</h3>", "/media/heatmaps/", "suspects BCC", "0.900")


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.DERMATOLOGIST, name="Test Reader")


@pytest.fixture
def reader(email: str, sign_in) -> CheckedClient:
    """A dermatologist who has chosen to read blinded."""
    client = sign_in(email)
    switch(client, on=True)
    return client


@pytest.fixture
def number(world: World, gp: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.9, melanoma=0.8)
    return number


def switch(client: CheckedClient, *, on: bool) -> None:
    assert client.submit("/review/mode", {"blinded": "y"} if on else {}, page="/profile").status_code == 302


def impress(client: CheckedClient, number: str, **form: object):
    answers = {"diagnosis": "benign", "management": "routine_clinic", **form}
    return client.submit(f"/review/{number}/impression", answers, page="/profile")


def shown(page: str) -> list[str]:
    return [part for part in MODEL if part in page]


def test_the_way_of_reading_is_ones_own_choice(app: Flask, reader, number: str) -> None:
    assert 'name="blinded" value="y" checked' in reader.get("/profile").text
    switch(reader, on=False)
    assert 'name="blinded" value="y" checked' not in reader.get("/profile").text
    assert shown(reader.get(f"/review/{number}").text)
    assert actions(app).count("account.blinded") == 2


def test_nothing_of_the_model_is_shown_before_the_impression(reader, number: str) -> None:
    for path in ("/review/", f"/review/{number}"):
        assert not shown(reader.get(path).text), path
    assert "hidden until you have recorded your own impression" in words(reader.get("/review/").text)
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert not shown(page)
    assert "Your own impression first" in page
    assert "Send decision to the GP" not in page


def test_the_sections_of_the_worklist_are_not_named(reader, number: str) -> None:
    """A section tells what the model suspects, so none is named, not even once an impression is recorded."""
    take(reader, number)
    assert 'scope="rowgroup"' not in reader.get("/review/").text
    impress(reader, number)
    assert 'scope="rowgroup"' not in reader.get("/review/").text
    switch(reader, on=False)
    assert 'scope="rowgroup"' in reader.get("/review/").text


def test_a_row_of_the_worklist_does_not_say_that_the_model_is_unsure(world: World, gp: str, reader) -> None:
    world.analyse(world.case(gp), 0.3, needs_person=True)
    mark = 'class="needs-person"'
    assert mark not in reader.get("/review/").text
    switch(reader, on=False)
    assert mark in reader.get("/review/").text


def test_after_it_the_answer_is_shown_and_the_form_begins_with_it(app: Flask, reader, number: str) -> None:
    take(reader, number)
    assert impress(reader, number).location == f"/review/{number}"
    page = reader.get(f"/review/{number}").text
    assert {"90 %", "Melanoma"} <= set(shown(page))
    assert form_of(page) >= {"benign", "routine_clinic"}
    assert "Your impression before seeing the model" in page
    assert decide(reader, number, diagnosis="bcc", management="biopsy").status_code == 302
    with stored_case(app, number) as case:
        (impression,), (review,) = case.impressions, case.reviews
        assert (impression.diagnosis, impression.management) == (Diagnosis.BENIGN, Management.ROUTINE_CLINIC)
        assert review.diagnosis is Diagnosis.BCC
        assert impression.given_at < review.decided_at
        finished = in_force(case.images[0]).finished_at
        assert finished is not None
        assert finished < impression.given_at
    assert [action for action in actions(app) if action.startswith("case.")][-2:] == ["case.impression", "case.decided"]


def test_no_decision_before_the_impression(app: Flask, reader, number: str) -> None:
    take(reader, number)
    refused = decide(reader, number, advice="Typed <words>.")
    assert refused.status_code == 409
    assert "please record your own impression first" in refused.text
    assert "Typed &lt;words&gt;." in refused.text
    assert "case.decided" not in actions(app)


@pytest.mark.parametrize("wrong", [{"diagnosis": ""}, {"management": ""}, {"diagnosis": "flu"}])
def test_an_incomplete_impression_shows_nothing_yet(reader, number: str, wrong: dict) -> None:
    take(reader, number)
    refused = impress(reader, number, **wrong)
    assert refused.status_code == 422
    assert "There is a problem" in refused.text
    assert not shown(refused.text)


def test_an_impression_needs_the_case_claimed(app: Flask, reader, number: str) -> None:
    assert impress(reader, number).status_code == 409
    assert "case.impression" not in actions(app)


def test_new_images_ask_for_a_new_impression(app: Flask, world, sign_in, gp: str, reader, number: str) -> None:
    take(reader, number)
    impress(reader, number)
    decide(reader, number, management="retake", advice="Sharper, please.")
    client = sign_in(gp)
    token = client.token(f"/cases/{number}")
    images = {"images": (BytesIO(jpeg(seed=5)), "new.jpg"), "send_anyway": "A test image.", "csrf_token": token}
    assert client.post(f"/cases/{number}/images", data=images).status_code == 302
    assert len(image_ids(app, number)) == 2
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert "Your own impression first" in page
    assert not shown(page)


def test_colleagues_see_the_model_as_ever(reader, sign_in, world, number: str) -> None:
    other = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    impress(reader, number)
    page = other.get(f"/review/{number}").text
    assert shown(page)
    assert "Your impression" not in page


def test_a_second_opinion_is_given_blinded_too(app: Flask, email, reader, sign_in, world, number: str) -> None:
    first = sign_in(world.user(Role.DERMATOLOGIST, name="Test First"))
    take(first, number)
    decide(first, number)
    form = {"colleague": user_id(app, email), "question": ""}
    first.submit(f"/review/{number}/opinions", form, page="/profile")
    page = reader.get(f"/review/{number}").text
    assert "Your own impression first" in page
    assert not shown(page)
    impress(reader, number)
    page = reader.get(f"/review/{number}").text
    assert "Your second opinion" in page
    assert shown(page)


def test_a_decided_case_hides_nothing(reader, sign_in, world, number: str) -> None:
    first = sign_in(world.user(Role.DERMATOLOGIST))
    take(first, number)
    decide(first, number)
    assert shown(reader.get(f"/review/{number}").text)


def test_the_number_of_queries_does_not_grow_with_the_impressions(app: Flask, world, gp: str, reader) -> None:
    def queries() -> int:
        with counted_queries(app) as statements:
            assert reader.get("/review/").status_code == 200
        return len(statements)

    def one_more() -> None:
        number = world.case(gp)
        take(reader, number)
        impress(reader, number)

    one_more()
    before = queries()
    for _ in range(3):
        one_more()
    assert queries() == before


def test_nobody_else_has_a_way_of_reading(sign_in, gp: str) -> None:
    client = sign_in(gp)
    assert "Blinded reading" not in client.get("/profile").text
    assert client.submit("/review/mode", {"blinded": "y"}, page="/profile").status_code == 403


def test_what_the_gp_says_of_a_flagged_image_is_shown_before_the_impression(
    app: Flask, reader, sign_in, gp: str, number: str
) -> None:
    """It comes from the GP and the quality check, not from the model."""
    with app.app_context(), transaction() as session:
        image = session.get_one(Image, image_ids(app, number)[0])
        image.quality_flags, image.sent_anyway = ["too_dark"], "The lesion is <ulcerated>."
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert "too dark" in page
    assert "The lesion is &lt;ulcerated&gt;." in page
    assert not shown(page)


def test_the_worklist_goes_by_waiting_time_or_by_deadline(app: Flask, world: World, gp: str, reader) -> None:
    routine, urgent = world.case(gp), world.case(gp, urgency=Urgency.URGENT)
    change_case(app, routine, waiting_since=utcnow() - timedelta(days=1))
    for order in ("", "concern", "rubbish"):
        page = reader.get(f"/review/?order={order}").text
        assert rows(page) == [routine, urgent]
        assert "longest waiting first because you read blinded" in words(page)
    assert "Most pressing first" not in page
    page = reader.get("/review/?order=due").text
    assert rows(page) == [urgent, routine]
    assert "Filter and sort: Earliest deadline first" in words(page)
    assert f'href="/review/{urgent}?order=due"' in page
