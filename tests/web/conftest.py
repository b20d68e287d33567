"""The people whom most tests of the pages need; a test file that needs others names its own."""

from collections.abc import Callable

import pytest

from tests.conftest import World
from tests.web_client import CheckedClient
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
    """The e-mail of a GP, for cases that come from somewhere."""
    return world.user(Role.GP)
