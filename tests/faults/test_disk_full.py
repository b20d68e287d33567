"""The disk is full: nothing is stored by halves, users are told, and work continues once there is room."""

import io
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event

from tests.conftest import World, make_settings
from tests.faults.working import (
    SIZES,
    assert_analysed_once,
    named_objects,
    targets_of,
    until_quiet,
    work_off,
)
from tests.images import jpeg, lesion
from tests.unit.work import stored_case
from tests.web.helpers import count, filled_in, objects_in, send
from tests.web.reading import decide, take
from tests.web.test_submit_errors import error_beside
from webapp.core.config import Settings
from webapp.core.extensions import db
from webapp.models import CaseState, Role, TriageReason

NO_ROOM = "The images could not be stored, so nothing was sent."


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def settings(instance: Path, small_disk: Path) -> Settings:
    return make_settings(instance, storage_url=f"file://{small_disk}")


@contextmanager
def filled(disk: Path, room: int = 0) -> Iterator[None]:
    """All but ``room`` bytes of the disk are used, rounded to its blocks."""
    filler = disk / "filler"
    filler.touch()
    space = os.statvfs(disk)
    with filler.open("wb") as file:
        file.write(bytes(space.f_bavail * space.f_frsize - room))
    yield
    filler.unlink()


def files_on(disk: Path) -> set[Path]:
    return {path for path in objects_in(disk) if path.name != "filler"}


@pytest.mark.control("H3.4")
@pytest.mark.parametrize("room", [0, 16_384, 40_960])
def test_an_upload_that_finds_no_room(app: Flask, small_disk: Path, world: World, sign_in, room: int) -> None:
    """Room for nothing, for half the first object, or for all but the last."""
    gp = sign_in(world.user(Role.GP))
    typed = filled_in(history="Shiny nodule since spring, bleeds.", patient_reference="PC-11/2026")
    files = [(jpeg(seed=seed), f"{seed}.jpg") for seed in range(2)]
    with filled(small_disk, room):
        response = send(gp, files, **typed)
        assert response.status_code == 503
        assert NO_ROOM in error_beside(response.text, "images")
        for value in (typed["history"], typed["patient_reference"], typed["submission_token"]):
            assert value in response.text
        assert count(app) == 0
        assert files_on(small_disk) == set()
    assert send(gp, files, **typed).status_code == 302
    assert len(named_objects(app)) == len(files_on(small_disk)) == 2 * SIZES


def test_new_images_that_find_no_room(app: Flask, small_disk: Path, world: World, sign_in) -> None:
    """The case stays as it was: new images requested, with the old one."""
    gp = world.user(Role.GP)
    number = world.case(gp)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    assert (
        decide(reader, number, management="retake", advice="Sharper, please.", override_reason="-").status_code == 302
    )
    before, client = files_on(small_disk), sign_in(gp)
    with filled(small_disk):
        form = {"images": (io.BytesIO(jpeg(seed=5)), "a.jpg"), "nothing_identifying": "y", "send_anyway": "A test."}
        response = client.submit(f"/cases/{number}/images", form, page=f"/cases/{number}")
        assert response.status_code == 503
        assert NO_ROOM in error_beside(response.text, "images")
    with stored_case(app, number) as case:
        assert (case.state, len(case.images)) == (CaseState.RETAKE_REQUESTED, 1)
    assert files_on(small_disk) == before


def test_heatmaps_that_find_no_room(app: Flask, small_disk: Path, world: World) -> None:
    """The analysis is retried: with room it succeeds, without any the case needs a person."""
    gp = world.user(Role.GP)
    world.case(gp, files=[lesion()])
    work_off(app)
    recovering, lost = world.case(gp, files=[lesion()]), world.case(gp, files=[lesion()])
    before = files_on(small_disk)
    with filled(small_disk):
        work_off(app)
        assert files_on(small_disk) == before
    until_quiet(app)
    for number in (recovering, lost):
        assert_analysed_once(app, number, 1, targets_of(app))
    before, hopeless = files_on(small_disk), world.case(gp, files=[lesion()])
    with filled(small_disk):
        until_quiet(app)
        assert len(files_on(small_disk)) == len(before) + SIZES, "the image in three sizes, and nothing of the attempts"
    with stored_case(app, hopeless) as case:
        assert (case.rank, case.triage_reason) == (2.0, TriageReason.ANALYSIS_FAILED)


@contextmanager
def full_database(app: Flask) -> Iterator[None]:
    """SQLite cannot enlarge its file, as on a full disk."""

    def stop_growing(connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    with app.app_context():
        engine = db.engine
    engine.dispose()
    event.listen(engine, "connect", stop_growing)
    yield
    event.remove(engine, "connect", stop_growing)
    engine.dispose()


def test_a_database_that_finds_no_room(app: Flask, small_disk: Path, world: World, sign_in) -> None:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("only SQLite can be told how large its file may be")
    gp = world.user(Role.GP)
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as in production
    client, waits = sign_in(gp), world.case(gp)
    with full_database(app):
        fitted = 0
        while (answer := send(client, **(typed := filled_in(history="Bleeds. " * 200)))).status_code == 302:
            fitted += 1  # into existing pages
            assert fitted < 20
        assert answer.status_code == 503
        assert "The database is temporarily unavailable" in answer.text
        assert count(app) == 1 + fitted
        assert len(files_on(small_disk)) == SIZES * (1 + fitted)
        work_off(app)
    assert send(client, **typed).status_code == 302
    assert count(app) == 2 + fitted
    until_quiet(app)
    assert_analysed_once(app, waits, 1, targets_of(app))
