"""A client that sends its form a byte at a time blocks nobody else.

Each takes one of the server's threads, so this holds for fewer clients than threads; a reverse proxy that buffers
requests removes the problem.
"""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flask import Flask

from tests.conftest import ROOT
from tests.faults.processes import worker_environment
from tests.faults.servers import free_port, listens
from tests.patience import PATIENCE, wait_until

THREADS = 8
SLOW = THREADS - 1
HEADERS = b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@contextmanager
def web_server(app: Flask, port: int) -> Iterator[None]:
    """As app.py starts it."""
    options = ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", str(THREADS)]
    command = [sys.executable, "-m", "gunicorn", *options, "--log-level", "warning", "wsgi:app"]
    process = subprocess.Popen(command, cwd=ROOT, env=worker_environment(app), start_new_session=True)
    try:
        wait_until(lambda: listens(port))
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as response:
        return int(response.status)


def test_clients_that_never_finish_their_headers(app: Flask) -> None:
    with web_server(app, port := free_port()), ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SLOW)]
        for byte in HEADERS[:20]:
            for client in clients:
                client.sendall(bytes([byte]))
        assert answers(port) == 200


def test_clients_that_never_finish_their_form(app: Flask) -> None:
    with web_server(app, port := free_port()), ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(SLOW)]
        for client in clients:
            client.sendall(HEADERS + b"Content-Length: 1000\r\n\r\n")
        for _ in range(5):
            for client in clients:
                client.sendall(b"x")
        assert answers(port) == 200
