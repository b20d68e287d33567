"""The queue: priorities through a real SQLite broker, and a broker that is down."""

import pytest
from flask import Flask

from tests.conftest import make_app
from tests.unit.work import analysis_ids, messages, stored, submitted
from webapp.analysis import queue
from webapp.core.config import ConfigurationError, Settings
from webapp.models import AnalysisState, Urgency


def test_urgent_before_fresh_before_rerun(app: Flask) -> None:
    with app.app_context():
        queue.send_all([(1, queue.RERUN), (2, queue.FRESH), (3, queue.URGENT), (4, queue.FRESH), (5, queue.URGENT)])
        assert queue.pending_count() == 5
    assert messages(app) == [3, 5, 2, 4, 1]


def test_an_urgent_case_overtakes_one_that_was_sent_before(app: Flask, world) -> None:
    routine, urgent = submitted(world, urgency=Urgency.SOON), submitted(world, urgency=Urgency.URGENT)
    assert messages(app) == analysis_ids(app, urgent) + analysis_ids(app, routine)


def test_a_rerun_goes_last_however_urgent(app: Flask, world) -> None:
    (analysis_id,) = analysis_ids(app, submitted(world, urgency=Urgency.URGENT))
    with stored(app, analysis_id) as analysis:
        assert queue.priority_of(analysis) == queue.URGENT
        analysis.shadow = True
        assert queue.priority_of(analysis) == queue.RERUN


def test_a_broker_that_is_down_loses_no_case(app: Flask, world, monkeypatch, caplog) -> None:
    def down(*_: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(app.extensions["queue"].huey, "enqueue", down)
    (analysis_id,) = analysis_ids(app, submitted(world))
    with stored(app, analysis_id) as analysis:
        assert analysis.state is AnalysisState.QUEUED
    assert "the sweep will send it" in caplog.text


@pytest.mark.parametrize("url", ["amqp://host", "queue.sqlite", ""])
def test_an_unknown_broker_is_refused_at_the_start(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError, match="QUEUE_URL"):
        make_app(settings.model_copy(update={"queue_url": url}))
