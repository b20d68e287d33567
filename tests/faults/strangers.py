"""The real web server, as gunicorn.conf.py starts it, and people who talk to it over a socket."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask

from tests.browser.program import descendants, free_port
from tests.conftest import PASSWORD, ROOT
from tests.faults.processes import worker_environment
from tests.patience import PATIENCE, wait_until
from tests.web.helpers import filled_in

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
BOUNDARY = "a-line-between-parts"


class WebServer:
    """One process with its master, and what they weigh."""

    def __init__(self, app: Flask, folder: Path, **environ: str) -> None:
        self.port = free_port()
        self._environ = {
            **worker_environment(app),
            "WEB_CONCURRENCY": "1",
            "WEB_BIND": f"127.0.0.1:{self.port}",
            "SECOND_FACTOR": "0",
            "TMPDIR": str(folder),
            **environ,
        }

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn"]
        self.master = subprocess.Popen(command, cwd=ROOT, env=self._environ, start_new_session=True)
        wait_until(self.answers)

    def stop(self) -> None:
        os.killpg(self.master.pid, signal.SIGKILL)
        self.master.wait()

    def answers(self) -> bool:
        assert self.master.poll() is None, "the web server ended"
        try:
            return Person(self.port).ask("GET", "/healthz")[0] == 200
        except OSError:
            return False

    @property
    def process(self) -> int:
        (pid,) = descendants(self.master.pid)
        return pid


@contextmanager
def web_server(app: Flask, folder: Path, **environ: str) -> Iterator[WebServer]:
    server = WebServer(app, folder, **environ)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Person:
    """A browser: it keeps its cookies and sends the token of the form it has opened."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self._host = f"localhost:{port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        try:
            connection.request(method, path, body, {"Host": self._host, "Cookie": cookies, **headers})
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(line).items()}
            return answer.status, answer.read().decode(errors="replace")
        finally:
            connection.close()

    def token(self, path: str) -> str:
        found = TOKEN.search(self.ask("GET", path)[1])
        assert found is not None, f"no form on {path}"
        return found.group(1)

    def sign_in(self, email: str) -> int:
        fields = {"email": email, "password": PASSWORD, "csrf_token": self.token("/login")}
        return self.ask("POST", "/login", urlencode(fields).encode(), **FORM)[0]

    def send_case(self, files: Sequence[bytes]) -> int:
        """The status; 302: it became a case."""
        fields = filled_in(csrf_token=self.token("/cases/new"))
        body = b"".join(part(name, value.encode()) for name, value in fields.items())
        body += b"".join(part("images", data, "image.jpg") for data in files)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        return self.ask("POST", "/cases/new", body + f"--{BOUNDARY}--\r\n".encode(), **headers)[0]


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def part(name: str, data: bytes, file: str = "") -> bytes:
    named = f'; filename="{file}"' if file else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + data + b"\r\n"
