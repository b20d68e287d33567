"""The same version everywhere. For the letter see test_letter.py, for /healthz test_health.py."""

import pkgutil
import tomllib

from tests.conftest import ROOT
from webapp.core.version import VERSION


def test_the_footer_of_every_page_says_it(client) -> None:
    assert f"Version {VERSION}." in client.get("/login").text


def test_pyproject_reads_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    place = project["tool"]["setuptools"]["dynamic"]["version"]["attr"]
    module, _, name = place.rpartition(".")
    assert pkgutil.resolve_name(f"{module}:{name}") == VERSION
