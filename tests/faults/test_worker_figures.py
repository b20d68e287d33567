"""The real worker serves the metrics of all its processes, to clients with the token."""

import urllib.error
import urllib.request

import pytest
from flask import Flask
from sqlalchemy import select

from tests.browser.program import free_port
from tests.conftest import World
from tests.faults.processes import wait_until, worker
from tests.patience import PATIENCE
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Role

TOKEN = "only-for-the-collector"


def test_the_worker_shows_its_analyses(app: Flask, world: World, monkeypatch) -> None:
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("METRICS_TOKEN", TOKEN)
    monkeypatch.setenv("METRICS_BIND", address)
    world.case(world.user(Role.GP), images=2)

    def figures(token: str) -> str:
        request = urllib.request.Request(f"http://{address}/", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    with worker(app):
        wait_until(app, lambda: set(db.session.scalars(select(Analysis.state))) == {AnalysisState.DONE})
        # Counted by the analysing process, served by the scheduling one.
        wait_until(app, lambda: 'dermtriage_analysis_seconds_count{stage="store"} 2.0' in figures(TOKEN))
        assert "dermtriage_waiting_images 0.0" in figures(TOKEN)
        with pytest.raises(urllib.error.HTTPError, match="401"):
            figures("wrong")
