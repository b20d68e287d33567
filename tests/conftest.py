"""Shared by all tests of the web application: a migrated database, an application, people and cases.

TEST_DATABASE_URL runs the suite on that database (PostgreSQL) instead of SQLite; it is emptied before each test.
TEST_REDIS_URL names a Redis for the tests of brokers. TEST_S3_URL, such as
``s3://test-{worker}?endpoint=http://127.0.0.1:9000&region=us-east-1``, keeps the images of every test in that bucket,
which must exist, each test under its own prefix; credentials come from the AWS_… variables. If pytest-xdist runs
several workers, each needs its own: {worker} in these addresses is the worker's number.
"""

import hashlib
import io
import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hypothesis
import pytest
from flask import Flask
from flask_security.utils import hash_password
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import Engine, event, insert

from ml.patterns import Modality
from tests.cards import THRESHOLDS, card, found
from tests.images import jpeg
from tests.web_client import CheckedClient, new_client
from webapp import create_app
from webapp.analysis import results
from webapp.analysis.results import Outcome
from webapp.audit.chain import GENESIS
from webapp.cases import service as cases
from webapp.cases import uploads
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import AnalysisState, AuditHead, BodySite, Case, Centre, Role, User, utcnow
from webapp.storage.store import store_of
from webapp.triage import rank

PASSWORD = "four unrelated clinic words"
CHEAP_HASHING = {"argon2__time_cost": 1, "argon2__memory_cost": 8, "argon2__parallelism": 1}
"""Hundreds of tests sign in; the cost of a real password hash has its own test."""
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
TOUCHES_A_DATABASE = {"app", "settings", "program"}
FIRST_ENGINE: dict[str, Engine] = {}
ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"


def server(variable: str) -> str | None:
    """The address in the environment variable, None if unset."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return os.environ.get(variable, "").replace("{worker}", worker) or None


def make_settings(folder: Path, **changes: object) -> Settings:
    environ = {"INSTANCE_DIR": str(folder), "HTTPS": "0", "SECOND_FACTOR": "0"}
    if database := server("TEST_DATABASE_URL"):
        environ["DATABASE_URL"] = database
    if bucket := server("TEST_S3_URL"):
        prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        environ["STORAGE_URL"] = urlsplit(bucket)._replace(path=f"/{prefix}").geturl()
    return Settings.from_environment(environ).model_copy(update=changes)


def make_app(settings: Settings) -> Flask:
    app = create_app(settings)
    store_of(app).settle([])
    app.config.update(TESTING=True)
    app.extensions["security"].pwd_context.update(**CHEAP_HASHING)
    app.test_client_class = CheckedClient
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache()
    with app.app_context():
        _compile_once(db.engine)
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "connect", _in_a_hurry)
    return app


def _compile_once(engine: Engine) -> None:
    """Compiled statements are cached per engine, and each test has its own engine: share them."""
    first = FIRST_ENGINE.setdefault(str(engine.url.drivername), engine)
    engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache


def _in_a_hurry(connection: sqlite3.Connection, _record: object) -> None:
    """No power cut during a test, so no commit needs to wait for the disk."""
    connection.execute("PRAGMA synchronous=OFF")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On servers the suite runs a second time: tests without an application need not."""
    if server("TEST_DATABASE_URL"):
        again = [item for item in items if TOUCHES_A_DATABASE & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=[item for item in items if item not in again])
        items[:] = again


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A test that passed only when it was run again is worth knowing about."""
    rerun = terminalreporter.stats.get("rerun", [])
    if rerun:
        terminalreporter.section("run again after a time-out")
        for report in rerun:
            terminalreporter.line(report.nodeid)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder whose database was upgraded once, by the real migrations."""
    from flask_migrate import upgrade

    folder = tmp_path_factory.mktemp("migrated")
    app = make_app(make_settings(folder))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    return folder


@pytest.fixture
def instance(migrated: Path, tmp_path: Path) -> Path:
    """A fresh copy of it for one test."""
    folder = tmp_path / "instance"
    shutil.copytree(migrated, folder)
    return folder


@pytest.fixture
def settings(instance: Path) -> Settings:
    return make_settings(instance)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = make_app(settings)
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            _empty_database()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def another() -> Iterator[Callable[[Settings], Flask]]:
    """Makes applications with other settings than ``app``; their connections are closed afterwards."""
    made: list[Flask] = []

    def another(settings: Settings) -> Flask:
        made.append(make_app(settings))
        return made[-1]

    yield another
    for app in made:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _empty_database() -> None:
    """On PostgreSQL. For nearly empty tables TRUNCATE takes a hundred times as long."""
    tables = db.metadata.sorted_tables
    counted = [table.name for table in tables if "id" in table.c and table.c.id.autoincrement]
    restarts = ", ".join(f"setval(pg_get_serial_sequence('\"{name}\"', 'id'), 1, false)" for name in counted)
    with db.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # no trigger, no foreign key
        connection.exec_driver_sql("; ".join(f'DELETE FROM "{table.name}"' for table in tables))
        connection.exec_driver_sql(f"SELECT {restarts}")
        connection.execute(insert(AuditHead).values(id=1, count=0, last_id=0, digest=GENESIS))


@pytest.fixture
def client(app: Flask) -> CheckedClient:
    return new_client(app)


class World:
    """Makes people and cases with as few arguments as a test needs, each call in its own transaction."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context():
            self._hash = hash_password(PASSWORD)

    def centre(self, name: str = "Test Centre A") -> int:
        with self.app.app_context(), transaction() as session:
            known = session.query(Centre).filter_by(name=name).one_or_none()
            centre = known or Centre(name=name)
            session.add(centre)
            session.flush()
            return int(centre.id)

    def user(self, role: Role, name: str | None = None, centre: str = "Test Centre A", active: bool = True) -> str:
        """Create an account with PASSWORD; returns its email."""
        email = f"{uuid.uuid4().hex[:10]}@test.example"
        centre_id = self.centre(centre) if role is Role.GP else None
        with self.app.app_context(), transaction() as session:
            session.add(
                User(
                    email=email,
                    name=name or f"Test {role.label}",
                    role=role,
                    centre_id=centre_id,
                    password=self._hash,
                    active=active,
                    fs_uniquifier=uuid.uuid4().hex,
                    joined_at=utcnow(),
                )
            )
        return email

    def case(self, gp: str, *, images: int = 1, files: Sequence[bytes] = (), **facts: Any) -> str:
        """Submit a case whose images, or ``files``, wait for analysis; returns its number."""
        new = cases.NewCase(
            submission_token=str(uuid.uuid4()),
            patient_reference=str(facts.pop("patient_reference", "TEST-1")),
            body_site=BodySite.BACK,
            **facts,
        )
        given = [*files] or [jpeg(seed=i) for i in range(images)]
        with self.app.app_context():
            clean = uploads.clean_images([(f"Image {i + 1}", io.BytesIO(data).read) for i, data in enumerate(given)])
        with self.app.app_context(), transaction() as session:
            user = session.query(User).filter_by(email=gp).one()
            return cases.submit(user, new, uploads.store(clean)).number

    def analyse(
        self, number: str, probability: float | None = 0.2, melanoma: float = 0.0, scc: float = 0.0, **changes: Any
    ) -> None:
        """Give every waiting image of a case a finished analysis, as a worker would, without running a model."""
        self.finish(number, replace(outcome(probability, melanoma, scc), **changes))

    def finish(self, number: str, result: Outcome, most: int | None = None) -> None:
        """The same with this result, or only the first ``most`` of them."""
        store = store_of(self.app)
        with self.app.app_context(), transaction() as session:
            case = session.query(Case).filter_by(number=number).one()
            waiting = [image.analyses[-1] for image in case.images]
            for analysis in [one for one in waiting if one.state is not AnalysisState.DONE][:most]:
                analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.RUNNING, "test", 1
                session.flush()
                assert results.finish(analysis.id, "test", results.stored(result, store))

    def refresh(self, number: str) -> None:
        with self.app.app_context(), transaction() as session:
            rank.refresh(session.query(Case).filter_by(number=number).one())


def outcome(probability: float | None, melanoma: float = 0.0, scc: float = 0.0) -> Outcome:
    """What a worker would store, without patterns; ``probability`` None: the model gave no usable result."""
    cancers = {} if probability is None else {"BCC": probability, "MEL": melanoma, "SCC": scc}
    present = probability is not None and probability >= THRESHOLDS["BCC"]
    return Outcome(
        model_name="test-model",
        weights_sha256="0" * 64,
        card=card(),
        preprocessing="test-1",
        bcc_probability=probability,
        bcc=None if probability is None else present,
        needs_person=probability is None,
        modality=None if probability is None else Modality.DERMOSCOPIC,
        reasons=[{"code": "x", "message": "The model gave no usable answer."}] if probability is None else [],
        lesion={} if probability is None else {"bcc": probability, "nv": 1 - probability},
        region={"left": 0, "top": 0, "size": 100},
        findings=[found(code, p) for code, p in cancers.items()],
    )


@pytest.fixture
def world(app: Flask) -> World:
    return World(app)


@pytest.fixture
def sign_in(app: Flask) -> Callable[[str], CheckedClient]:
    """A new browser, signed in to the account."""

    def sign_in(email: str) -> CheckedClient:
        client = new_client(app)
        client.sign_in(email, PASSWORD)
        return client

    return sign_in
