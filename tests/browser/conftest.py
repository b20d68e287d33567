"""The real program, a real browser, and people who use both. SCREENSHOTS=folder keeps a screenshot of every page."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from tests.browser.browsers import ARGUMENTS, MISSING, executable
from tests.browser.checks import HEIGHT, WIDTHS, Troubles
from tests.browser.clinic import Clinic
from tests.browser.people import Admin, Dermatologist, Gp, Person
from tests.browser.program import Program
from tests.conftest import make_app, server
from tests.patience import PATIENCE
from webapp.core.config import Settings
from webapp.models import Role

KINDS = {Role.ADMIN: Admin, Role.GP: Gp, Role.DERMATOLOGIST: Dermatologist}
PATIENCE_MS = PATIENCE * 1000
expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Headless Chromium occasionally stops painting, and the test times out: it is then run again."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["TimeoutError"]))


@pytest.fixture(scope="session")
def browser_type_launch_args(playwright: Playwright, pytestconfig: pytest.Config) -> dict[str, Any]:
    found = executable(playwright.chromium.executable_path)
    if found is None:
        pytest.skip(MISSING)
    return {"executable_path": found, "args": ARGUMENTS, "headless": not pytestconfig.getoption("--headed")}


@pytest.fixture(scope="session")
def program(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Started once, on the servers of tests.conftest if any are named; the browser comes first, so that nothing is
    started without one."""
    servers = {"DATABASE_URL": server("TEST_DATABASE_URL"), "QUEUE_URL": server("TEST_REDIS_URL")}
    program = Program(tmp_path_factory.mktemp("program"), **{name: url for name, url in servers.items() if url})
    if url := servers["DATABASE_URL"]:
        empty(url)
    program.start()
    yield program
    assert program.stop() == 0, program.log.read_text()


def empty(url: str) -> None:
    """Remove what earlier tests left on PostgreSQL; the program creates its tables itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


@pytest.fixture(scope="session")
def clinic(program: Program) -> Iterator[Clinic]:
    app = make_app(Settings.from_environment(program.settings))
    clinic = Clinic(app)
    yield clinic
    clinic.let_go()


Arrive = Callable[..., Any]


@pytest.fixture
def arrive(browser: Browser, program: Program) -> Iterator[Arrive]:
    """Somebody at a new browser: ``arrive(Gp)``; afterwards no page may have complained."""
    contexts: list[BrowserContext] = []
    people: list[Person] = []

    def arrive(kind: type[Person] = Person, **options: Any) -> Person:
        size = {"width": WIDTHS[0], "height": HEIGHT}
        still = {"reduced_motion": "reduce"}  # no measuring in the middle of a colour transition
        settings = {"base_url": program.url, "viewport": size} | still | options
        context = browser.new_context(**settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        person = kind(context.new_page(), Troubles())
        person.troubles.watch(person.page)
        people.append(person)
        return person

    yield arrive
    for context in contexts:
        context.close()
    for person in people:
        person.troubles.none_so_far()


@pytest.fixture(scope="session")
def known() -> dict[str, Any]:
    """The cookies of accounts that have signed in."""
    return {}


@pytest.fixture
def enter(arrive: Arrive, clinic: Clinic, known: dict[str, Any]) -> Arrive:
    """Somebody with an account, already signed in: ``enter(Role.GP, email)``."""

    def enter(role: Role, email: str, **options: Any) -> Person:
        if email not in known:
            known[email] = arrive(KINDS[role]).sign_in(email).page.context.storage_state()
        return arrive(KINDS[role], storage_state=known[email], **options)

    return enter


@pytest.fixture(scope="session")
def gp(clinic: Clinic) -> str:
    return clinic.user(Role.GP, "Test GP", centre="Browser Centre")


@pytest.fixture(scope="session")
def dermatologist(clinic: Clinic) -> str:
    return clinic.user(Role.DERMATOLOGIST, "Test Dermatologist")


@pytest.fixture(scope="session")
def admin(clinic: Clinic) -> str:
    return clinic.user(Role.ADMIN, "Test Administrator")
