"""The GP's list and case page: own centre only, search, reading, closing."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import WITHDRAWAL, actions, change_case, counted_queries, image_ids, keys_of, stored_case, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient, without_token
from webapp.cases import queries
from webapp.models import CaseState, Role


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


def listed(page: str) -> list[str]:
    return re.findall(r'class="case-row[^"]*" href="/cases/(DT-\w+)"', page)


def answered(world: World, sign_in, number: str, **form: object) -> None:
    dermatologist = sign_in(world.user(Role.DERMATOLOGIST, name="Test Reader"))
    take(dermatologist, number)
    assert decide(dermatologist, number, **form).status_code == 302


def test_the_centre_sees_its_cases_newest_first(world: World, email: str, gp: CheckedClient) -> None:
    assert "No cases yet" in gp.get("/cases/").text
    numbers = [world.case(email), world.case(world.user(Role.GP)), world.case(email)]
    world.case(world.user(Role.GP, centre="Test Centre B"))
    assert listed(gp.get("/cases/").text) == numbers[::-1]


@pytest.mark.parametrize("where", ["", "/status"])
def test_another_centres_case_does_not_exist(world: World, gp: CheckedClient, where: str) -> None:
    foreign = world.case(world.user(Role.GP, centre="Test Centre B"))
    response = gp.get(f"/cases/{foreign}{where}")
    assert response.status_code == 404
    assert without_token(response.text) == without_token(gp.get("/cases/DT-NOTHING").text)


def test_another_centres_case_cannot_be_closed(app: Flask, world: World, gp: CheckedClient) -> None:
    foreign = world.case(world.user(Role.GP, centre="Test Centre B"))
    change_case(app, foreign, state=CaseState.REVIEWED, is_open=False)
    assert gp.submit(f"/cases/{foreign}/close", page="/cases/new").status_code == 404
    with stored_case(app, foreign) as case:
        assert case.state is CaseState.REVIEWED


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("100%", ["100%"]),
        ("%", ["100%"]),
        ("_1", ["A_1"]),
        ("_", []),
        ("a_1", ["A_1"]),
        ("A-1", ["A-1"]),
        ("\\", []),
        ("'; --", []),
        ("  A-1  ", ["A-1"]),
        ("nothing", []),
    ],
)
def test_search_takes_every_character_as_it_is(
    world: World, email: str, gp: CheckedClient, search: str, found: list[str]
) -> None:
    by_reference = {reference: world.case(email, patient_reference=reference) for reference in ("A-1", "A_1", "100%")}
    page = gp.get("/cases/", query_string={"q": search}).text
    assert listed(page) == [by_reference[reference] for reference in found]


@pytest.mark.parametrize(
    ("search", "found"),
    [("pc-7", True), ("7/2026", True), ("C-7/2", False), ("PC-7/2026", True), ("PC-7/2026x", False)],
)
def test_search_finds_the_beginning_and_the_end_of_a_reference(
    world: World, email: str, gp: CheckedClient, search: str, found: bool
) -> None:
    number = world.case(email, patient_reference="PC-7/2026")
    world.case(email, patient_reference="PC-8/2025")
    assert (listed(gp.get("/cases/", query_string={"q": search}).text) == [number]) is found


def test_search_finds_the_beginning_of_a_number(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    for search in (number, number.lower(), number[:7], number[3:], number[3:8].lower()):
        assert listed(gp.get("/cases/", query_string={"q": search}).text) == [number]
    for search in (number[5:], f"{number}X"):
        assert listed(gp.get("/cases/", query_string={"q": search}).text) == []


def test_search_for_what_very_many_cases_share(
    monkeypatch: pytest.MonkeyPatch, world: World, email: str, gp: CheckedClient
) -> None:
    monkeypatch.setattr(queries, "MOST", 2)
    numbers = [world.case(email, patient_reference=f"PC-{n}") for n in range(4)]
    other = world.case(email, patient_reference="X-1")
    assert listed(gp.get("/cases/?q=pc-").text) == numbers[::-1]
    by_chance = [number for number in (other, *numbers[::-1]) if number.startswith("DT-DT")]
    assert listed(gp.get("/cases/?q=DT").text) == by_chance
    assert listed(gp.get("/cases/?q=1").text) == [other, numbers[1]]


def test_search_finds_a_number_and_shows_what_was_asked(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    world.case(email)
    assert listed(gp.get("/cases/", query_string={"q": number[3:].lower()}).text) == [number]
    page = gp.get("/cases/", query_string={"q": "<b>x"}).text
    assert "<b>x" not in page
    assert 'value="&lt;b&gt;x"' in page


def test_search_finds_nothing_of_another_centre(world: World, gp: CheckedClient) -> None:
    foreign = world.case(world.user(Role.GP, centre="Test Centre B"), patient_reference="SAME-1")
    for search in ("SAME-1", foreign):
        assert listed(gp.get("/cases/", query_string={"q": search}).text) == []


def test_every_case_stands_on_exactly_one_page(world: World, email: str, gp: CheckedClient) -> None:
    numbers = [world.case(email, patient_reference=f"P-{i:03d}") for i in range(27)]
    seen, path = [], "/cases/?q=P-"
    while path:
        with counted_queries(gp.application) as queries:
            page = gp.get(path).text
        assert len(queries) <= 13, "the number of queries must not grow with the rows"
        seen += listed(page)
        found = re.search(r'<a href="([^"]+)">Older cases', page)
        path = found.group(1).replace("&amp;", "&") if found else ""
    assert seen == numbers[::-1]


def test_a_page_number_that_is_none_shows_the_newest(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    assert listed(gp.get("/cases/?before=junk").text) == [number]
    assert listed(gp.get("/cases/?before=-1").text) == [number]
    assert listed(gp.get(f"/cases/?before={10**30}").text) == [number]


def test_the_case_page_shows_what_was_sent(world: World, email: str, gp: CheckedClient) -> None:
    page = gp.get(f"/cases/{world.case(email, history='<i>Bleeds</i>', birth_year=1950, phototype=4)}").text
    for text in ("TEST-1", "Back", "1950", "IV", "&lt;i&gt;Bleeds"):
        assert text in page


def test_the_status_goes_on_as_the_case_does(app: Flask, world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email, images=2)

    def status() -> str:
        return gp.get(f"/cases/{number}/status").text

    assert "2 images stored" in status()
    assert "Queued" in status()
    world.analyse(number, 0.02)
    assert "Done" in status()
    assert "data-poll" in status()
    answered(world, sign_in, number)
    assert "The answer has arrived" in status()
    assert "data-poll" not in status()


def test_a_gp_is_never_shown_a_probability(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    world.analyse(number, 0.62)
    for path in ("/cases/", f"/cases/{number}", f"/cases/{number}/status"):
        assert "62" not in re.sub(r'(?:value|href|src)="[^"]*"|DT-\w+|\d\d:\d\d', "", gp.get(path).text)


def test_a_failed_analysis_is_told_without_alarm(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    world.analyse(number, None)
    assert "No reliable result: the case moves up the worklist" in gp.get(f"/cases/{number}").text


def test_an_answer_is_on_every_badge_then_read_and_closed(
    app: Flask, world: World, email: str, gp: CheckedClient, sign_in
) -> None:
    number = world.case(email)
    assert "nav-badge" not in gp.get("/cases/").text
    answered(world, sign_in, number, diagnosis="bcc", management="biopsy", advice="Please <b>stop</b> warfarin.")
    assert re.search(r'nav-badge">\s*1\s*<', gp.get("/help").text), "on every page"
    page = gp.get(f"/cases/{number}").text
    for text in (
        "Basal cell carcinoma",
        "Biopsy",
        "contact the patient to arrange a biopsy",
        "Please &lt;b&gt;stop",
        "Test Reader",
    ):
        assert text in page
    assert gp.submit(f"/cases/{number}/close", page=f"/cases/{number}").status_code == 302
    assert "nav-badge" not in gp.get("/cases/").text
    assert "Read and closed" in gp.get(f"/cases/{number}").text
    with stored_case(app, number) as case:
        assert (case.state, case.is_open, case.closed_at is not None) == (CaseState.CLOSED, False, True)


def test_closing_twice_closes_once(app: Flask, world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email)
    answered(world, sign_in, number)
    token = gp.token(f"/cases/{number}")
    for _ in range(2):
        assert gp.post(f"/cases/{number}/close", data={"csrf_token": token}).status_code == 302
    assert actions(app).count("case.closed") == 1


def test_a_case_without_an_answer_cannot_be_closed(app: Flask, world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    response = gp.submit(f"/cases/{number}/close", page="/cases/new")
    assert response.status_code == 409
    assert "changed since you opened it" in response.text
    with stored_case(app, number) as case:
        assert case.is_open


def test_a_colleague_of_the_centre_may_read_the_answer(world: World, email: str, sign_in) -> None:
    number = world.case(email)
    answered(world, sign_in, number)
    assert "Benign" in sign_in(world.user(Role.GP)).get(f"/cases/{number}").text


def test_pages_name_images_only_by_their_address(app: Flask, world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    with stored_case(app, number) as case:
        keys = keys_of(case.images[0])
    page = gp.get(f"/cases/{number}").text
    assert f"/media/images/{image_ids(app, number)[0]}" in page
    assert not any(key in page for key in keys)


def steps(page: str) -> list[str]:
    return [words(step) for step in re.findall(r"<li class=\"step.*?</li>", page, re.S)]


def test_the_status_says_that_new_images_are_requested(world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email)
    answered(world, sign_in, number, management="retake", advice="Closer, please.")
    page = gp.get(f"/cases/{number}/status").text
    assert steps(page)[2:] == ["Dermatologist Needs new images", "Answer Not yet: send new images first"]
    assert "The dermatologist needs new images" in page
    assert "data-poll" not in page
    assert "Closer" not in page, "it is opened first"


def test_the_status_says_that_a_colleague_has_withdrawn_the_case(world: World, email: str, gp, sign_in) -> None:
    number = world.case(email)
    colleague = sign_in(world.user(Role.GP))
    colleague.submit(f"/cases/{number}/withdraw", WITHDRAWAL, page=f"/cases/{number}")
    page = gp.get(f"/cases/{number}/status").text
    assert steps(page)[2:] == ["Dermatologist Withdrawn before a decision", "Answer None"]
    assert "arrived" not in page
