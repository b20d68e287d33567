"""The real server believes no header that says where the application lies or how it was reached."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.faults.strangers import WebServer, web_server
from tests.patience import PATIENCE


@pytest.fixture
def server(app: Flask, tmp_path: Path) -> Iterator[WebServer]:
    with web_server(app, tmp_path) as server:
        yield server


def asked(server: WebServer, path: str, *headers: str) -> str:
    """The answer to a request from this machine, which gunicorn would take for a proxy."""
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = b""
        while portion := connection.recv(65536):
            answer += portion
    return answer.decode(errors="replace")


def test_the_path_of_the_application_is_its_own(server: WebServer) -> None:
    assert asked(server, "/profile").startswith("HTTP/1.1 302")
    for header in ("SCRIPT_NAME: /evil", "SCRIPT-NAME: /evil", "X-Forwarded-Prefix: /evil"):
        assert "Location: /login?" in asked(server, "/profile", header), header
        assert asked(server, "/evil/profile", header).startswith("HTTP/1.1 404"), header
    assert asked(server, "/nowhere", "PATH_INFO: /login").startswith("HTTP/1.1 404")


def test_tls_is_not_taken_from_a_header(server: WebServer) -> None:
    """gunicorn refuses contradictory ones, if it looks at them at all."""
    headers = ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: off")
    assert asked(server, "/login", *headers).startswith("HTTP/1.1 200")


def test_host_names_have_no_case(server: WebServer) -> None:
    for host, status in (("LocalHost", 200), ("evil.example", 400)):
        lines = f"GET /login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
            connection.sendall(lines.encode())
            assert connection.recv(12) == f"HTTP/1.1 {status}".encode()
