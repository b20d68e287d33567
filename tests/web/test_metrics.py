"""The metrics: shown only with the token, counted where things happen, and about nobody in particular."""

import re

import pytest
from flask import Flask

from tests.conftest import PASSWORD, World, make_app
from tests.web_client import CheckedClient
from webapp import metrics
from webapp.core.access import ACCESS
from webapp.core.config import ConfigurationError, Settings
from webapp.metrics.figures import Figures
from webapp.models import Role

TOKEN = "only-for-the-collector"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"metrics_token": TOKEN})


def figures(client: CheckedClient) -> dict[str, float]:
    """Every sample by name and labels."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"bearer {TOKEN}x"}])
def test_nobody_sees_them_without_the_token(client: CheckedClient, header: dict[str, str]) -> None:
    answer = client.get("/metrics", headers=header)
    assert answer.status_code == 401
    assert "dermtriage_" not in answer.text


def test_an_administrator_is_no_exception(world: World, sign_in) -> None:
    assert sign_in(world.user(Role.ADMIN)).get("/metrics").status_code == 401


def test_without_the_setting_there_is_no_such_page_and_nothing_is_counted(settings: Settings) -> None:
    app = make_app(settings.model_copy(update={"metrics_token": ""}))
    assert app.test_client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404
    assert app.extensions["metrics"] is None


def test_requests_are_counted_by_endpoint_and_not_by_address(client: CheckedClient) -> None:
    for path in ("/login", "/cases/DT-SECRET", "/nowhere/at/all?patient=Jane", "/static/../x"):
        client.get(path)
    client.open("/login", method="PROPFIND")
    found = figures(client)
    assert found['dermtriage_requests_total{endpoint="security.login",method="GET",status="200"}'] == 1
    assert found['dermtriage_requests_total{endpoint="cases.show",method="GET",status="302"}'] == 1
    assert found['dermtriage_request_seconds_count{endpoint="security.login",method="GET"}'] == 1
    assert not [name for name in found if re.search("SECRET|Jane|nowhere|PROPFIND", name)]
    endpoints = {name for line in found for name in re.findall('endpoint="([^"]*)"', line)}
    assert endpoints <= {*ACCESS, "none"}


def test_failed_sign_ins_are_counted(client: CheckedClient, world: World) -> None:
    email = world.user(Role.GP)
    client.submit("/login", {"email": email, "password": "wrong words entirely"})
    client.sign_in(email, PASSWORD)
    assert figures(client)["dermtriage_sign_in_failures_total"] == 1


def test_waiting_images_are_counted(client: CheckedClient, world: World) -> None:
    assert figures(client)["dermtriage_waiting_images"] == 0
    world.case(world.user(Role.GP), images=2)
    found = figures(client)
    assert found["dermtriage_waiting_images"] == 2
    assert found["dermtriage_oldest_waiting_seconds"] >= 0


def test_claims_are_counted_once_they_are_kept(app: Flask, client: CheckedClient, world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    reader.submit(f"/review/{number}/claim", page=f"/review/{number}")
    assert figures(client)['dermtriage_claims_total{how="free"}'] == 1


def test_an_analysis_is_counted_by_stage_and_end(app: Flask, client: CheckedClient, world: World) -> None:
    from tests.unit.work import analysis_ids, submitted
    from webapp.analysis import runner

    number = submitted(world, images=2)
    with app.app_context():
        runner.run_analysis(analysis_ids(app, number)[0])
    found = figures(client)
    for stage in ("wait", "load", "decode", "model", "store"):
        assert found[f'dermtriage_analysis_seconds_count{{stage="{stage}"}}'] == 2, stage
    ends = {name: value for name, value in found.items() if name.startswith("dermtriage_analyses_total")}
    assert sum(ends.values()) == 2
    assert {name.split('"')[1] for name in ends} <= {"bcc", "not bcc", "needs person"}


def test_what_fails_is_counted_as_failed(app: Flask, client: CheckedClient, world: World, monkeypatch) -> None:
    from tests.unit.work import analysis_ids, submitted
    from webapp.analysis import runner

    def bug(*_: object) -> object:
        raise RuntimeError

    monkeypatch.setattr(runner, "analyse", bug)
    (analysis_id,) = analysis_ids(app, submitted(world))
    with app.app_context():
        runner.run_analysis(analysis_id)
    assert figures(client)['dermtriage_analyses_total{outcome="failed"}'] == 1


def test_a_stage_that_fails_is_not_timed(app: Flask) -> None:
    with app.app_context(), pytest.raises(ValueError, match="broken"), metrics.stage("load"):
        raise ValueError("broken")
    with app.app_context():
        assert b'stage="load"' not in app.extensions["metrics"].written_out()


@pytest.mark.parametrize(
    "environ",
    [{"METRICS_TOKEN": "short"}, {"METRICS_BIND": "0.0.0.0:9101"}, {"METRICS_TOKEN": TOKEN, "METRICS_BIND": "9101"}],
)
def test_settings_that_would_show_them_to_everybody_are_refused(tmp_path, environ: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="METRICS_"):
        Settings.from_environment({"INSTANCE_DIR": str(tmp_path), **environ})


def test_the_token_is_in_no_representation(settings: Settings) -> None:
    assert TOKEN not in repr(settings)


def test_two_applications_count_apart() -> None:
    one, other = Figures(lambda: (0, None)), Figures(lambda: (0, None))
    one.sign_in_failures.inc()
    assert one.sign_in_failures is not other.sign_in_failures
