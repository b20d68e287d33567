"""The preview of a case on the worklist: image and model in short, on the record, and blind where it must be."""

from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, image_ids, words
from tests.web.test_blinded import MODEL, switch
from tests.web_client import CheckedClient


def test_image_and_result_are_shown_and_noted(app: Flask, world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    world.analyse(number, 0.97, melanoma=0.4)
    page = reader.get(f"/review/{number}/preview").text
    assert f"/media/images/{image_ids(app, number)[0]}" in page
    for said in ("BCC 97 %", "Also melanoma 40 %", "Melanoma 40 %, suspected"):
        assert said in words(page)
    assert actions(app, ignore=())[-1] == "case.viewed"


def test_it_stays_in_the_queue(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    assert f'data-preview="/review/{number}/preview?order=due"' in reader.get("/review/?order=due").text
    assert f'href="/review/{number}?order=due"' in reader.get(f"/review/{number}/preview?order=due").text


def test_who_reads_blinded_sees_no_result(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    world.analyse(number, 0.9, melanoma=0.8)
    switch(reader, on=True)
    page = reader.get(f"/review/{number}/preview").text
    assert [part for part in (*MODEL, "BCC") if part in page] == []
    assert "hidden until you have recorded your own impression" in page
