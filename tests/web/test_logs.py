"""The log says what happened to which request and analysis, and nothing about a patient."""

import io
import json
import logging
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tests.conftest import ROOT, World
from tests.images import jpeg
from tests.unit.work import analysis_ids
from tests.web.helpers import counted_queries, image_ids, number_of, send, stored_case
from tests.web.reading import decide, take
from webapp.analysis import runner
from webapp.cases import queries
from webapp.core import logs
from webapp.core.config import ConfigurationError, Settings
from webapp.core.extensions import db
from webapp.models import Role
from webapp.storage.errors import StorageError
from webapp.storage.store import store_of

MARKER = "XMARKERX"
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the program writes with every logger at its most verbose."""
    stream, root = io.StringIO(), logging.getLogger()
    known = [root, *(item for item in root.manager.loggerDict.values() if isinstance(item, logging.Logger))]
    levels = [(logger, logger.level) for logger in known]
    handler = logs.QuietHandler("json", stream)
    for logger in known:
        logger.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)


@pytest.fixture
def lines(stream: io.StringIO) -> Lines:
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def requests(lines: Lines, endpoint: str) -> list[dict[str, Any]]:
    return [line for line in lines() if line["message"] == "request" and line["endpoint"] == endpoint]


def fail_with_marker(*_args: object, **_more: object) -> None:
    """Fails as a bug might: with an exception that quotes its input, after a failed statement with that input."""
    try:
        db.session.execute(text("SELECT :given FROM no_such_table"), {"given": MARKER})
    except SQLAlchemyError as error:
        raise RuntimeError(f"cannot use {MARKER}") from error


def test_no_word_of_a_patient_in_a_whole_case(app: Flask, world: World, sign_in, stream, lines, monkeypatch) -> None:
    gp, reader = sign_in(world.user(Role.GP)), sign_in(world.user(Role.DERMATOLOGIST))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    words = {
        "patient_reference": f"{MARKER}-1",
        "history": f"{MARKER} history",
        "clinical_question": f"{MARKER} question",
    }
    number = number_of(send(gp, [(jpeg(), f"{MARKER}.jpg")], **words))
    assert send(gp, [(MARKER.encode(), f"{MARKER}-bad.jpg")], **words).status_code == 422
    assert gp.get(f"/cases/?q={MARKER}").status_code == 200
    assert gp.get(f"/{MARKER}").status_code == 404
    assert gp.get(f"/cases/{MARKER}").status_code == 404

    def analyse(*_: object) -> None:
        raise ValueError(f"{MARKER} in the file")

    monkeypatch.setattr(runner, "analyse", analyse)
    with app.app_context():
        runner.run_analysis(analysis_ids(app, number)[0])
    take(reader, number)
    reader.get(f"/review/{number}")
    reader.get(f"/media/images/{image_ids(app, number)[0]}")
    assert decide(reader, number, advice=f"{MARKER} advice", override_reason=f"{MARKER} why").status_code == 302
    gp.get(f"/cases/{number}")
    histology = {"result": "bcc", "remark": f"{MARKER} histology"}
    assert gp.submit(f"/histology/{number}", histology, page=f"/cases/{number}").status_code in (200, 302)
    with stored_case(app, number) as case:
        assert MARKER in case.history
        assert MARKER in case.reviews[0].advice
        assert MARKER in case.histologies[0].remark
    monkeypatch.setattr(queries, "page", fail_with_marker)
    failed = gp.get(f"/cases/?q={MARKER}")
    assert failed.status_code == 500
    monkeypatch.setattr(queries, "find", fail_with_marker)
    assert gp.get(f"/cases/{MARKER}").status_code == 500
    assert MARKER not in stream.getvalue()

    told = {line["message"] for line in lines()}
    assert {"the request failed", "the analysis failed"} <= told, "what failed is in the log all the same"


def test_a_failure_is_told_by_types_and_places(app: Flask, world: World, sign_in, lines: Lines, monkeypatch) -> None:
    gp = sign_in(world.user(Role.GP))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(queries, "page", fail_with_marker)
    page = gp.get("/cases/", headers={"X-Request-ID": "from-the-proxy-1"})
    (line,) = (line for line in lines() if line["message"] == "the request failed")
    outer, inner = line["errors"][:2]
    assert (line["level"], line["endpoint"], outer["type"]) == ("ERROR", "cases.index", "RuntimeError")
    assert inner["type"].startswith("sqlalchemy.exc.")
    assert "message" not in outer
    assert any(re.fullmatch(r"webapp/cases/routes\.py:\d+ _list", frame) for frame in outer["frames"])
    assert line["request"] == page.headers["X-Request-ID"] == "from-the-proxy-1"
    assert "<code>from-the-proxy-1</code>" in page.text, "what a user can quote"


def test_each_request_is_one_line(app: Flask, world: World, sign_in, lines: Lines) -> None:
    email = world.user(Role.GP)
    gp = sign_in(email)
    answer = gp.get("/cases/?q=x")
    (line,) = requests(lines, "cases.index")
    assert (line["method"], line["status"], line["level"]) == ("GET", 200, "INFO")
    assert isinstance(line["user"], int)
    assert line["ms"] >= 0
    assert line["request"] == answer.headers["X-Request-ID"]
    gp.get("/nowhere")
    (missing,) = requests(lines, "-")
    assert missing["status"] == 404
    app.test_client().get("/login")
    assert requests(lines, "security.login")[-1]["user"] is None


def test_the_access_line_asks_the_database_nothing(app: Flask, world: World, sign_in, monkeypatch) -> None:
    gp = sign_in(world.user(Role.GP))
    gp.get("/help")
    with counted_queries(app) as with_line:
        gp.get("/help")
    monkeypatch.setattr(logs, "_user_id", lambda: None)
    with counted_queries(app) as without_user:
        gp.get("/help")
    assert with_line == without_user


@pytest.mark.parametrize("given", ["short", "x" * 65, "two words", "a" * 10 + "\u00e9", "<script>1</script>", ""])
def test_a_request_id_that_is_not_well_formed_is_replaced(client, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given.encode("utf-8").decode("latin-1")})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["X-Request-ID"])


def test_lines_of_a_worker_carry_the_analysis(app: Flask, world: World, lines: Lines, monkeypatch) -> None:
    number = world.case(world.user(Role.GP))
    (analysis_id,) = analysis_ids(app, number)
    monkeypatch.setattr(store_of(app).blobs, "read", lambda _key: b"damaged")
    with app.app_context():
        runner.run_analysis(analysis_id)
    (line,) = (line for line in lines() if line["logger"] == "webapp.analysis.runner")
    assert line["analysis"] == analysis_id
    assert "is damaged" in line["message"], "our own storage error says what is wrong"


def test_of_a_library_only_warnings_and_their_numbers(stream: io.StringIO, lines: Lines) -> None:
    library = logging.getLogger("some.library")
    library.setLevel(logging.DEBUG)
    library.info("working on %s", MARKER)
    library.warning("%s failed %d times", MARKER, 3, extra={"input": MARKER})
    library.error("%(what)s failed", {"what": MARKER})
    assert [line["message"] for line in lines()] == ["<str> failed 3 times", "<str> failed"]
    assert MARKER not in stream.getvalue()


def test_of_an_exception_in_a_line_only_what_our_own_say(stream: io.StringIO, lines: Lines) -> None:
    ours = logging.getLogger("webapp.test")
    ours.error("%s and %s", StorageError("object x is missing"), ValueError(MARKER))
    assert lines()[0]["message"] == "object x is missing and ValueError"


def test_a_line_that_cannot_be_written_prints_no_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logs.QuietHandler("json", io.StringIO())
    handler.stream.close()
    logger = logging.getLogger("webapp.closed")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("%s", MARKER)
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    printed = capsys.readouterr().err
    assert "could not be written" in printed
    assert MARKER not in printed


def test_a_database_error_hides_its_parameters(app: Flask) -> None:
    with app.app_context(), pytest.raises(RuntimeError) as failed:
        fail_with_marker()
    assert MARKER not in str(failed.value.__cause__)


def test_text_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    handler = logs.QuietHandler("text", stream)
    try:
        raise StorageError("object x is missing")
    except StorageError:
        record = logging.LogRecord("webapp.x", logging.ERROR, "", 0, "it failed", None, sys.exc_info())
    with logs.about(analysis=7):
        handler.handle(record)
    assert "ERROR webapp.x: it failed analysis=7" in stream.getvalue()
    assert "webapp.storage.errors.StorageError: object x is missing\n" in stream.getvalue()
    assert "test_logs.py" in stream.getvalue()


@pytest.mark.parametrize("name", sorted(logs.TELLABLE))
def test_what_may_be_told_exists(name: str) -> None:
    found = pkgutil.resolve_name(name)
    assert f"{found.__module__}.{found.__qualname__}" == name


@pytest.mark.parametrize(("name", "value"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud")])
def test_a_log_setting_that_is_unknown_is_refused(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Settings.from_environment({"INSTANCE_DIR": str(tmp_path), name: value})


def test_the_production_entry_writes_json_to_standard_error(settings: Settings) -> None:
    """In its own process, as a server starts it."""
    environ = {**os.environ, "INSTANCE_DIR": str(settings.instance_dir), "DATABASE_URL": settings.database_url}
    environ["TRUSTED_HOSTS"] = "localhost"
    script = "import wsgi; wsgi.app.test_client().get('/nowhere?q=secret')"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["message"], line["status"]) == ("request", 404)
    assert "secret" not in done.stderr
