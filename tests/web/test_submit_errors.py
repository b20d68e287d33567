"""A mistake in the form: a message at the field, the other input kept, nothing stored."""

import re
from html import unescape

import pytest
from flask import Flask

from tests.images import jpeg
from tests.web.helpers import count, send, stored_files, words
from webapp.core.config import Settings
from webapp.models import Analysis, AuditEvent, Case, Image, Role

LONG = 4001


@pytest.fixture
def gp(world, sign_in):
    return sign_in(world.user(Role.GP))


def error_beside(html: str, field: str) -> str:
    found = re.search(rf'id="{field}-error">(.*?)</p>', html, re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", found.group(1)).strip()) if found else ""


def assert_nothing_stored(app: Flask, settings: Settings) -> None:
    assert [count(app, table) for table in (Case, Image, Analysis)] == [0, 0, 0]
    assert stored_files(settings) == set()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("patient_reference", "", "Enter your centre's code"),
        ("patient_reference", "ab", "3 to 40 letters"),
        ("patient_reference", "Jane Placeholder", "a code, not a name"),
        ("patient_reference", "Jane.Placeholder", "a code, not a name"),
        ("patient_reference", "x" * 41, "40"),
        ("patient_reference", "<script>", "a code, not a name"),
        ("patient_reference", "niña-1", "a code, not a name"),
        ("birth_year", "1850", "Enter a year between"),
        ("birth_year", "2999", "Enter a year between"),
        ("birth_year", "last year", "valid integer"),
        ("birth_year", "9" * 30, "Enter a year between"),
        ("body_site", "", "Choose a body site"),
        ("body_site", "tail", "Not a valid choice"),
        ("sex", "unknown", "Not a valid choice"),
        ("phototype", "7", "Not a valid choice"),
        ("phototype", "x", "Invalid Choice"),
        ("urgency", "yesterday", "Not a valid choice"),
        ("history", "x" * LONG, "under 4,000"),
        ("clinical_question", "x" * LONG, "under 2,000"),
    ],
)
def test_a_mistake_in_a_field(app: Flask, settings: Settings, gp, field: str, value: str, message: str) -> None:
    response = send(gp, **{field: value})
    assert response.status_code == 422
    assert message in error_beside(response.text, field)
    assert f'href="#{field}' in response.text, "the summary leads to the field"
    assert_nothing_stored(app, settings)


KEPT = {
    "patient_reference": ('id="patient_reference"', 'value="PC-7/2026"'),
    "birth_year": ('id="birth_year"', 'value="1961"'),
    "sex": ("<option selected", 'value="female"'),
    "phototype": ("<option selected", 'value="2"'),
    "body_site": ("checked", 'value="face"'),
    "urgency": ("checked", 'value="soon"'),
}


@pytest.mark.parametrize("wrong", [*KEPT, "history", "images"])
def test_the_other_fields_keep_what_was_typed(gp, wrong: str) -> None:
    bad = {"urgency": "never", "history": "x" * LONG}.get(wrong, "?" if wrong != "birth_year" else "x")
    response = send(gp, [(b"junk", "a.jpg")]) if wrong == "images" else send(gp, **{wrong: bad})
    assert response.status_code == 422
    tags = re.findall(r"<(?:input|option)[^>]*>", response.text)
    for field, marks in KEPT.items():
        if field != wrong:
            assert any(all(mark in tag for mark in marks) for tag in tags), field
    assert ("Shiny nodule since spring." in response.text) is (wrong != "history")
    assert "BCC?</textarea>" in response.text


def test_the_form_token_is_kept_so_that_the_second_try_is_one_case(app: Flask, gp) -> None:
    token = "6f1f6c1e-5d2c-4b57-9c0b-0d6c6f3b8a11"
    response = send(gp, submission_token=token, patient_reference="")
    assert f'value="{token}"' in response.text
    assert send(gp, submission_token=token).status_code == 302
    assert count(app) == 1


@pytest.mark.parametrize("token", ["", "not-a-uuid"])
def test_a_form_without_its_token_is_refused(app: Flask, settings: Settings, gp, token: str) -> None:
    assert send(gp, submission_token=token).status_code == 422
    assert_nothing_stored(app, settings)


def test_every_mistake_is_said_at_once(gp) -> None:
    response = send(gp, [(b"junk", "a.jpg")], patient_reference="", body_site="")
    for field in ("patient_reference", "body_site", "images"):
        assert error_beside(response.text, field)


def test_what_was_typed_is_shown_as_text_never_as_markup(gp) -> None:
    response = send(gp, patient_reference="", history="</textarea><b>bold</b>")
    assert "</textarea><b>" not in response.text
    assert "&lt;b&gt;bold" in response.text


def test_a_refused_form_leaves_no_trace_in_the_audit(app: Flask, gp) -> None:
    before = count(app, AuditEvent)
    send(gp, body_site="")
    assert count(app, AuditEvent) == before


def test_a_good_image_beside_a_bad_one_is_not_stored_either(app: Flask, settings: Settings, gp) -> None:
    response = send(gp, [(jpeg(), "good.jpg"), (b"junk", "bad.jpg")])
    assert response.status_code == 422
    assert "good.jpg" not in error_beside(response.text, "images")
    assert "Image 2 (bad.jpg)" in error_beside(response.text, "images")
    assert_nothing_stored(app, settings)


def test_an_identifier_is_warned_about_and_can_be_confirmed_not_to_be_one(app: Flask, gp) -> None:
    doubtful = {"patient_reference": "9434765919", "history": "Mrs Example, born 3.4.1961"}
    refused = send(gp, **doubtful)
    assert refused.status_code == 422
    for warning in ("“9434765919” looks like a national number", "“3.4.1961” looks like a date of birth"):
        assert warning in words(refused.text)
    assert "Mrs Example, born 3.4.1961</textarea>" in refused.text
    assert 'name="nobody_identified"' in refused.text
    assert count(app) == 0
    assert send(gp, **doubtful, nobody_identified="y").status_code == 302
    assert 'name="nobody_identified"' not in gp.get("/cases/new").text
