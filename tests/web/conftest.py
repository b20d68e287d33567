"""The people most page tests need; a test file that needs others overrides them."""

from collections.abc import Callable

import pytest

from tests.conftest import World
from tests.web_client import CheckedClient
from webapp.cases import letter
from webapp.models import Role

SignIn = Callable[[str], CheckedClient]


@pytest.fixture
def admin(world: World, sign_in: SignIn) -> CheckedClient:
    return sign_in(world.user(Role.ADMIN))


@pytest.fixture
def reader(world: World, sign_in: SignIn) -> CheckedClient:
    """A dermatologist."""
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Reader"))


@pytest.fixture
def gp(world: World) -> str:
    """The email of a GP who can send cases."""
    return world.user(Role.GP)


@pytest.fixture
def letters_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a letter instead of its PDF, which takes a second to draw."""
    monkeypatch.setattr(letter, "_drawn", lambda page, _style: b"%PDF-" + page.encode())
