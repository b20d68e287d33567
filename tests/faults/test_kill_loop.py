"""A worker or a web process is killed at every step of its work; no case is lost, stuck or duplicated.

Under ``make test`` after each lasting step: between two of these a kill leaves the same state. With FAULTS=all
(``make test-faults``) also where any function of the program begins or ends, and around each statement.
"""

import io
import logging
import os
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import World
from tests.faults.killing import Step, killed_at, steps_of
from tests.faults.working import (
    SIZES,
    assert_analysed_once,
    numbers,
    targets_of,
    unnamed_files,
    until_quiet,
    work_off,
)
from tests.images import jpeg, lesion
from tests.web.helpers import filled_in
from tests.web_client import CheckedClient
from webapp.models import Role

log = logging.getLogger(__name__)

EVERY_STEP = os.environ.get("FAULTS") == "all"
IMAGES = 2


def chosen(steps: list[Step]) -> list[Step]:
    """Every lasting step; with FAULTS=all also the first and last occurrence of every other step."""
    if not EVERY_STEP:
        return [step for step in steps if step.lasting]
    last = {step.name: step.nth for step in steps}
    return [step for step in steps if step.lasting or step.nth in (1, last[step.name])]


class Form:
    """A GP's filled-in form, which can be sent more than once."""

    def __init__(self, client: CheckedClient) -> None:
        self._client = client
        self._fields = {"csrf_token": client.token("/cases/new"), **filled_in()}
        self.token = self._fields["submission_token"]

    def send(self) -> None:
        images = [(io.BytesIO(jpeg(seed=seed)), f"{seed}.jpg") for seed in range(IMAGES)]
        response = self._client.post("/cases/new", data={**self._fields, "images": images})
        assert response.status_code == 302, response.text


def assert_most_were_killed(killed: int, steps: list[Step]) -> None:
    """Not every run reaches every step: a folder of the store, for example, is made only once."""
    assert killed >= 0.8 * len(steps) >= 6
    log.info("%d processes were killed, at %d steps", killed, len(steps))


@pytest.fixture
def gp(app: Flask, world: World) -> str:
    """With an earlier analysed case, so that this process has loaded everything the killed ones need."""
    gp = world.user(Role.GP)
    world.case(gp)
    work_off(app)
    return gp


@pytest.fixture
def targets(app: Flask, gp: str) -> set[str]:
    return targets_of(app)


@pytest.mark.control("H3.2")
def test_a_worker_killed_at_any_step(app: Flask, world: World, gp: str, targets: set[str], tmp_path: Path) -> None:
    world.case(gp, files=[lesion()])
    steps = chosen(steps_of(app, lambda: work_off(app), tmp_path / "steps"))
    killed = 0
    for step in steps:
        number, before = world.case(gp, files=[lesion()]), unnamed_files(app)
        killed += killed_at(app, lambda: work_off(app), step)
        until_quiet(app)
        assert_analysed_once(app, number, 1, targets)
        assert len(unnamed_files(app) - before) <= len(targets), "at most the heatmaps of the analysis that was killed"
    assert_most_were_killed(killed, steps)


@pytest.mark.control("H3.2")
def test_a_web_process_killed_at_any_step(app: Flask, gp: str, targets: set[str], sign_in, tmp_path: Path) -> None:
    client = sign_in(gp)
    steps = chosen(steps_of(app, Form(client).send, tmp_path / "steps"))
    killed = 0
    for step in steps:
        form, before = Form(client), unnamed_files(app)
        killed += killed_at(app, form.send, step)
        form.send()
        (number,) = numbers(app, form.token)
        until_quiet(app)
        assert_analysed_once(app, number, IMAGES, targets)
        assert len(unnamed_files(app) - before) <= SIZES * IMAGES, "at most the files of the form that was killed"
    assert_most_were_killed(killed, steps)
