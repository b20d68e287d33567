"""Transitions between states: others are refused, and the document shows the table."""

from itertools import product

import pytest
from flask import Flask

from tests.conftest import ROOT
from webapp.models import Case, CaseState
from webapp.models.states import CASE_TRANSITIONS, OPEN_STATES, NotAllowedError, drawings


def case_in(state: CaseState) -> Case:
    return Case(number="DT-TEST", state=state, is_open=state in OPEN_STATES, unread=True)


@pytest.mark.parametrize(("before", "after"), list(product(CaseState, CaseState)))
def test_a_case_moves_as_the_table_says_and_no_other_way(before: CaseState, after: CaseState) -> None:
    case = case_in(before)
    if after in CASE_TRANSITIONS[before]:
        case.move_to(after)
        assert (case.state, case.is_open, case.unread) == (after, after in OPEN_STATES, False)
    else:
        with pytest.raises(NotAllowedError, match=f"DT-TEST: no way from {before} to {after}"):
            case.move_to(after)
        assert (case.state, case.is_open, case.unread) == (before, before in OPEN_STATES, True), "nothing is changed"


def test_a_withdrawn_case_stays_withdrawn() -> None:
    assert CASE_TRANSITIONS[CaseState.WITHDRAWN] == frozenset()


def test_the_document_shows_what_the_command_prints(app: Flask) -> None:
    printed = app.test_cli_runner().invoke(args=["draw-states"])
    assert printed.exit_code == 0
    assert printed.output.strip() == drawings()
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert printed.output.strip() in document, (
        "put what `flask --app wsgi draw-states` prints into docs/architecture.md"
    )
