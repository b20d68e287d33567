"""Second opinions: asked of one colleague, given blind, kept along with the decision."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, counted_queries, standing, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_changes import form_of
from tests.web_client import CheckedClient
from webapp.models import Diagnosis, Management, Role

SECRETS = ("Secret advice", "Secret reason", "Precancerous lesion", "Test First,")


@pytest.fixture
def emails(world: World) -> dict[str, str]:
    names = ("First", "Second", "Third")
    return {name: world.user(Role.DERMATOLOGIST, name=f"Test {name}") for name in names}


@pytest.fixture
def number(world: World, gp: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.02)
    return number


@pytest.fixture
def first(emails, sign_in) -> CheckedClient:
    return sign_in(emails["First"])


@pytest.fixture
def second(emails, sign_in) -> CheckedClient:
    return sign_in(emails["Second"])


@pytest.fixture
def third(emails, sign_in) -> CheckedClient:
    return sign_in(emails["Third"])


def ask(client: CheckedClient, number: str, of: object, question: str = "A <naevus>?"):
    return client.submit(f"/review/{number}/opinions", {"colleague": of, "question": question}, page="/profile")


def give(client: CheckedClient, number: str, **form: object):
    answers = {"diagnosis": "bcc", "management": "biopsy", "remark": "Look at <the border>.", **form}
    return client.submit(f"/review/{number}/opinion", answers, page="/profile")


def decided(client: CheckedClient, number: str) -> None:
    take(client, number)
    secret = {"advice": "Secret advice", "override_reason": "Secret reason"}
    assert decide(client, number, diagnosis="premalignant", **secret).status_code == 302


@pytest.fixture
def asked(app: Flask, first, emails, number: str) -> str:
    """A decided case on which Test Second was asked for an opinion."""
    decided(first, number)
    assert ask(first, number, user_id(app, emails["Second"])).status_code == 302
    return number


def badge(client: CheckedClient) -> str:
    found = re.search(r'nav-badge">\s*(\d+)', client.get("/help").text)
    return found.group(1) if found else ""


def test_the_colleague_is_told_and_judges_without_knowing_the_decision(first, second, third, asked: str) -> None:
    assert (badge(first), badge(second), badge(third)) == ("", "1", "")
    assert "Awaiting your opinion" in second.get("/review/opinions").text
    page = words(second.get(f"/review/{asked}").text)
    assert "Your second opinion" in page
    assert "A &lt;naevus&gt;?" in page
    assert not [secret for secret in SECRETS if secret in page.replace("Precancerous lesion (for", "")]
    listed = words(second.get("/review/opinions").text)
    assert not [secret for secret in SECRETS if secret in listed]
    assert "has not given an opinion yet" in first.get(f"/review/{asked}").text


def test_no_other_way_leads_to_the_decision_before_the_opinion(second, asked: str) -> None:
    response = second.get(f"/review/{asked}/amend", follow_redirects=True)
    assert "Please give your second opinion first" in response.text
    refused = give(second, asked, diagnosis="")
    assert refused.status_code == 422
    for page in (response.text, refused.text):
        assert not [secret for secret in SECRETS[:2] if secret in page]
        assert "Earlier decisions" not in page


def test_both_are_kept_and_then_shown_to_both(app: Flask, first, second, asked: str) -> None:
    assert give(second, asked).status_code == 302
    for client in (first, second):
        page = words(client.get(f"/review/{asked}").text)
        assert "Secret advice" in page
        assert "Basal cell carcinoma: Biopsy" in page
        assert "Look at &lt;the border&gt;." in page
        assert "without seeing the decision" in page
    with stored_case(app, asked) as case:
        review, opinion = standing(case), case.opinion_requests[0].opinion
        assert opinion is not None
        assert (review.diagnosis, opinion.diagnosis) == (Diagnosis.NOT_BCC_PREMALIGNANT, Diagnosis.BCC)
        assert (review.management, opinion.management) == (Management.ROUTINE_CLINIC, Management.BIOPSY)
        assert len(case.reviews) == 1
    assert [action for action in actions(app) if action.startswith("opinion")] == ["opinion.asked", "opinion.given"]


def test_who_asked_is_told_until_it_was_read(first, second, asked: str) -> None:
    give(second, asked)
    assert (badge(first), badge(second)) == ("1", "")
    assert "New: please read" in first.get("/review/opinions").text
    first.submit(f"/review/{asked}/opinions/read", page="/profile")
    assert badge(first) == ""
    assert "I have read the second opinion" not in first.get(f"/review/{asked}").text


def test_the_gp_sees_nothing_of_it(sign_in, gp: str, second, asked: str) -> None:
    give(second, asked)
    page = sign_in(gp).get(f"/cases/{asked}").text
    assert "Look at" not in page
    assert "Test Second" not in page


def test_it_can_be_asked_while_reading(app: Flask, first, second, emails, number: str) -> None:
    take(first, number)
    ask(first, number, user_id(app, emails["Second"]))
    assert "opinion asked" in first.get("/review/").text
    assert "Your second opinion" in second.get(f"/review/{number}").text
    give(second, number)
    page = words(first.get(f"/review/{number}").text)
    assert "Your decision" in page
    assert "Look at &lt;the border&gt;." in page
    assert decide(first, number, opinion_read="y").status_code == 302


def test_it_is_acknowledged_before_deciding(app: Flask, first, second, emails, number: str) -> None:
    take(first, number)
    ask(first, number, user_id(app, emails["Second"]))
    assert "I have read the second opinion" not in first.get(f"/review/{number}").text, "there is none yet"
    give(second, number)
    refused = decide(first, number, diagnosis="bcc", management="biopsy", advice="Half <typed>.")
    assert refused.status_code == 422
    assert "Read the second opinion of Test Second, then tick that you have." in refused.text
    assert "Half &lt;typed&gt;." in refused.text
    assert badge(first) == "1"
    assert decide(first, number, diagnosis="bcc", management="biopsy", opinion_read="y").status_code == 302
    assert badge(first) == ""
    assert actions(app)[-2:] == ["opinion.read", "case.decided"]


def test_a_refused_decision_acknowledges_nothing(app: Flask, first, second, emails, number: str) -> None:
    take(first, number)
    ask(first, number, user_id(app, emails["Second"]))
    give(second, number)
    refused = decide(first, number, diagnosis="bcc", management="reassure", opinion_read="y")
    assert refused.status_code == 422
    assert badge(first) == "1"
    assert "opinion.read" not in actions(app)


def test_asking_while_reading_keeps_the_decision_as_far_as_it_was_made(app: Flask, first, emails, number: str) -> None:
    take(first, number)
    form = {"colleague": user_id(app, emails["Second"]), "question": "", "diagnosis": "bcc", "advice": "Half <typed>."}
    answer = first.submit(f"/review/{number}/opinions", form, page="/profile")
    assert "Second opinion requested from" in answer.text
    assert form_of(answer.text) == {"bcc"}
    assert "Half &lt;typed&gt;." in answer.text
    assert "Please choose" not in answer.text
    assert "opinion.asked" in actions(app)


def test_only_the_reader_asks(app: Flask, first, third, emails, number: str) -> None:
    second_id = user_id(app, emails["Second"])
    assert "Only the dermatologist who has claimed" in ask(third, number, second_id).text
    decided(first, number)
    ask(third, number, second_id)
    assert "opinion.asked" not in actions(app)
    assert "Ask a colleague" not in third.get(f"/review/{number}").text


@pytest.mark.parametrize("whom", ["", "junk", "0", "-1", "999999"])
def test_nobody_unknown_can_be_asked(app: Flask, first, number: str, whom: str) -> None:
    decided(first, number)
    refused = ask(first, number, whom)
    assert refused.status_code == 422
    assert "A &lt;naevus&gt;?" in refused.text
    assert "opinion.asked" not in actions(app)


def test_neither_oneself_nor_a_gp_nor_a_disabled_account(app: Flask, world, first, emails, gp, number: str) -> None:
    decided(first, number)
    gone = world.user(Role.DERMATOLOGIST, active=False)
    for email in (emails["First"], gp, gone):
        assert ask(first, number, user_id(app, email)).status_code == 422


def test_a_colleague_is_not_asked_twice_at_a_time(app: Flask, first, second, emails, asked: str) -> None:
    again = user_id(app, emails["Second"])
    ask(first, asked, again)
    assert "has already been asked" in first.get(f"/review/{asked}").text
    give(second, asked)
    ask(first, asked, again)
    assert actions(app).count("opinion.asked") == 2


def test_an_opinion_is_given_once_and_only_by_who_was_asked(app: Flask, second, third, asked: str) -> None:
    late = give(third, asked)
    assert late.status_code == 409
    assert "Look at &lt;the border&gt;." in late.text
    give(second, asked)
    assert give(second, asked).status_code == 409
    assert actions(app).count("opinion.given") == 1


@pytest.mark.parametrize("wrong", [{"diagnosis": ""}, {"management": "flu"}, {"remark": "x" * 2001}])
def test_a_mistake_keeps_the_rest(second, asked: str, wrong: dict) -> None:
    refused = give(second, asked, **wrong)
    assert refused.status_code == 422
    assert "There is a problem" in refused.text
    if "remark" not in wrong:
        assert "Look at &lt;the border&gt;." in refused.text


def test_without_anything_to_show_the_page_says_so(third) -> None:
    page = third.get("/review/opinions").text
    assert "You have not been asked for a second opinion" in page


def test_the_number_of_queries_does_not_grow(app: Flask, world, first, second, third, emails, gp) -> None:
    def queries(client: CheckedClient, path: str) -> int:
        with counted_queries(app) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    def one_more() -> str:
        number = world.case(gp)
        take(first, number)
        ask(first, number, user_id(app, emails["Second"]))
        ask(first, number, user_id(app, emails["Third"]))
        give(third, number)
        return number

    number = one_more()
    pages = [
        (first, "/review/opinions"),
        (second, "/review/opinions"),
        (first, "/review/"),
        (first, f"/review/{number}"),
    ]
    before = [queries(*page) for page in pages]
    for _ in range(3):
        one_more()
    ask(first, number, user_id(app, emails["Third"]))
    assert [queries(*page) for page in pages] == before
