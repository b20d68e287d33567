"""Two people, or one with two tabs, act at the same moment: one wins, the other is told, nothing is lost."""

import io
import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.conftest import World, outcome
from tests.faults.working import SIZES, named_objects, numbers, sweep, unnamed_files
from tests.images import jpeg
from tests.patience import PATIENCE
from tests.unit.work import analysis_ids, change, stored_case
from tests.web.helpers import WITHDRAWAL, actions, filled_in, standing, words
from tests.web.reading import all_of, decide, take
from tests.web.test_corrections import form_of
from tests.web.test_thresholds import CARD
from tests.web_client import CheckedClient
from webapp.admin.operation import placing
from webapp.analysis import leases, results
from webapp.core.config import settings_of
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import CaseState, Claim, Diagnosis, Management, Role, TriageReason, utcnow
from webapp.storage.store import store_of
from webapp.triage.rank import Section

ROUNDS = 40 if os.environ.get("FAULTS") == "all" else 4
Send = Callable[[], TestResponse]
BENIGN = {"diagnosis": "benign", "management": "routine_clinic", "advice": "Nothing to do.", "override_reason": "Sure."}
BCC = {"diagnosis": "bcc", "management": "biopsy", "advice": "Please take a biopsy.", "override_reason": ""}
AMENDED = BCC | {"amendment_reason": "Read again."}


@pytest.fixture
def gp_email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(gp_email: str, sign_in) -> CheckedClient:
    return sign_in(gp_email)


@pytest.fixture
def first(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Dr First"))


@pytest.fixture
def second(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Dr Second"))


@pytest.fixture
def tab(first: CheckedClient) -> CheckedClient:
    """Another tab of the first reader's browser."""
    return another_tab(first)


def another_tab(client: CheckedClient) -> CheckedClient:
    """Signed in as the same user."""
    tab = client.application.test_client()
    cookie = client.get_cookie(client.application.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    tab.set_cookie(cookie.key, cookie.value)
    assert isinstance(tab, CheckedClient)
    return tab


def to_send(client: CheckedClient, path: str, page: str = "/profile", **fields: object) -> Send:
    """A form that is filled in and ready to send."""
    form = {"csrf_token": client.token(page), **fields}
    return lambda: client.post(path, data=form)


def together(*sends: Send) -> list[TestResponse]:
    start = Barrier(len(sends))

    def at_the_signal(send: Send) -> TestResponse:
        start.wait(PATIENCE)
        return send()

    with ThreadPoolExecutor(len(sends)) as pool:
        return list(pool.map(at_the_signal, sends))


def codes(answers: list[TestResponse]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def analysed(world: World, gp_email: str) -> str:
    number = world.case(gp_email)
    world.analyse(number, 0.02)
    return number


@pytest.mark.control("H4.1")
def test_two_claim_a_case(app: Flask, world: World, gp_email: str, first, second) -> None:
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        answers = together(*(to_send(reader, f"/review/{number}/claim") for reader in (first, second)))
        assert codes(answers) == [302, 409]
        winner, loser = ("Dr First", 1) if answers[0].status_code == 302 else ("Dr Second", 0)
        assert winner in words(answers[loser].text)
        with app.app_context(), reading() as session:
            held = select(Claim).join(Claim.case).where(Claim.released_at.is_(None), Claim.case.has(number=number))
            assert [claim.user.name for claim in session.scalars(held)] == [winner]


def test_two_ask_for_the_next_case(app: Flask, world: World, gp_email: str, first, second) -> None:
    for _ in range(ROUNDS):
        for _ in range(2):
            analysed(world, gp_email)
        answers = together(*(to_send(reader, "/review/next") for reader in (first, second)))
        assert codes(answers) == [302, 302]
        got = [answer.location.rsplit("/", 1)[-1] for answer in answers]
        assert len(set(got)) == 2, "each has another case"
        for reader, number in zip((first, second), got, strict=True):
            assert decide(reader, number).status_code == 302


@pytest.mark.control("H4.1")
def test_two_tabs_decide(app: Flask, world: World, gp_email: str, first, tab) -> None:
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        path = f"/review/{number}/decide"
        answers = together(
            *(
                to_send(client, path, shown=all_of(client, number), **form)
                for client, form in ((first, BENIGN), (tab, BCC))
            )
        )
        assert codes(answers) == [302, 409]
        stored, lost = (BENIGN, BCC) if answers[0].status_code == 302 else (BCC, BENIGN)
        told = next(answer for answer in answers if answer.status_code == 409)
        assert "Nothing was saved for case" in words(told.text)
        assert lost["advice"] in told.text, "what was typed is shown"
        with stored_case(app, number) as case:
            (review,) = case.reviews
            assert (review.diagnosis, review.advice) == (Diagnosis(stored["diagnosis"]), stored["advice"])
            assert case.state is CaseState.REVIEWED


def test_a_decision_is_taken_back_and_amended(app: Flask, world: World, gp_email: str, first, tab) -> None:
    """Whichever comes second has seen a decision that is no longer in force."""
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        decide(first, number)
        with stored_case(app, number) as case:
            seen = standing(case).id
        undo = to_send(first, f"/review/{number}/undo", seen=seen)
        amend = to_send(tab, f"/review/{number}/amend", seen=seen, shown=all_of(first, number), **AMENDED)
        taken_back, amended = together(undo, amend)
        assert codes([taken_back, amended]) == [302, 409]
        with stored_case(app, number) as case:
            if amended.status_code == 302:
                assert standing(case).management is Management.BIOPSY
                assert [review.retraction for review in case.reviews] == [None, None]
            else:
                assert case.state is CaseState.IN_REVIEW
                assert (len(case.reviews), case.standing_review) == (1, None)


@pytest.mark.control("H4.2")
def test_the_gp_opens_an_answer_that_is_being_taken_back(app: Flask, world: World, gp_email: str, gp, first) -> None:
    """Either it is opened and stays, or it is taken back and nobody has seen it."""
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        decide(first, number, **BENIGN)
        with stored_case(app, number) as case:
            seen = standing(case).id
        undo = to_send(first, f"/review/{number}/undo", seen=seen)
        opened, _taken_back = together(partial(gp.get, f"/cases/{number}"), undo)
        assert opened.status_code == 200
        with stored_case(app, number) as case:
            (review,) = case.reviews
            assert (review.receipt is None) == (review.retraction is not None), "one of both, never both"
            assert (BENIGN["advice"] in opened.text) == (review.receipt is not None), "what is shown has a receipt"


def test_two_of_the_centre_open_an_answer(app: Flask, world: World, gp_email: str, gp, first, sign_in) -> None:
    colleague = sign_in(world.user(Role.GP))
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        decide(first, number, **BENIGN)
        answers = together(*(lambda client=client, at=number: client.get(f"/cases/{at}") for client in (gp, colleague)))
        assert codes(answers) == [200, 200]
        assert all(BENIGN["advice"] in answer.text for answer in answers)
        with stored_case(app, number) as case:
            assert (case.unread, case.unread_by) == (False, [])
    assert actions(app).count("answer.read") == 2 * ROUNDS, "each was opened once by each"


def test_taken_back_after_a_second_decision(app: Flask, world: World, gp_email: str, first, second) -> None:
    """An old page's button does not take back a later decision."""
    number = analysed(world, gp_email)
    take(first, number)
    decide(first, number)
    with stored_case(app, number) as case:
        seen = standing(case).id
    undo = to_send(first, f"/review/{number}/undo", seen=seen)
    amend = to_send(second, f"/review/{number}/amend", seen=seen, shown=all_of(first, number), **AMENDED)
    assert amend().status_code == 302
    answer = undo()
    assert answer.status_code == 409
    assert "Nothing was saved or overwritten" in words(answer.text)
    with stored_case(app, number) as case:
        assert standing(case).management is Management.BIOPSY


def test_the_gp_withdraws_while_it_is_decided(app: Flask, world: World, gp_email: str, gp, first) -> None:
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        withdraw = to_send(gp, f"/cases/{number}/withdraw", **WITHDRAWAL)
        withdrawn, decided = together(
            withdraw, to_send(first, f"/review/{number}/decide", shown=all_of(first, number), **BENIGN)
        )
        assert codes([withdrawn, decided]) == [302, 409]
        with stored_case(app, number) as case:
            if withdrawn.status_code == 302:
                assert (case.state, case.reviews) == (CaseState.WITHDRAWN, [])
                assert BENIGN["advice"] in decided.text, "the reader keeps the words"
            else:
                assert (case.state, len(case.reviews)) == (CaseState.REVIEWED, 1)


def test_a_colleague_voids_it_while_it_is_decided(app: Flask, world: World, gp_email: str, first, second) -> None:
    """Whichever comes second is told: no decision of a void case, and no answer voided unseen."""
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        page = f"/corrections/{number}"
        since = form_of(second, number)["since"]
        voided, decided = together(
            to_send(second, f"{page}/void", reason="Wrong images.", since=since),
            to_send(first, f"/review/{number}/decide", shown=all_of(first, number), **BENIGN),
        )
        assert codes([voided, decided]) == [302, 409]
        with stored_case(app, number) as case:
            if voided.status_code == 302:
                assert (case.state, case.reviews) == (CaseState.VOIDED, [])
                assert BENIGN["advice"] in decided.text, "the reader keeps the words"
            else:
                assert (case.state, len(case.reviews), case.voiding) == (CaseState.REVIEWED, 1, None)
                assert "Wrong images." in voided.text


def test_the_gp_adds_something_while_it_is_decided(app: Flask, world: World, gp_email: str, gp, first) -> None:
    """Either the reader has to look at it first, or the GP is told that it came too late."""
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        take(first, number)
        added, decided = together(
            to_send(gp, f"/cases/{number}/additions", token=str(uuid.uuid4()), note="It bleeds."),
            to_send(first, f"/review/{number}/decide", shown=all_of(first, number), **BENIGN),
        )
        assert (added.status_code, decided.status_code) in ((302, 422), (409, 302))
        with stored_case(app, number) as case:
            assert (len(case.additions), len(case.reviews)) in ((1, 0), (0, 1))
        lost = decided if decided.status_code == 422 else added
        assert ("It bleeds." if lost is added else BENIGN["advice"]) in lost.text


def test_an_addition_is_sent_twice_at_once(app: Flask, world: World, gp_email: str, gp) -> None:
    for _ in range(ROUNDS):
        number, token = analysed(world, gp_email), str(uuid.uuid4())
        sends = [
            to_send(client, f"/cases/{number}/additions", token=token, note="It bleeds.")
            for client in (gp, another_tab(gp))
        ]
        assert codes(together(*sends)) == [302, 302]
        with stored_case(app, number) as case:
            assert len(case.additions) == 1


def test_the_gp_withdraws_while_it_is_claimed(app: Flask, world: World, gp_email: str, gp, first) -> None:
    for _ in range(ROUNDS):
        number = analysed(world, gp_email)
        withdraw = to_send(gp, f"/cases/{number}/withdraw", **WITHDRAWAL)
        withdrawn, claimed = together(withdraw, to_send(first, f"/review/{number}/claim"))
        assert withdrawn.status_code == 302
        assert claimed.status_code in (302, 409)
        late = decide(first, number)
        assert late.status_code == 409
        assert "Nothing was saved for case" in words(late.text)
        with stored_case(app, number) as case:
            assert (case.state, case.reviews) == (CaseState.WITHDRAWN, [])


@pytest.mark.control("H3.3")
def test_one_form_is_sent_twice(app: Flask, gp: CheckedClient) -> None:
    for _ in range(ROUNDS):
        form = {"csrf_token": gp.token("/cases/new"), **filled_in()}
        clients = [gp, another_tab(gp)]

        def send(client: CheckedClient, form: dict[str, object] = form) -> TestResponse:
            return client.post("/cases/new", data={**form, "images": [(io.BytesIO(jpeg()), "a.jpg")]})

        answers = together(*(lambda client=client: send(client) for client in clients))
        assert codes(answers) == [302, 302]
        (number,) = numbers(app, str(form["submission_token"]))
        assert {answer.location for answer in answers} == {f"/cases/{number}"}
    assert len(named_objects(app)) == SIZES * ROUNDS
    assert not unnamed_files(app)


def test_an_operating_point_is_chosen_while_a_worker_stores_a_result(
    app: Flask, world: World, gp_email: str, sign_in
) -> None:
    """The worker has placed the case by the former threshold: it is placed anew as soon as it is free."""
    skip_with_one_writer(app)
    admin = sign_in(world.user(Role.ADMIN))
    first, number, last = (world.case(gp_email) for _ in range(3))
    for other in (first, last):
        world.analyse(other, 0.05, card=CARD)
    with stored_case(app, number) as case:
        analysis_id = case.images[0].analyses[0].id
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "slow")
    with app.app_context(), transaction():
        result = replace(outcome(0.05), card=CARD)
        assert results.finish(analysis_id, "slow", results.stored(result, store_of(app)))
        db.session.flush()
        with ThreadPoolExecutor(1) as pool:
            chosen = pool.submit(admin.submit, "/admin/threshold", {"target_sensitivity": "0.98", "confirmed": "y"})
            assert chosen.result(PATIENCE).status_code == 302, "nobody waits for the worker"
    assert section(app, first) == Section.SUSPECTED
    assert section(app, number) == Section.REST, "by the threshold it knew"
    assert section(app, last) == Section.REST, "its turn comes after the one that is locked"
    with app.app_context(), transaction():
        assert placing.place_open_cases() == 2
    assert section(app, number) == section(app, last) == Section.SUSPECTED


def section(app: Flask, number: str) -> Section:
    with stored_case(app, number) as case:
        return Section(int(case.rank))


def test_a_sweep_ends_an_analysis_while_a_worker_stores_another_of_the_case(
    app: Flask, world: World, gp_email: str
) -> None:
    """The last of both knows of the other: the case does not wait for ever for an analysis that is over."""
    skip_with_one_writer(app)
    number = world.case(gp_email, images=2)
    exhausted, under_way = analysis_ids(app, number)
    change(app, exhausted, attempts=settings_of(app).analysis_attempts, queued_at=utcnow() - timedelta(hours=1))
    with app.app_context(), transaction():
        assert leases.take(under_way, "slow")
    with ThreadPoolExecutor(1) as pool:
        with app.app_context(), transaction():
            assert results.finish(under_way, "slow", results.stored(outcome(0.02), store_of(app)))
            db.session.flush()
            swept = pool.submit(sweep, app)
            assert not wait([swept], timeout=1).done, "it waits for the case"
        assert swept.result(PATIENCE) == 1
    with stored_case(app, number) as case:
        assert case.triage_reason is TriageReason.ANALYSIS_FAILED


def skip_with_one_writer(app: Flask) -> None:
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            pytest.skip("there is one writer at a time")
