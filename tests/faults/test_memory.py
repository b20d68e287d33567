"""However large the images, the web process stays below 400 MB and the worker below 600, and neither keeps them."""

import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests.browser.program import descendants
from tests.conftest import World
from tests.faults.processes import wait_until, worker
from tests.faults.strangers import Person, WebServer, web_server
from tests.faults.weights import hollow_webp, limits, peak, present, saved, telephone
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Image, Role
from webapp.storage.store import store_of

WEB, WORKER = 400, 600
"""Megabytes."""
PROCESSES = 2
"""WEB_CONCURRENCY in deploy/."""
LEFT_BEHIND = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc"),
]


@pytest.fixture
def server(app: Flask, tmp_path: Path) -> Iterator[WebServer]:
    with web_server(app, tmp_path) as server:
        yield server


@pytest.fixture
def gp(server: WebServer, world: World) -> Person:
    person = Person(server.port)
    assert person.sign_in(world.user(Role.GP)) == 302
    assert person.send_case([saved(600, 450, "JPEG")]) == 302
    return person


UPLOADS: dict[str, tuple[int, Sequence[bytes]]] = {}


def uploads() -> dict[str, tuple[int, Sequence[bytes]]]:
    """(expected status, files) by name; made on first use, which takes seconds."""
    if not UPLOADS:
        progressive = {"progressive": True}
        UPLOADS.update(
            {
                "36 bytes of WebP": (422, [hollow_webp()] * 6),
                "from a telephone": (302, [telephone()] * 2),
                "progressive": (302, [telephone(**progressive)]),
                "every coefficient": (422, [telephone(**progressive, subsampling=0)]),
                "the largest that stays whole": (302, [telephone(5400, 5400)]),
                "WebP": (302, [saved(4032, 3024, "WEBP", quality=90)]),
                "large WebP": (422, [saved(8064, 6048, "WEBP", quality=50, method=0)]),
                "PNG": (302, [saved(4032, 3024, "PNG", compress_level=1)]),
            }
        )
    return UPLOADS


def test_no_upload_makes_the_web_process_large(server: WebServer, gp: Person) -> None:
    usual = present(server.process)
    for name, (expected, files) in uploads().items():
        assert gp.send_case(files) == expected, name
        print(f"{name}: peak {peak(server.process)} MB, afterwards {present(server.process)} MB")
        assert peak(server.process) < WEB, name
        assert present(server.process) < usual + LEFT_BEHIND, name
    together = peak(server.master.pid) + PROCESSES * peak(server.process)
    assert together < min(limits("web").values()), "what deploy/ allows two processes at their worst moment"


def test_several_at_once_take_turns(server: WebServer, gp: Person, world: World) -> None:
    people = [Person(server.port) for _ in range(4)]
    for person in people:
        person.sign_in(world.user(Role.GP))
    files, answers = [telephone()], []
    threads = [threading.Thread(target=lambda p=p: answers.append(p.send_case(files))) for p in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {302, 503}, "accepted, or deferred in words"
    assert 302 in answers
    assert peak(server.process) < WEB


def test_no_image_makes_the_worker_large(app: Flask, world: World) -> None:
    """Also not one of 50 megapixels that an earlier version kept whole."""
    world.case(world.user(Role.GP), images=4)
    large = saved(8192, 6144, "JPEG", quality=95, subsampling=0)
    with app.app_context(), transaction() as session:
        for image in session.scalars(select(Image)):
            image.key = store_of(app).put(large)

    def states() -> set[AnalysisState]:
        return set(db.session.scalars(select(Analysis.state)))

    with worker(app) as process:
        wait_until(app, lambda: states() <= {AnalysisState.DONE, AnalysisState.FAILED})
        peaks = [peak(pid) for pid in [process.pid, *descendants(process.pid)]]
        resting = max(present(pid) for pid in descendants(process.pid))
    with app.app_context():
        assert states() == {AnalysisState.DONE}
        db.session.remove()
    print(f"worker: peaks {peaks} MB, at rest {resting} MB")
    assert max(peaks) < WORKER
    assert sum(peaks) < min(limits("worker").values()), "what deploy/ allows"
    assert resting < 300
