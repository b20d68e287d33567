"""A model's result on the pages: calls in words, three cancers, maps with a place, what thresholds are worth."""

import re

import pytest
from flask import Flask

from ml.patterns import Modality
from ml.results import Reason
from tests.cards import card, entry, former_card, found
from tests.conftest import World, outcome
from tests.web.helpers import words
from tests.web.reading import take
from tests.web.test_thresholds import POINTS, choose
from tests.web_client import CheckedClient
from webapp.analysis import workers
from webapp.analysis.results import TargetResult
from webapp.core.database import transaction

CANCERS = [found("BCC", 0.6), found("SCC", 0.04), found("MEL", 0.02)]
NONE_SEEN = [found(code, 0.02) for code in ("PN", "U", "ON", "MG", "ML", "SW", "AT")]


def with_patterns(*patterns: TargetResult) -> list[TargetResult]:
    seen = {pattern.target for pattern in patterns}
    return [*CANCERS, *(pattern for pattern in NONE_SEEN if pattern.target not in seen), *patterns]


@pytest.fixture
def number(world: World, gp: str) -> str:
    return world.case(gp)


def page_of(reader: CheckedClient, number: str) -> str:
    take(reader, number)
    answer = reader.get(f"/review/{number}")
    assert answer.status_code == 200
    return answer.text


def patterns_of(page: str) -> dict[str, str]:
    """What the page calls each pattern: the chips, then those not seen."""
    (listed,) = re.findall(r'<ul class="chips".*?>(.*?)</ul>', page, re.DOTALL)
    chips = re.findall(r'<li class="chip.*?>(.*?)<strong>(.*?)</strong>', listed, re.DOTALL)
    absent = re.findall(r"Not seen: (.*?)\.", page)
    unseen = {label.strip().capitalize(): "not seen" for text in absent for label in text.split(",")}
    return {words(label): words(said) for label, said in chips} | unseen


def maps_of(page: str) -> list[str]:
    """The findings whose heatmaps are offered, in the order in which the keyboard goes through them."""
    return re.findall(r'data-map="[^"]*" data-label="([^"]*)"', page)


@pytest.mark.control("H7.1")
def test_patterns_are_called_in_words_and_without_a_number(world: World, reader, number: str) -> None:
    world.analyse(number, 0.6, findings=with_patterns(found("AT", 0.5), found("U", 0.2), found("ON", 0.199)))
    listed = patterns_of(page_of(reader, number))
    assert listed == {
        "Pigment network": "not seen",
        "Ulceration": "possible",
        "Ovoid nests": "not seen",
        "Multiglobules": "not seen",
        "Maple leaf-like areas": "not seen",
        "Spoke wheel areas": "not seen",
        "Arborizing telangiectasia": "likely",
    }


def test_a_patterns_number_stands_only_against_its_own_thresholds(world: World, reader, number: str) -> None:
    world.analyse(number, 0.6, findings=with_patterns(found("AT", 0.91)))
    page = page_of(reader, number)
    against = "Arborizing telangiectasia 91 %: possible from 20 %, likely from 50 %"
    assert against in words(page)
    assert words(page).count("91 %") == 1
    before, _summary, _after = page.partition("this rests on</summary>")
    assert "91 %" not in before, "the evidence is shown on demand"


@pytest.mark.control("H7.1")
def test_patterns_that_are_not_told_apart_are_one_row_without_a_name(world: World, reader, number: str) -> None:
    alike = [found(code, 0.9, told_apart=False) for code in ("MG", "SW")]
    world.analyse(number, 0.6, findings=with_patterns(*alike))
    page = page_of(reader, number)
    listed = patterns_of(page)
    assert listed["BCC structure, kind not told apart"] == "seen"
    assert {"Multiglobules", "Spoke wheel areas"}.isdisjoint(listed)
    said = words(page)
    assert "may be multiglobules or spoke wheel areas, or another." in said
    assert "No pigment network, and a BCC structure whose kind is not told apart." in said
    assert sorted(maps_of(page)) == ["BCC structure, kind not told apart", "Basal cell carcinoma"]


def test_a_pattern_that_is_not_told_apart_cannot_be_filtered_for(world: World, reader, number: str) -> None:
    world.analyse(number, 0.6, findings=with_patterns(found("SW", 0.9, told_apart=False), found("AT", 0.9)))
    assert number not in reader.get("/review/?pattern=SW").text
    assert number in reader.get("/review/?pattern=AT").text


def test_the_evidence_stands_once_for_all_patterns_that_rest_on_it(world: World, reader, number: str) -> None:
    world.analyse(number, 0.6, findings=with_patterns())
    said = words(page_of(reader, number))
    weak = "weak labels: several automated readings merged; no dermatologist has checked them."
    assert said.count(weak) == 1
    assert f"spoke wheel areas and arborizing telangiectasia: {weak}" in said
    assert "Pigment network: experts&#39; outlines." in said


def test_a_result_of_a_former_model_is_shown_as_before(world: World, reader, number: str) -> None:
    kept = [
        TargetResult(code, p, p >= 0.5, None, 0.4, None, None) for code, p in (("BCC", 0.6), ("PN", 0.02), ("AT", 0.7))
    ]
    world.analyse(number, 0.6, findings=kept, modality=None, card=former_card(), lesion={"mel": 0.31, "nv": 0.69})
    page = page_of(reader, number)
    assert patterns_of(page) == {"Pigment network": "not seen", "Arborizing telangiectasia": "present"}
    said = words(page)
    assert "Not assessed by this model: ulceration, ovoid nests" in said
    assert "Melanoma 31 % suspected" in said
    for absent in ("What these thresholds achieved", "No reliable place", "Squamous", "threshold 30.0 %"):
        assert absent not in said


def test_the_other_cancers_stand_with_their_thresholds(world: World, reader, number: str) -> None:
    world.analyse(number, 0.6, melanoma=0.31, scc=0.19)
    said = words(page_of(reader, number))
    assert "BCC 60 % suspected (threshold 10.0 %)" in said
    assert "Melanoma 31 % suspected (threshold 30.0 %)" in said
    assert "SCC 19 % not suspected (threshold 20.0 %)" in said


def test_the_map_of_the_strongest_suspicion_is_offered_first(world: World, reader, number: str) -> None:
    findings = with_patterns(found("U", 0.3), found("AT", 0.9))
    findings = [found("BCC", 0.2), found("SCC", 0.4), found("MEL", 0.7), *(f for f in findings if f not in CANCERS)]
    world.analyse(number, 0.2, findings=findings)
    assert maps_of(page_of(reader, number)) == [
        "Melanoma",
        "Squamous cell carcinoma",
        "Basal cell carcinoma",
        "Arborizing telangiectasia",
        "Ulceration",
    ]


@pytest.mark.control("H7.2")
def test_a_finding_without_a_place_has_no_map_and_the_page_says_so(world: World, reader, number: str) -> None:
    world.analyse(
        number,
        0.6,
        findings=[
            *with_patterns(found("AT", 0.9, placed=False)),
        ],
    )
    page = page_of(reader, number)
    assert maps_of(page) == ["Basal cell carcinoma"]
    assert "No reliable place: Arborizing telangiectasia." in words(page)


def test_all_maps_of_a_finding_share_one_scale_but_not_those_of_former_models(world: World, gp: str, reader) -> None:
    now, before = world.case(gp), world.case(gp)
    world.analyse(now, 0.6)
    former = [TargetResult("BCC", 0.6, True, None, 0.4, None, found("BCC", 0.6).map)]
    world.analyse(before, 0.6, findings=former, card=former_card())
    assert "All maps of a finding share one colour scale" in words(page_of(reader, now))
    assert "Colours are scaled to each map" in words(page_of(reader, before))


@pytest.mark.control("H7.3")
def test_thresholds_promise_nothing_beyond_the_collections_they_were_measured_on(
    world: World, reader, number: str
) -> None:
    world.analyse(number, 0.6)
    page = page_of(reader, number)
    said = words(page)
    assert "target sensitivity" not in said
    row = "Basal cell carcinoma MILK10k 95.1 % (93.1 to 97.1) 83.0 % (81.0 to 85.0) 500 with, 9,500 without"
    assert row in said
    assert len(re.findall(r'<th scope="row">(?:Basal|Squamous|Melanoma)', page)) == 6
    assert "They say nothing about any other images, such as those of your centres." in said
    assert "the model itself was trained on all of them" in said


def test_another_threshold_than_the_cards_has_no_figures_by_collection(
    app: Flask, world: World, admin, reader, number: str
) -> None:
    changed = card(entry("BCC", operating_points=POINTS))
    with app.app_context(), transaction():
        workers.note_model("machine:1", "test-model", "0" * 64, changed)
    world.analyse(number, 0.6, card=changed)
    choose(admin, 0.98)
    said = words(page_of(reader, number))
    assert "For BCC this clinic has chosen another threshold" in said
    assert "Melanoma MILK10k" in said
    assert "Basal cell carcinoma MILK10k" not in said


def test_lesion_types_are_all_there(world: World, reader, number: str) -> None:
    shares = {"bcc": 0.5, "scc": 0.2, "mel": 0.1, "nv": 0.08, "bkl": 0.05, "akiec": 0.03, "other": 0.02, "df": 0.01}
    world.analyse(number, 0.6, lesion=shares | {"vasc": 0.01})
    said = words(page_of(reader, number))
    others = "melanocytic naevus 8 %, benign keratosis 5 %, actinic keratosis or bowen&#39;s disease 3 %"
    assert f"Other lesion types, by share: {others}, another type 2 %" in said
    assert "50 %" not in said.replace("likely from 50 %", ""), "one number for BCC: the calibrated one"


@pytest.mark.control("H6.1")
@pytest.mark.parametrize("reason", [Reason.CLINICAL, Reason.NOT_DERMOSCOPIC])
def test_an_image_without_a_dermatoscope_needs_a_person_and_both_learn_the_way_out(
    world: World, gp: str, reader, sign_in, number: str, reason: Reason
) -> None:
    reasons = [{"code": reason.value, "message": reason.message}]
    world.analyse(number, 0.01, needs_person=True, modality=Modality.CLINICAL, reasons=reasons)
    row = words(reader.get("/review/").text)
    assert f"Not dermoscopy {reason.message.rstrip('.')}" in row
    said = words(page_of(reader, number))
    assert f"{reason.message} Decide from the image as it is, or request new images taken with a dermatoscope." in said
    page = sign_in(gp).get(f"/cases/{number}").text
    assert f"Image 1. {reason.message}" in words(page)
    assert "take a dermoscopic image and send it as a new case for this lesion" in words(page)
    assert f"/cases/new?follows={number}" in page


def test_other_reasons_do_not_ask_for_a_dermatoscope(world: World, gp: str, reader, sign_in, number: str) -> None:
    reasons = [{"code": Reason.OUT_OF_FOCUS.value, "message": Reason.OUT_OF_FOCUS.message}]
    world.analyse(number, 0.01, needs_person=True, reasons=reasons)
    assert "dermatoscope" not in words(page_of(reader, number))
    assert "take a dermoscopic image" not in words(sign_in(gp).get(f"/cases/{number}").text)


@pytest.mark.control("H6.1")
def test_the_form_says_before_sending_that_a_close_up_goes_to_a_person(world: World, gp: str, sign_in) -> None:
    client = sign_in(gp)
    for path in ("/cases/new", "/help"):
        assert re.search(r"close-up.*(goes to|waits for) a person", words(client.get(path).text)), path


def test_the_model_page_says_what_thresholds_and_labels_are_worth(app: Flask, admin: CheckedClient) -> None:
    labels = {"positives": 69, "agreement": None, "auc": {"value": 0.69, "low": 0.6, "high": 0.78}, "correlation": 0.5}
    with app.app_context(), transaction():
        untold = entry("SW", told_apart=False, labels=labels)
        workers.note_model("machine:1", "test-model", "0" * 64, card(untold))
    said = words(admin.get("/admin/models").text)
    assert "Squamous cell carcinoma HAM10000 97.0 % (95.0 to 99.0) 96.0 % (94.0 to 98.0)" in said
    weak = "eak labels: several automated readings merged; no dermatologist has checked them."
    assert f"Ulceration 416 0.81 0.89 (0.86 to 0.92) 0.31 W{weak}" in said
    never = "Never named: shown as “BCC structure, kind not told apart”."
    assert f"Spoke wheel areas 69 not measured 0.69 (0.60 to 0.78) 0.50 {never} W{weak}" in said
    assert "They say nothing about any other images" in words(admin.get("/admin/threshold").text)


def test_the_model_page_of_a_former_card_has_no_such_tables(app: Flask, admin: CheckedClient) -> None:
    with app.app_context(), transaction():
        workers.note_model("machine:1", "test-model", "0" * 64, former_card())
    said = words(admin.get("/admin/models").text)
    assert "test-model" in said
    assert "labels are worth" not in said


def test_the_outcome_for_tests_is_one_that_its_card_promises() -> None:
    assert [finding.target for finding in outcome(0.2).findings] == ["BCC", "MEL", "SCC"]
