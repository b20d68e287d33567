"""Clients that never finish their header, their form or their upload: any number of them, and others are served.

The process has eight threads. With the proxy of deploy/ in front, and without any.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from tests.browser.program import free_port
from tests.conftest import ROOT, World
from tests.faults.servers import listens
from tests.faults.strangers import BOUNDARY, Person, WebServer, web_server
from tests.images import jpeg
from tests.patience import PATIENCE, wait_until
from webapp.models import Role

SLOW = 40
POST = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n"
FORM, MULTIPART = "application/x-www-form-urlencoded", f"multipart/form-data; boundary={BOUNDARY}"
KINDS = {
    "say nothing": b"",
    "half a header": POST[:30].encode(),
    "half a form": POST.format(path="/login", kind=FORM, size=1000).encode() + b"email=",
    "half an upload": POST.format(path="/cases/new", kind=MULTIPART, size=2_000_000).encode() + b"x" * 1_500_000,
}


@pytest.fixture
def server(app: Flask, tmp_path: Path) -> Iterator[WebServer]:
    with web_server(app, tmp_path) as server:
        yield server


@contextmanager
def slow_clients(port: int, beginning: bytes) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        clients = []
        for _ in range(SLOW):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE))
            client.sendall(beginning)
            clients.append(client)
        yield clients


def served(port: int) -> float:
    """The seconds that a page takes."""
    begun = time.monotonic()
    assert Person(port).token("/login")
    return time.monotonic() - begun


@pytest.mark.parametrize("kind", KINDS)
def test_others_are_served_at_once(server: WebServer, kind: str) -> None:
    with slow_clients(server.port, KINDS[kind]):
        assert max(served(server.port) for _ in range(10)) < 5


def test_people_sign_in_and_send_cases_meanwhile(server: WebServer, world: World) -> None:
    with slow_clients(server.port, KINDS["half a form"]), slow_clients(server.port, KINDS["half an upload"]):
        gp = Person(server.port)
        assert gp.sign_in(world.user(Role.GP)) == 302
        assert gp.send_case([jpeg() + bytes(2_000_000)]) == 302


def test_what_stops_arriving_is_closed(server: WebServer) -> None:
    with slow_clients(server.port, KINDS["half a header"]) as clients:
        for client in clients:
            assert client.recv(1) == b"", "without an answer"


def test_a_form_that_comes_in_pieces_arrives(server: WebServer) -> None:
    body = b"email=x&password=y"
    request = POST.format(path="/login", kind=FORM, size=len(body)).encode() + body
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        for byte in request:
            client.sendall(bytes([byte]))
        assert client.recv(12) == b"HTTP/1.1 400", "it has no token, but it was read"


def test_one_connection_serves_several_requests(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        for _ in range(3):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}\n"):
                answer += client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 200")


def test_who_asks_before_sending_is_told_to_go_on(server: WebServer) -> None:
    head = POST.format(path="/login", kind=FORM, size=3).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(head.encode())
        assert client.recv(21) == b"HTTP/1.1 100 Continue"
        client.sendall(b"a=b")
        answer = b""
        while b"HTTP/1.1 400" not in answer:
            answer += client.recv(4096)


def test_a_body_of_unknown_length_is_refused(server: WebServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 411"


@pytest.fixture
def proxy(server: WebServer, tmp_path: Path) -> Iterator[int]:
    """The proxy of deploy/, with its own configuration, for plain HTTP on a free port."""
    if shutil.which("caddy") is None:
        pytest.skip("Caddy is not on this machine: apt-get install caddy")
    port, file = free_port(), tmp_path / "Caddyfile"
    text = (ROOT / "deploy" / "Caddyfile").read_text().replace("{$SITE} {", f"http://localhost:{port} {{")
    text = text.replace("{$SITE}", "localhost").replace("web:8000", f"127.0.0.1:{server.port}")
    file.write_text(text.replace("{\n\t# Clients", "{\n\tadmin off\n\t# Clients"))
    command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    environ = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(tmp_path)}
    caddy = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port))
        yield port
    finally:
        caddy.terminate()
        caddy.wait()


@pytest.mark.parametrize("kind", KINDS)
def test_behind_the_proxy_others_are_served_at_once(proxy: int, kind: str) -> None:
    with slow_clients(proxy, KINDS[kind]):
        assert max(served(proxy) for _ in range(10)) < 5


def test_the_proxy_lets_images_pass_and_nothing_else_that_is_large(proxy: int, world: World) -> None:
    gp = Person(proxy)
    assert gp.sign_in(world.user(Role.GP)) == 302
    assert gp.send_case([jpeg() + bytes(2_000_000)]) == 302
    answer = Person(proxy).ask("POST", "/login", bytes(2_000_000), **{"Content-Type": FORM})
    assert answer[0] in (413, 502), "by the proxy; before 2.7 in words of its own"
