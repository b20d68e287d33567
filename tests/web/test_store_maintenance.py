"""Store and rows are compared both ways, and every object is safely re-encrypted with the current key."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import World, make_settings
from tests.web.helpers import image_ids, stored_bytes, stored_case, stored_files
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.maintenance import objects, store
from webapp.models import Role
from webapp.storage.errors import StoreAwayError
from webapp.storage.local import LocalFolder
from webapp.storage.store import MAGIC, ImageStore, store_of

NEW = bytes(range(32))
OTHER_KEYS = {"management_option.key", "case_file.reference_key"}
"""Columns with such names that do not hold an object's key."""


@pytest.fixture
def settings(instance: Path) -> Settings:
    """Objects are kept in a folder, whichever store the other tests use: these tests damage and age files."""
    return make_settings(instance, storage_url=f"file://{instance}/images")


@pytest.fixture
def number(world: World) -> str:
    """Two images with preview, thumbnail and one heatmap each."""
    number = world.case(world.user(Role.GP), images=2)
    world.analyse(number, 0.9)
    return number


def run(app: Flask, *command: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(command))
    return result.exit_code, result.output


def first_image(app: Flask, settings: Settings, number: str) -> Path:
    with stored_case(app, number) as case:
        return path_of(settings, case.images[0].key)


def path_of(settings: Settings, key: str) -> Path:
    return settings.instance_dir / "images" / key[:2] / key


def aged(path: Path) -> None:
    hours_ago = time.time() - 2 * 3600
    os.utime(path, (hours_ago, hours_ago))


@pytest.fixture
def rotated(settings: Settings, another) -> Callable[..., Flask]:
    """The application after a new key was put first in the list."""

    def rotated(*, with_old: bool = True) -> Flask:
        old = settings.image_keys if with_old else {}
        return another(settings.model_copy(update={"image_keys": {"new": NEW, **old}}))

    return rotated


def key_ids(settings: Settings) -> set[bytes]:
    found = stored_bytes(settings).values()
    return {data[len(MAGIC) + 1 : len(MAGIC) + 1 + data[len(MAGIC)]] for data in found}


def test_every_column_that_names_an_object_is_known() -> None:
    keys = {f"{table.name}.{c.name}" for table in db.metadata.sorted_tables for c in table.columns if "key" in c.name}
    assert {f"{c.table.name}.{c.name}" for c in objects.columns()} == keys - OTHER_KEYS


@pytest.mark.usefixtures("number")
def test_a_store_as_it_should_be(app: Flask) -> None:
    assert run(app, "verify-store") == (0, "0 rows with a wrong object, 0 objects without a row.\n")


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"x"), "is damaged"),
        (lambda path: path.write_bytes(b""), "unknown format"),
    ],
)
def test_a_wrong_object_is_found_with_its_row(app, settings, number, monkeypatch, damage, word) -> None:
    monkeypatch.setattr(objects, "BATCH", 1)
    damage(first_image(app, settings, number))
    status, output = run(app, "verify-store")
    assert status == 1
    (line, *_rest) = output.splitlines()
    assert line.startswith(f"image {image_ids(app, number)[0]}, key: ")
    assert word in line
    assert "1 rows with a wrong object" in output


def test_an_object_for_which_the_key_is_not_at_hand(settings: Settings, number: str, rotated) -> None:
    status, output = run(rotated(with_old=False), "verify-store")
    assert status == 1
    (key_id,) = settings.image_keys
    assert output.count(f"needs the encryption key {key_id!r}") == 8


def test_two_images_that_were_exchanged_in_the_rows_are_noticed(app: Flask, sign_in, world, number: str) -> None:
    """Each object is whole, but it is another patient's."""
    with stored_case(app, number) as case:
        (one, first), (two, second) = ((image.id, image.key) for image in case.images)
    with app.app_context(), transaction() as session:
        for image, key in ((one, "meanwhile"), (two, first), (one, second)):
            session.execute(text("UPDATE image SET key = :key WHERE id = :id"), {"key": key, "id": image})
    status, output = run(app, "verify-store")
    assert status == 1
    assert output.count("wrong SHA-256") == 2
    assert sign_in(world.user(Role.DERMATOLOGIST)).get(f"/media/images/{one}").status_code == 503


@pytest.mark.usefixtures("number")
def test_an_object_without_a_row_is_told_after_an_hour_and_deleted_when_asked(app, settings: Settings) -> None:
    known = stored_files(settings)
    for key in known:
        aged(path_of(settings, key))
    store_of(app).put(b"an upload under way")
    assert run(app, "verify-store")[1].startswith("0 rows")
    orphan = (stored_files(settings) - known).pop()
    aged(path_of(settings, orphan))
    status, output = run(app, "verify-store")
    assert (status, orphan in stored_files(settings)) == (0, True)
    assert f"object {orphan}: no row refers to it\n" in output
    run(app, "verify-store", "--delete-orphans")
    assert stored_files(settings) == known


def test_an_object_that_is_erased_during_the_search_is_no_finding(app: Flask, number: str, monkeypatch) -> None:
    """Row and object are deleted after the row was read and before the object is."""
    with app.app_context():
        image = next(objects.all_named())
        store_of(app).delete(image.key)
        monkeypatch.setattr(objects, "is_named", lambda _named: False)
        assert list(store.wrong_objects()) == []


@pytest.mark.usefixtures("number")
def test_every_object_gets_the_first_key(settings: Settings, rotated) -> None:
    changed = rotated()
    status, output = run(changed, "rotate-keys")
    assert (status, key_ids(settings)) == (0, {b"new"})
    assert "8 objects re-encrypted with the key 'new'" in output
    assert "0 objects" in run(changed, "rotate-keys")[1], "nothing is left to do"
    assert run(rotated(with_old=False), "verify-store")[0] == 0, "the old key is not needed any more"


@pytest.mark.usefixtures("number")
def test_a_rotation_goes_on_where_it_was_interrupted(settings: Settings, rotated) -> None:
    changed = rotated()
    with changed.app_context():
        halfway = store.rotate()
        assert [next(halfway), next(halfway)] == [None, None]
    assert len(key_ids(settings)) == 2
    assert run(changed, "verify-store")[0] == 0
    assert "6 objects" in run(changed, "rotate-keys")[1]


@pytest.mark.usefixtures("number")
@pytest.mark.parametrize("lost", ["missing", "wrong"])
def test_without_the_old_key_nothing_is_damaged(settings: Settings, another, lost: str) -> None:
    before = stored_bytes(settings)
    (key_id,) = settings.image_keys
    keys = {"new": NEW} if lost == "missing" else {"new": NEW, key_id: bytes(32)}
    status, output = run(another(settings.model_copy(update={"image_keys": keys})), "rotate-keys")
    assert status == 1
    assert f"{key_id!r}" in output
    assert "8 objects could not be read and were not changed" in output
    assert stored_bytes(settings) == before


def test_an_object_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch) -> None:
    folder = LocalFolder(tmp_path)
    folder.mark()
    key = ImageStore(folder, {"old": bytes(32)}).put(b"pixels")

    def full(_path: Path, _target: Path) -> Path:
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(StoreAwayError, match="no space"):
            ImageStore(folder, {"new": NEW, "old": bytes(32)}).reseal(key)
    assert ImageStore(folder, {"old": bytes(32)}).get(key) == b"pixels"
    assert next(folder.keys())[0] == key
    assert len(list(folder.keys())) == 1
