"""The program's own files: kept for good under the hash of their content, compressed ahead; pages never compressed."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import brotli
import pytest
from flask import Flask, url_for

from tests.conftest import ROOT, World
from tests.web_client import CheckedClient
from webapp.core import assets, packing
from webapp.models import Role

TEXT = b".case { color: teal }\n" * 50
FOR_GOOD = "public, max-age=31536000, immutable"
CODINGS = ("br", "gzip", "")
UNPACK = {"br": brotli.decompress, "gzip": gzip.decompress}


@pytest.fixture
def style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A style sheet of two files in a folder of static files, compressed as on a server."""
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    monkeypatch.setattr(assets, "PACKED", tmp_path / "packed")
    path = tmp_path / "css" / "case.css"
    path.parent.mkdir()
    path.write_bytes(TEXT)
    (tmp_path / "short.js").write_bytes(b"0")
    packing.pack()
    return path


@pytest.fixture
def address(app: Flask, style: Path) -> str:
    with app.test_request_context():
        return url_for("static", filename="css/case.css")


def test_every_file_that_a_page_names_is_kept_for_good(world: World, sign_in) -> None:
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', reader.get("/review/").text))
    assert len(named) > 10
    for name in named:
        assert re.fullmatch(r"/static/[\w/.-]+\.[0-9a-f]{16}\.(css|js|svg)", name)
        response = reader.get(name, buffered=True)
        assert (response.status_code, response.headers["Cache-Control"]) == (200, FOR_GOOD)
        assert "Set-Cookie" not in response.headers
        assert response.headers.getlist("Vary") == ["Accept-Encoding"], "another sign-in needs no other copy"


@pytest.mark.parametrize("name", ["css/case.css", "css/case.0123456789abcdef.css"])
def test_a_name_without_the_present_hash_gets_the_present_file_but_not_to_keep(client, style: Path, name: str) -> None:
    """While a new release is rolled out, a page of the old one may ask a process of the new."""
    response = client.get(f"/static/{name}", buffered=True)
    assert (response.data, response.headers["Cache-Control"]) == (TEXT, "no-cache")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("*", "br"),
        ("zstd", None),
        ("identity", None),
        ("", None),
    ],
)
def test_it_is_sent_as_the_browser_prefers(client, address: str, accepted: str, coding: str | None) -> None:
    response = client.get(address, headers={"Accept-Encoding": accepted}, buffered=True)
    assert response.headers.get("Content-Encoding") == coding
    assert response.headers.getlist("Vary") == ["Accept-Encoding"]
    assert response.mimetype == "text/css"
    assert int(response.headers["Content-Length"]) == len(response.data)
    assert UNPACK.get(str(coding), bytes)(response.data) == TEXT
    assert coding is None or len(response.data) < len(TEXT) / 4


def test_what_the_browser_has_is_not_sent_again_and_no_two_codings_are_mistaken(client, address: str) -> None:
    tags = {client.get(address, headers={"Accept-Encoding": one}, buffered=True).headers["ETag"] for one in CODINGS}
    assert len(tags) == 3
    for tag in tags:
        answers = [
            client.get(address, headers={"Accept-Encoding": one, "If-None-Match": tag}, buffered=True).status_code
            for one in CODINGS
        ]
        assert sorted(answers) == [200, 200, 304]


def test_a_changed_file_has_another_name_and_never_an_outdated_copy(
    app: Flask, client, style: Path, address: str
) -> None:
    style.write_bytes(b"b" + TEXT)
    with app.test_request_context():
        fresh = url_for("static", filename="css/case.css")
    assert fresh != address
    response = client.get(fresh, headers={"Accept-Encoding": "br"}, buffered=True)
    assert (response.data, response.headers.get("Content-Encoding")) == (b"b" + TEXT, None)
    before = set(assets.PACKED.iterdir())
    packing.pack()
    assert len(before & set(assets.PACKED.iterdir())) == 0
    assert client.get(fresh, headers={"Accept-Encoding": "br"}, buffered=True).headers["Content-Encoding"] == "br"


def test_a_copy_that_is_not_smaller_is_not_made(client, style: Path) -> None:
    assert {copy.suffixes[0] for copy in assets.PACKED.iterdir()} == {".css"}
    assert client.get("/static/short.js", headers={"Accept-Encoding": "br"}, buffered=True).data == b"0"


@pytest.mark.parametrize(
    "name", ["../app.py", "css/../../app.py", "css", "css/nothing.css", "/etc/passwd", "%2e%2e/app.py"]
)
def test_nothing_outside_the_folder_is_served(client, style: Path, name: str) -> None:
    (style.parents[2] / "app.py").write_text("secret")
    response = client.get(f"/static/{name}", buffered=True)
    assert response.status_code in (404, 308)
    assert "secret" not in response.text


def test_no_page_is_ever_compressed(world: World, sign_in) -> None:
    """Typed text and the form's token side by side, compressed, would tell the token by their length (BREACH)."""
    client: CheckedClient = sign_in(world.user(Role.GP))
    for path in ("/cases/new", "/cases/?q=PC-1", "/login"):
        response = client.get(path, headers={"Accept-Encoding": "gzip, br"})
        assert "Content-Encoding" not in response.headers
    assert "encode" not in re.sub(r"#.*", "", (ROOT / "deploy" / "Caddyfile").read_text())


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    assets._hash.cache_clear()
    yield
    assets._hash.cache_clear()
