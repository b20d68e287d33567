"""Body site with its side and surface, and the size of the lesion: asked for where they apply, and shown to whoever
judges or acts.
"""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import number_of, send, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_export import exported
from tests.web_client import CheckedClient
from webapp.models import BodySite, Role, Side, Surface
from webapp.models.body_site import in_words

HAND = {"body_site": "hand", "side": "left", "surface": "palm", "size_mm": "4,5"}


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


@pytest.mark.parametrize(
    ("site", "side", "surface", "said"),
    [
        (BodySite.FACE, None, None, "Face"),
        (BodySite.FACE, Side.LEFT, None, "Face, left"),
        (BodySite.BACK, Side.MIDLINE, None, "Back, midline"),
        (BodySite.HAND, Side.RIGHT, Surface.DORSUM, "Right hand, back"),
        (BodySite.FOOT, Side.LEFT, Surface.DORSUM, "Left foot, top"),
        (BodySite.FOOT, None, Surface.SOLE, "Foot, sole"),
        (BodySite.LOWER_LIMB, Side.LEFT, Surface.INNER, "Left leg, inner side"),
    ],
)
def test_a_site_in_words(site: BodySite, side: Side | None, surface: Surface | None, said: str) -> None:
    assert in_words(site, side, surface) == said


def test_everybody_who_judges_or_acts_sees_it(
    app: Flask, world: World, client: CheckedClient, reader: CheckedClient, sign_in, letters_in_words
) -> None:
    number = number_of(send(client, **HAND))
    said = "Left hand, palm"
    with stored_case(app, number) as case:
        assert (case.side, case.surface, case.size_mm) == (Side.LEFT, Surface.PALM, 4.5)
    for page in (client.get("/cases/").text, reader.get("/review/").text, reader.get(f"/review/{number}/preview").text):
        assert said in page
    for page in (client.get(f"/cases/{number}").text, reader.get(f"/review/{number}").text):
        assert said in page
        assert "4.5 mm" in page
    take(reader, number)
    assert decide(reader, number).status_code == 302
    printed = words(reader.get(f"/media/letters/{number}.pdf").data.decode())
    assert said in printed
    assert "Largest diameter 4.5 mm" in printed
    (row,) = exported(sign_in(world.user(Role.ADMIN)))
    assert (row["side"], row["surface"], row["size_mm"]) == ("left", "palm", "4.5")


@pytest.mark.parametrize("site", list(BodySite))
@pytest.mark.parametrize("side", ["", *Side])
def test_a_side_is_one_that_the_site_has(client: CheckedClient, site: BodySite, side: str) -> None:
    response = send(client, body_site=site.value, side=side)
    paired = site in ("ear", "upper_limb", "hand", "lower_limb", "foot")
    if side == "midline" and paired:
        assert "Choose left or right." in response.text
    elif not side and site is not BodySite.OTHER:
        assert ("Choose left or right." if paired else "Choose left, right or midline.") in response.text
    else:
        assert response.status_code == 302
        return
    assert response.status_code == 422


@pytest.mark.parametrize(
    ("site", "surface", "fits"),
    [
        ("hand", "palm", True),
        ("hand", "sole", False),
        ("foot", "sole", True),
        ("face", "front", False),
        ("neck", "back", True),
        ("lower_limb", "inner", True),
        ("lower_limb", "palm", False),
        ("lower_limb", "nonsense", False),
    ],
)
def test_a_surface_is_one_that_the_site_has(client: CheckedClient, site: str, surface: str, fits: bool) -> None:
    response = send(client, body_site=site, surface=surface)
    assert response.status_code == (302 if fits else 422)
    if not fits and surface != "nonsense":
        assert "has no such surface" in response.text
        assert re.search(rf'<option selected value="{surface}"', response.text), "what was chosen is shown"


@pytest.mark.parametrize(
    ("typed", "stored"), [("6", 6.0), ("4.5", 4.5), (" 4,5 mm ", 4.5), ("0.5", 0.5), ("300", 300.0), ("", None)]
)
def test_a_size_in_millimetres(app: Flask, client: CheckedClient, typed: str, stored: float | None) -> None:
    with stored_case(app, number_of(send(client, size_mm=typed))) as case:
        assert case.size_mm == stored


@pytest.mark.parametrize("typed", ["0", "-3", "0.4", "300.1", "1e9", "nan", "inf", "big", "5 cm", "4;5"])
def test_any_other_size_is_refused_in_words_and_stays_typed(client: CheckedClient, typed: str) -> None:
    refused = send(client, size_mm=typed)
    assert refused.status_code == 422
    assert "from 0.5 to 300" in refused.text
    assert f'value="{typed}"' in refused.text


def test_a_follow_up_has_the_same_site_and_is_measured_anew(client: CheckedClient) -> None:
    number = number_of(send(client, **HAND))
    page = client.get(f"/cases/new?follows={number}").text
    assert re.search(r'<input[^>]*checked[^>]*name="side"[^>]*value="left"', page)
    assert re.search(r'<option selected value="palm"', page)
    assert 'value="4.5"' not in page
    client.submit(f"/cases/{number}/withdraw", {"reason": "Sent twice."}, page=f"/cases/{number}")
    assert 'value="4.5"' in client.get(f"/cases/new?again={number}").text


@pytest.mark.parametrize("change", [{"side": "right"}, {"surface": "dorsum"}, {"size_mm": "5"}])
def test_the_same_form_with_another_site_is_not_the_same_case(client: CheckedClient, change: dict) -> None:
    token = "b9f2a3a4-5b7e-4b1c-9a55-000000000001"
    assert send(client, submission_token=token, **HAND).status_code == 302
    assert send(client, submission_token=token, **{**HAND, **change}).status_code == 422
