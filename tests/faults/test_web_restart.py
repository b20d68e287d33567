"""A new release without an interruption: gunicorn replaces its processes while requests keep coming."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.program import descendants, free_port
from tests.conftest import ROOT
from tests.patience import PATIENCE, wait_until
from webapp.core.config import Settings

TOKEN = "only-for-the-collector"


class Server:
    """The web server as in production, on its own port."""

    def __init__(self, settings: Settings) -> None:
        self.port = free_port()
        environ = {
            **os.environ,
            "INSTANCE_DIR": str(settings.instance_dir),
            "DATABASE_URL": settings.database_url,
            "STORAGE_URL": settings.storage_url,
            "HTTPS": "0",
            "WEB_BIND": f"127.0.0.1:{self.port}",
            "METRICS_TOKEN": TOKEN,
            "TMPDIR": str(settings.instance_dir),
        }
        self.process = subprocess.Popen([sys.executable, "-m", "gunicorn"], cwd=ROOT, env=environ)

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def answers(self) -> bool:
        assert self.process.poll() is None, "gunicorn ended"
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def workers(self) -> set[int]:
        return set(descendants(self.process.pid))


@pytest.fixture
def server(settings: Settings) -> Iterator[Server]:
    server = Server(settings)
    try:
        wait_until(server.answers)
        yield server
    finally:
        server.process.terminate()
        assert server.process.wait(PATIENCE) == 0


@contextmanager
def constant_requests(server: Server, clients: int = 4) -> Iterator[list[object]]:
    """Requests pages continuously; yields the responses or errors, in order."""
    answers: list[object] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                answers.append(server.get("/login")[0])
            except Exception as error:
                answers.append(error)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_not_one_request_fails_while_all_processes_are_replaced(server: Server) -> None:
    before = server.workers()
    assert len(before) == 2
    with constant_requests(server) as answers:
        wait_until(lambda: len(answers) > 20)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers()) == 2 and not server.workers() & before)
        after = len(answers)
        wait_until(lambda: len(answers) > after + 20)
    assert [answer for answer in answers if answer != 200] == []


def test_an_upload_under_way_is_ended_by_the_old_process(server: Server) -> None:
    before = server.workers()
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as upload:
        upload.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n")
        upload.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nhalf")
        for _ in range(3):
            server.get("/login")  # the upload was accepted before these
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(server.workers() - before) == 2)
        for _ in range(3):
            server.get("/login")  # by now the old processes have received the signal
        upload.sendall(b"=way")
        assert upload.recv(12) == b"HTTP/1.1 400", "it holds no token, but it is answered"
    wait_until(lambda: not server.workers() & before)


def test_a_process_that_stops_ends_its_requests_first(server: Server) -> None:
    """One worker is asked to stop, as at its request limit; another replaces it."""
    before = server.workers()
    with constant_requests(server) as answers:
        wait_until(lambda: len(answers) > 20)
        os.kill(min(before), signal.SIGTERM)
        wait_until(lambda: len(server.workers()) == 2 and min(before) not in server.workers())
    assert [answer for answer in answers if answer != 200] == []


def test_the_figures_are_those_of_all_processes(server: Server, settings: Settings) -> None:
    authorization = f"Bearer {TOKEN}"
    for _ in range(20):
        server.get("/login")
    before = server.workers()
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(server.workers()) == 2 and not server.workers() & before)
    status, text = server.get("/metrics", Authorization=authorization)
    assert status == 200
    found = re.search(r'requests_total\{endpoint="security.login",method="GET",status="200"\} (\S+)', text)
    assert found is not None
    assert float(found.group(1)) == 20
    assert list(Path(settings.instance_dir).glob("dermtriage-metrics-*"))
    server.process.terminate()
    assert server.process.wait(PATIENCE) == 0
    assert not list(Path(settings.instance_dir).glob("dermtriage-metrics-*")), "its folder goes with the program"
