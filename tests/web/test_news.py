"""The live bar of the worklist: what has come into the queue since the page was made."""

import re
from datetime import timedelta

from flask import Flask

from tests.conftest import World
from tests.web.helpers import change_case, words
from tests.web_client import CheckedClient
from webapp.models import ReopenReason, Urgency, utcnow


def poll_of(page: str) -> str:
    found = re.search(r'id="news" data-poll="([^"]+)"', page)
    assert found is not None
    return found.group(1).replace("&amp;", "&")


def test_what_is_new_is_counted_and_leads_to_the_list(world: World, gp: str, reader: CheckedClient) -> None:
    world.case(gp)
    poll = poll_of(reader.get("/review/").text)
    assert words(reader.get(poll).text) == ""
    for urgency in ("routine", "urgent", "soon"):
        world.case(gp, urgency=Urgency(urgency))
    answer = reader.get(poll).text
    assert words(answer) == "3 new, 1 urgent: show"
    assert poll_of(answer) == poll, "it keeps asking since the same moment"
    assert 'href="/review/"' in answer


def test_none_urgent_is_not_said(world: World, gp: str, reader: CheckedClient) -> None:
    poll = poll_of(reader.get("/review/").text)
    world.case(gp)
    assert words(reader.get(poll).text) == "1 new: show"


def test_only_what_belongs_to_the_queue(world: World, gp: str, reader: CheckedClient) -> None:
    poll = poll_of(reader.get("/review/?urgency=soon").text)
    world.case(gp)
    assert words(reader.get(poll).text) == ""
    world.case(gp, urgency=Urgency.SOON)
    answer = reader.get(poll).text
    assert words(answer) == "1 new: show"
    assert 'href="/review/?urgency=soon"' in answer


def test_a_case_that_is_re_opened_is_new(app: Flask, world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    poll = poll_of(reader.get("/review/").text)
    change_case(app, number, reopened=ReopenReason.HISTOLOGY, waiting_since=utcnow() + timedelta(seconds=1))
    assert words(reader.get(poll).text) == "1 new: show"


def test_a_made_up_moment_does_no_harm(world: World, gp: str, reader: CheckedClient) -> None:
    world.case(gp)
    for since in ("junk", "2026-11-28", "0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", ""):
        answer = reader.get("/review/news", query_string={"since": since})
        assert (answer.status_code, words(answer.text)) == (200, "")
