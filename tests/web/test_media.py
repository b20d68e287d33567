"""An image leaves the store only for those who may see its case, and never without an audit event."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import actions, heatmap_ids, image_ids, stored_case, stored_files
from tests.web.reading import decide, take
from tests.web_client import CheckedClient, without_token
from webapp import models
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.models import Role, utcnow
from webapp.storage.store import store_of


@pytest.fixture
def number(world: World, sign_in, gp: str) -> str:
    """An answered case, whose answer the GP has opened: before, a GP sees no heatmap."""
    number = world.case(gp)
    world.analyse(number, 0.9)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    sign_in(gp).get(f"/cases/{number}")
    return number


@pytest.fixture
def addresses(app: Flask, number: str) -> list[str]:
    """Image, thumbnail, heatmap and preview of the case."""
    (image,), (finding,) = image_ids(app, number), heatmap_ids(app, number)
    parts = [f"/media/images/{image}", f"/media/images/{image}/thumbnail", f"/media/heatmaps/{finding}"]
    return [*parts, f"/media/images/{image}/preview"]


def test_the_own_gp_and_any_dermatologist_see_it(world: World, sign_in, gp: str, addresses: list[str]) -> None:
    colleague = world.user(Role.GP)
    for email in (gp, colleague, world.user(Role.DERMATOLOGIST)):
        client = sign_in(email)
        assert [client.get(address).status_code for address in addresses] == [200] * 4


def test_another_centre_sees_nothing_not_even_that_it_exists(world: World, sign_in, addresses: list[str]) -> None:
    stranger = sign_in(world.user(Role.GP, centre="Test Centre B"))
    missing = stranger.get("/media/images/987654")
    for address in addresses:
        response = stranger.get(address)
        assert response.status_code == missing.status_code == 404
        assert without_token(response.text) == without_token(missing.text)


def test_an_administrator_sees_no_patient(world: World, sign_in, addresses: list[str]) -> None:
    admin = sign_in(world.user(Role.ADMIN))
    assert [admin.get(address).status_code for address in addresses] == [403] * 4


def test_nobody_sees_it_without_signing_in(client: CheckedClient, addresses: list[str]) -> None:
    assert [client.get(address).status_code for address in addresses] == [302] * 4


def test_what_is_shown_is_what_was_stored(app: Flask, sign_in, gp: str, number: str, addresses: list[str]) -> None:
    client = sign_in(gp)
    with stored_case(app, number) as case:
        image = case.images[0]
        assert client.get(addresses[0]).data == store_of(app).get(image.key)
        assert client.get(addresses[0]).mimetype == image.media_type
        size = image.width, image.height
    thumbnail = client.get(addresses[1])
    assert thumbnail.mimetype == "image/webp"
    assert max(Image.open(io.BytesIO(thumbnail.data)).size) <= 320
    assert client.get(addresses[2]).mimetype == "image/png"
    preview = client.get(addresses[3])
    assert preview.mimetype == "image/webp"
    assert Image.open(io.BytesIO(preview.data)).size == size


def test_images_of_earlier_releases_are_shown_as_they_were_stored(
    app: Flask, sign_in, gp: str, number: str, addresses: list[str]
) -> None:
    """JPEG thumbnails, and no preview: the whole image takes its place."""
    store, old = store_of(app), jpeg(320, 240)
    with app.app_context(), transaction() as session:
        image = session.scalars(select(models.Image)).one()
        store.discard(str(image.preview_key))
        image.thumbnail_key, image.preview_key = store.put(old), None
    client = sign_in(gp)
    thumbnail, preview, whole = (client.get(addresses[place]) for place in (1, 3, 0))
    assert (thumbnail.mimetype, thumbnail.data) == ("image/jpeg", old)
    assert (preview.mimetype, preview.data) == (whole.mimetype, whole.data)


def test_each_view_is_audited_and_a_refused_one_is_not(
    app: Flask, world: World, sign_in, gp: str, addresses: list[str]
) -> None:
    client, stranger = sign_in(gp), sign_in(world.user(Role.GP, centre="Test Centre B"))
    before = actions(app)
    for address in addresses:
        client.get(address)
        stranger.get(address)
    assert actions(app)[len(before) :] == ["image.viewed", "thumbnail.viewed", "heatmap.viewed", "preview.viewed"]


def test_a_thumbnail_is_noted_once_an_hour_for_each_person(
    app: Flask, world: World, sign_in, gp: str, addresses: list[str], monkeypatch
) -> None:
    client, colleague = sign_in(gp), sign_in(world.user(Role.GP))

    def noted(*viewers: CheckedClient) -> int:
        before = len(actions(app))
        assert [viewer.get(addresses[1]).status_code for viewer in viewers] == [200] * len(viewers)
        return actions(app)[before:].count("thumbnail.viewed")

    assert noted(client, client, colleague, client) == 2
    assert noted(client, colleague) == 0
    monkeypatch.setattr("webapp.audit.recording.utcnow", lambda: utcnow() + timedelta(minutes=61))
    assert noted(client, client) == 1


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_harmed_object_is_said_in_words_and_not_audited(
    app: Flask, settings: Settings, sign_in, gp: str, addresses: list[str], harm: str
) -> None:
    client = sign_in(gp)
    before = actions(app)
    blobs = store_of(app).blobs
    for key in stored_files(settings):
        if harm == "gone":
            blobs.delete(key)
        else:
            *whole, last = blobs.read(key)
            blobs.write(key, bytes([*whole, last ^ 1]))
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 503
        assert "Temporarily unavailable" in response.text
    assert actions(app) == before


def test_a_finding_without_a_heatmap_has_no_address(app: Flask, world: World, sign_in, gp: str) -> None:
    number = world.case(gp)
    world.analyse(number, 0.01)
    with stored_case(app, number) as case:
        finding_id = case.images[0].analyses[-1].findings[0].id
    assert sign_in(gp).get(f"/media/heatmaps/{finding_id}").status_code == 404
