"""The worklist filtered, sorted and counted; no filter loses a case between pages or hides a suspicion."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from ml.patterns import Pattern
from tests.cards import found
from tests.conftest import World
from tests.web.helpers import centre_id, change_case, counted_queries, words
from tests.web.reading import put_back, take
from tests.web.test_worklist import following, leads, rows
from tests.web_client import CheckedClient
from webapp.analysis.results import TargetResult
from webapp.models import Role, Urgency, utcnow
from webapp.review.worklist_queries import PAGE_SIZE

CALM = {"melanoma": 0.1}


def listed(client: CheckedClient, **filters: object) -> list[str]:
    response = client.get("/review/", query_string=filters)
    assert response.status_code == 200
    return rows(response.text)


def targets(probability: float, *present: str) -> list[TargetResult]:
    """BCC and all seven patterns, with the named ones present."""
    cancers = [found("BCC", probability), found("MEL", 0.1), found("SCC", 0.0)]
    return [*cancers, *(found(pattern.value, 0.5 if pattern.value in present else 0.1) for pattern in Pattern)]


def waits_since(app: Flask, number: str, **ago: float) -> None:
    change_case(app, number, waiting_since=utcnow() - timedelta(**ago))


def test_by_centre(app: Flask, world: World, gp: str, reader) -> None:
    here, there = world.case(gp), world.case(world.user(Role.GP, centre="Test Centre B"))
    assert listed(reader, centre=centre_id(app, "Test Centre A")) == [here]
    assert listed(reader, centre=centre_id(app, "Test Centre B")) == [there]
    assert listed(reader, centre="") == [here, there]


def test_by_urgency_and_by_state(world: World, gp: str, reader) -> None:
    fresh = world.case(gp, urgency=Urgency.URGENT)
    analysed = world.case(gp)
    world.analyse(analysed, 0.5)
    taken = world.case(gp, urgency=Urgency.URGENT)
    take(reader, taken)
    assert listed(reader, urgency="urgent") == [fresh, taken]
    assert listed(reader, state="submitted") == [fresh]
    assert listed(reader, state="awaiting_review") == [analysed]
    assert listed(reader, state="in_review", urgency="urgent") == [taken]
    assert listed(reader, state="in_review", urgency="soon") == []


def test_by_a_pattern_that_is_present_in_any_image(world: World, gp: str, reader) -> None:
    with_it, without, unanalysed = (world.case(gp, images=2) for _ in range(3))
    world.analyse(with_it, 0.9, findings=targets(0.9, "AT", "U"))
    world.analyse(without, 0.9, findings=targets(0.9, "U"))
    assert listed(reader, pattern="AT") == [with_it]
    assert set(listed(reader, pattern="U")) == {with_it, without}
    assert unanalysed not in listed(reader, pattern="U")


@pytest.mark.parametrize(
    ("probability", "present", "contradicts"),
    [
        (0.9, ("PN",), True),
        (0.9, ("AT",), False),
        (0.02, ("AT",), True),
        (0.02, ("PN", "AT"), False),
        (0.02, (), False),
    ],
)
def test_a_contradiction_is_said_and_found(
    app: Flask, world: World, gp: str, reader, probability: float, present: tuple[str, ...], contradicts: bool
) -> None:
    number = world.case(gp)
    world.analyse(number, probability, findings=targets(probability, *present))
    assert listed(reader, contradiction=1) == ([number] if contradicts else [])
    said = any("ule and probability disagree" in beside for _, beside in leads(reader.get("/review/").text))
    assert said is contradicts
    assert ("They disagree:" in reader.get(f"/review/{number}").text) is contradicts


def test_where_patterns_were_not_assessed_there_is_no_contradiction(world: World, gp: str, reader) -> None:
    world.analyse(world.case(gp), 0.9)
    assert listed(reader, contradiction=1) == []


def test_a_suspected_melanoma_stands_above_every_other_trusted_case(app: Flask, world: World, gp: str, reader) -> None:
    likely, suspect, calm = (world.case(gp) for _ in range(3))
    world.analyse(likely, 0.99)
    world.analyse(suspect, 0.01, melanoma=0.3)
    world.analyse(calm, 0.01, melanoma=0.29)
    assert listed(reader) == [suspect, likely, calm]
    assert listed(reader, other_cancer=1) == [suspect]
    assert leads(reader.get("/review/").text)[0][0] == "Melanoma 30 %"


def test_a_precancer_stands_by_the_probability_of_cancer(world: World, gp: str, reader) -> None:
    likely, keratosis = world.case(gp), world.case(gp)
    world.analyse(likely, 0.1)
    world.analyse(keratosis, 0.02, lesion={"akiec": 0.9})
    assert listed(reader) == [likely, keratosis]
    assert listed(reader, other_cancer=1) == []


def test_the_stronger_suspicion_comes_first(world: World, gp: str, reader) -> None:
    weak, strong, unknown = (world.case(gp) for _ in range(3))
    world.analyse(weak, 0.2, melanoma=0.4)
    world.analyse(strong, 0.01, melanoma=0.8)
    assert listed(reader) == [strong, weak, unknown]


def test_only_the_claims_of_ones_own(world: World, gp: str, reader, sign_in) -> None:
    mine, theirs, back = (world.case(gp) for _ in range(3))
    take(reader, mine)
    take(sign_in(world.user(Role.DERMATOLOGIST)), theirs)
    take(reader, back)
    put_back(reader, back)
    assert listed(reader, mine=1) == [mine]


@pytest.mark.parametrize(("urgency", "days"), [("urgent", 2), ("soon", 7), ("routine", 14)])
def test_a_due_date_by_urgency(app: Flask, world: World, gp: str, reader, urgency: str, days: int) -> None:
    number = world.case(gp, urgency=Urgency(urgency))
    waits_since(app, number, days=days - 0.1)
    assert "2 h left" in words(reader.get("/review/").text)
    assert listed(reader, overdue=1) == []
    waits_since(app, number, days=days + 0.1)
    assert "2 h overdue" in words(reader.get("/review/").text)
    assert listed(reader, overdue=1) == [number]


def test_longest_waiting_first(app: Flask, world: World, gp: str, reader) -> None:
    numbers = [world.case(gp) for _ in range(3)]
    for hours, number, probability in zip((1, 3, 2), numbers, (0.9, 0.01, None), strict=True):
        world.analyse(number, probability)
        waits_since(app, number, hours=hours)
    assert listed(reader, order="waiting") == [numbers[1], numbers[2], numbers[0]]
    assert "Filter and sort: Longest waiting first" in words(reader.get("/review/?order=waiting").text)


def test_the_earliest_deadline_first(app: Flask, world: World, gp: str, reader) -> None:
    """Days to wait: 2, 7 or 14, by urgency."""
    routine, soon, urgent, late = (world.case(gp, urgency=Urgency(u)) for u in ("routine", "soon", "urgent", "routine"))
    for number, days in ((routine, 11), (soon, 5), (urgent, 1), (late, 15)):
        waits_since(app, number, days=days)
    assert listed(reader, order="due") == [late, urgent, soon, routine]
    assert "Filter and sort: Earliest deadline first" in words(reader.get("/review/?order=due").text)


def test_the_counts_lead_to_their_cases(app: Flask, world: World, gp: str, reader) -> None:
    calm, late, mine = (world.case(gp) for _ in range(3))
    world.analyse(calm, 0.01, **CALM)
    waits_since(app, late, days=100)
    take(reader, mine)
    page = words(reader.get("/review/").text)
    for count in ("All open 3", "Needs a person 2", "Overdue 1", "Claimed by me 1"):
        assert count in page
    filtered = reader.get("/review/?overdue=1").text
    assert "1 of 3 open cases matches your filters" in words(filtered)
    assert 'aria-current="true">Overdue' in filtered


@pytest.mark.parametrize("order", ["concern", "due", "waiting"])
def test_paging_keeps_the_filters_and_loses_nothing(app: Flask, world: World, gp: str, reader, order: str) -> None:
    moment, wanted = utcnow() - timedelta(days=1), []
    for count in range(PAGE_SIZE + 4):
        wanted.append(world.case(gp, urgency=Urgency.SOON))
        change_case(app, wanted[-1], waiting_since=moment - timedelta(hours=count % 3), rank=float(count % 2))
        world.case(gp)
    seen, path = [], f"/review/?urgency=soon&order={order}"
    while path:
        page = reader.get(path).text
        seen += rows(page)
        path = following(page)
    assert sorted(seen) == sorted(wanted)
    assert len(set(seen)) == len(seen)
    back = re.search(r'<a href="([^"]+)">Back to the top', page)
    assert back is not None
    assert "urgency=soon" in back.group(1)


def test_nothing_found_says_so(world: World, gp: str, reader) -> None:
    world.case(gp)
    page = words(reader.get("/review/?urgency=urgent").text)
    assert "No cases match these filters" in page
    assert "1 case is open." in page


@pytest.mark.parametrize(
    "query", ["centre=x", "centre=-1", "centre=999999", f"centre={10**30}", "urgency=now", "state=closed", "pattern=XX"]
)
def test_an_unknown_filter_is_told_and_hides_nothing(world: World, gp: str, reader, query: str) -> None:
    number = world.case(gp)
    response = reader.get(f"/review/?{query}")
    assert response.status_code == 200
    assert "not recognised and was ignored" in response.text
    assert rows(response.text) == [number]


def test_the_number_of_queries_does_not_grow_with_the_filters(app: Flask, world: World, gp: str, reader) -> None:
    def queries(path: str) -> int:
        with counted_queries(app) as statements:
            assert reader.get(path).status_code == 200
        return len(statements)

    for _ in range(3):
        number = world.case(gp, images=2, urgency=Urgency.SOON)
        world.analyse(number, 0.9, findings=targets(0.9, "AT"))
        waits_since(app, number, days=100)
    everything = "/review/?urgency=soon&pattern=AT&overdue=1&state=awaiting_review&order=waiting"
    assert len(rows(reader.get(everything).text)) == 3
    assert queries(everything) == queries("/review/") <= 19
