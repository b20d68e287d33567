"""Marks for the GP: sent with the decision, kept as they were, seen by whoever may see the decision."""

import json
import re
from typing import Any

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import image_ids, standing, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_changes import amend, standing_id, undo
from tests.web.test_opinions import ask
from tests.web_client import CheckedClient
from webapp.cases.marked import marked_images
from webapp.core.database import reading
from webapp.models import AuditEvent, Role
from webapp.review.marks import LONGEST, MOST


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP, name="Test Sender")


@pytest.fixture
def number(world: World, email: str) -> str:
    number = world.case(email, images=2)
    world.analyse(number, 0.02)
    return number


@pytest.fixture
def images(app: Flask, number: str) -> list[int]:
    return image_ids(app, number)


@pytest.fixture
def holder(reader: CheckedClient, number: str) -> CheckedClient:
    take(reader, number)
    return reader


def mark(image: int, text: str = "Biopsy <here>", x: float = 0.25, y: float = 0.5) -> dict[str, Any]:
    return {"image": image, "x": x, "y": y, "text": text}


def in_form(page: str) -> str:
    """The hidden field, as a browser would send it back."""
    (found,) = re.findall(r'<input[^>]*id="marks-value"[^>]*>', page)
    value = re.search(r'value="([^"]*)"', found)
    return value.group(1).replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">") if value else ""


def marks_of(app: Flask, number: str) -> list[tuple[int, float, float, str]]:
    with stored_case(app, number) as case:
        return [(m.image_id, m.x, m.y, m.text) for m in standing(case).marks]


def test_marks_are_sent_with_the_decision(app: Flask, holder: CheckedClient, number: str, images: list[int]) -> None:
    sent = [mark(images[1], "  biopsy\n here "), mark(images[0], "Older scar", 1, 0)]
    assert decide(holder, number, marks=json.dumps(sent)).status_code == 302
    assert marks_of(app, number) == [(images[1], 0.25, 0.5, "biopsy here"), (images[0], 1.0, 0.0, "Older scar")]


def test_without_marks_nothing_changes(app: Flask, holder: CheckedClient, number: str) -> None:
    assert 'id="marks" aria-labelledby="marks-title" tabindex="-1" hidden' in holder.get(f"/review/{number}").text
    assert decide(holder, number, marks="").status_code == 302
    assert marks_of(app, number) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": " "}, "Say what mark 1 shows, or remove it."),
        ({"text": "x" * (LONGEST + 1)}, f"Please keep the text of mark 1 under {LONGEST} characters."),
        ({"image": 2_000_000_000_000}, "Mark 1 is not on an image of this case. Please remove it."),
        *(
            (change, "The marks could not be read. Please place them again.")
            for change in (
                {"x": 1.01},
                {"y": -0.1},
                {"x": float("nan")},
                {"y": float("inf")},
                {"x": "0.5"},
                {"x": True},
                {"image": "1"},
                {"image": None},
                {"text": None},
            )
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    app: Flask, holder: CheckedClient, number: str, images: list[int], change: dict[str, object], sentence: str
) -> None:
    sent = json.dumps([mark(images[0]) | change])
    answer = decide(holder, number, marks=sent, advice="Please <look>.")
    assert answer.status_code == 422
    assert answer.text.count(sentence) == 2  # in the summary, which leads to it, and beside the marks
    assert 'href="#marks"' in answer.text
    assert "Please &lt;look&gt;." in answer.text
    assert in_form(answer.text) == sent
    with stored_case(app, number) as case:
        assert case.reviews == []


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 1}', "null", "7", '[{"image": 1}]', "[" * 100_000])
def test_what_is_no_list_of_marks_is_refused(holder: CheckedClient, number: str, text: str) -> None:
    answer = decide(holder, number, marks=text)
    assert answer.status_code == 422
    assert "The marks could not be read" in answer.text


def test_a_mark_on_another_case_is_refused(
    app: Flask, world: World, holder: CheckedClient, number: str, email: str
) -> None:
    (foreign,) = image_ids(app, world.case(email))
    answer = decide(holder, number, marks=json.dumps([mark(foreign)]))
    assert answer.status_code == 422
    assert "Mark 1 is not on an image of this case" in answer.text


def test_there_are_twelve_at_most(app: Flask, holder: CheckedClient, number: str, images: list[int]) -> None:
    answer = decide(holder, number, marks=json.dumps([mark(images[0])] * (MOST + 2)))
    assert (answer.status_code, "There are 14 marks. Please keep to 12: remove 2." in answer.text) == (422, True)
    assert decide(holder, number, marks=json.dumps([mark(images[0])] * MOST)).status_code == 302
    assert len(marks_of(app, number)) == MOST


def test_what_no_database_stores_is_left_out(app: Flask, holder: CheckedClient, number: str, images: list[int]) -> None:
    sent = f'[{{"image": {images[0]}, "x": 0, "y": 0, "text": "a\\u0000b\\ud800 \\u007fc 🔬"}}]'
    assert decide(holder, number, marks=sent).status_code == 302
    assert marks_of(app, number)[0][3] == "ab c 🔬"


def test_a_form_refused_for_another_reason_keeps_them(holder: CheckedClient, number: str, images: list[int]) -> None:
    sent = json.dumps([mark(images[1])])
    answer = decide(holder, number, marks=sent, diagnosis="")
    assert answer.status_code == 422
    assert in_form(answer.text) == sent
    assert "Mark 1, image 2: Biopsy &lt;here&gt;" in answer.text  # without a script too


def test_asking_a_colleague_keeps_them(
    app: Flask, world: World, holder: CheckedClient, number: str, images: list[int]
) -> None:
    colleague = user_id(app, world.user(Role.DERMATOLOGIST))
    sent = json.dumps([mark(images[0])])
    form = {"colleague": colleague, "question": "?", "marks": sent}
    assert in_form(holder.submit(f"/review/{number}/opinions", form, page="/profile").text) == sent


def test_too_late_shows_them(holder: CheckedClient, number: str, images: list[int], world: World, sign_in) -> None:
    decide(holder, number)
    answer = decide(holder, number, marks=json.dumps([mark(images[1])]))
    assert answer.status_code == 409
    assert "Mark 1, image 2 Biopsy &lt;here&gt;" in words(answer.text)


def test_changing_and_taking_back_begin_with_them(
    app: Flask, holder: CheckedClient, number: str, images: list[int]
) -> None:
    decide(holder, number, marks=json.dumps([mark(images[0]), mark(images[1], "Scar")]))
    page = holder.get(f"/review/{number}/amend").text
    prefilled = json.loads(in_form(page))
    assert [(one["image"], one["text"]) for one in prefilled] == [(images[0], "Biopsy <here>"), (images[1], "Scar")]
    first = standing_id(app, number)
    assert amend(holder, number, marks=json.dumps(prefilled[:1])).status_code == 302
    assert len(marks_of(app, number)) == 1
    with stored_case(app, number) as case:
        assert [len(review.marks) for review in case.reviews if review.id == first] == [2]  # as it was
    assert undo(holder, number).status_code == 302
    assert len(marks_of(app, number)) == 2
    assert undo(holder, number).status_code == 302
    assert json.loads(in_form(holder.get(f"/review/{number}").text)) == prefilled[:1]  # as last sent


def test_an_amendment_with_a_foreign_mark_is_refused(
    app: Flask, world: World, holder: CheckedClient, number: str, email: str
) -> None:
    decide(holder, number)
    (foreign,) = image_ids(app, world.case(email))
    answer = amend(holder, number, marks=json.dumps([mark(foreign)]))
    assert (answer.status_code, "Mark 1 is not on an image" in answer.text) == (422, True)


def test_the_trail_counts_them_and_has_no_word_of_theirs(
    app: Flask, holder: CheckedClient, number: str, images: list[int]
) -> None:
    decide(holder, number, marks=json.dumps([mark(images[0])]))
    amend(holder, number, marks="")
    with app.app_context(), reading() as session:
        events = {event.action: event for event in session.query(AuditEvent)}
        assert (events["case.decided"].after or {})["marks"] == "1"
        assert (events["case.amended"].before or {})["marks"] == "1"
        assert "marks" not in (events["case.amended"].after or {})
        assert "Biopsy" not in str([(event.before, event.after) for event in session.query(AuditEvent)])


def test_the_decided_case_shows_them_in_the_viewer_and_in_words(
    holder: CheckedClient, number: str, images: list[int]
) -> None:
    page = holder.get(f"/review/{number}").text
    assert "Mark for the GP" in page
    assert "data-marks=" not in page
    decide(holder, number, marks=json.dumps([mark(images[1])]))
    page = holder.get(f"/review/{number}").text
    assert "Mark 1, image 2: Biopsy &lt;here&gt;" in words(page)
    assert f'data-marks="[{{&#34;image&#34;: {images[1]}, ' in page
    assert "Mark for the GP" not in page  # nothing to send it with


def test_who_has_not_claimed_the_case_cannot_mark(reader: CheckedClient, number: str) -> None:
    page = reader.get(f"/review/{number}").text
    assert "data-tool=" in page
    assert "Mark for the GP" not in page


def test_a_colleague_asked_for_an_opinion_does_not_see_them(
    app: Flask, world: World, holder: CheckedClient, number: str, images: list[int], sign_in
) -> None:
    decide(holder, number, marks=json.dumps([mark(images[0], "Secret mark")]))
    email = world.user(Role.DERMATOLOGIST)
    assert ask(holder, number, user_id(app, email)).status_code == 302
    page = sign_in(email).get(f"/review/{number}").text
    assert "Secret mark" not in page
    assert "data-marks=" not in page


def test_the_gp_sees_the_marked_images_and_the_words(
    app: Flask, holder: CheckedClient, number: str, images: list[int], email: str, sign_in
) -> None:
    decide(holder, number, marks=json.dumps([mark(images[1]), mark(images[1], "And here", 0.99, 0.01)]))
    gp = sign_in(email)
    assert "Biopsy" not in gp.get("/cases/").text
    page = gp.get(f"/cases/{number}").text
    assert "Mark 1, image 2: Biopsy &lt;here&gt;" in words(page)
    (drawing,) = re.findall(r"<svg class=\"rings\".*?</svg>", page, re.DOTALL)
    assert len(re.findall("<circle", drawing)) == 6
    assert re.findall(r">(\d)</text>", drawing) == ["1", "2"]
    assert f'<img src="/media/images/{images[1]}"' in page
    assert f'<img src="/media/images/{images[0]}"' not in page  # nothing is marked there


def test_rings_lie_where_the_marks_are(app: Flask, holder: CheckedClient, number: str, images: list[int]) -> None:
    decide(holder, number, marks=json.dumps([mark(images[1]), mark(images[1], "Edge", 0.99, 0.01)]))
    with stored_case(app, number) as case:
        (shown,) = marked_images(standing(case))
        width, height = shown.image.width, shown.image.height
        first, corner = shown.rings
        assert (shown.image.id, first.x, first.y) == (images[1], round(0.25 * width, 1), round(0.5 * height, 1))
        assert first.number_x > first.x
        assert first.number_y < first.y
        assert 0 < corner.number_x < corner.x  # inside the image, although the place is at its corner
        assert corner.y < corner.number_y < height


def test_new_images_can_be_asked_for_with_a_mark(
    holder: CheckedClient, number: str, images: list[int], email: str, sign_in
) -> None:
    wanted = {"management": "retake", "advice": "Closer.", "marks": json.dumps([mark(images[0], "Closer here")])}
    assert decide(holder, number, **wanted).status_code == 302
    page = sign_in(email).get(f"/cases/{number}").text
    assert "Mark 1, image 1: Closer here" in words(page)
    assert '<svg class="rings"' in page
