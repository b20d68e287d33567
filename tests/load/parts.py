"""What the benchmark runs: our web server and worker, the usual way, and a GP's browser; and memory readings."""

import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml.phantoms import generate
from tests.browser.program import descendants, free_port

ROOT = Path(__file__).resolve().parent.parent.parent
SIZE = (600, 450)  # as in HAM10000
IDLE_SECONDS = 3.0
FORM = {
    "body_site": "face",
    "side": "left",
    "urgency": "routine",
    "consent": "y",
    "nothing_identifying": "y",
    "send_anyway": "Bench.",
}


def picture(seed: int) -> bytes:
    stream = io.BytesIO()
    generate(seed, size=SIZE).image.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def memory(pid: int) -> dict[str, float]:
    """Resident and proportional megabytes: memory shared with other processes counts in full, or by its share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = {name: int(size) for name, size in re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE)}
    return {name.lower() + "_mb": round(found[name] / 1024, 1) for name in ("Rss", "Pss")}


def family_memory(pid: int) -> list[dict[str, float]]:
    """The process and everything it has started, parents first."""
    return [memory(each) for each in (pid, *descendants(pid))]


def processor_seconds(*pids: int) -> float:
    """What these processes and everything they started have used so far, which hardly depends on other load."""
    family = {each for pid in pids for each in (pid, *descendants(pid))}
    ticks = 0
    for pid in family:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += sum(int(number) for number in numbers[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def started(command: list[str], **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ}, start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def gunicorn(module: str, port: int, processes: int, *more: str) -> list[str]:
    bind = f"127.0.0.1:{port}"
    return [sys.executable, "-m", "gunicorn", "--bind", bind, "--workers", str(processes), *more, module]


def until(happened: Callable[[], bool], pause: float = 0.005) -> None:
    deadline = time.monotonic() + 180
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(pause)


def answers(port: int) -> bool:
    try:
        with Browser(port) as browser:
            return browser.get("/healthz")[0] == 200
    except OSError:
        return False


class Browser:
    """One persistent connection with cookies: what a GP's browser sends, and nothing else."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._cookies: dict[str, str] = {}
        self._used = time.monotonic()

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _send(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str, str]:
        if time.monotonic() - self._used > IDLE_SECONDS:
            self._connection.close()  # the server is about to close it; a browser would also open another
        self._used = time.monotonic()
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._connection.request(method, path, body, {"Cookie": cookies, **headers})
        answer = self._connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.read().decode(errors="replace"), answer.headers.get("Location", "")

    def get(self, path: str) -> tuple[int, str]:
        return self._send("GET", path)[:2]

    def post(self, path: str, fields: dict[str, str], **files: bytes) -> tuple[int, str, str]:
        boundary = uuid.uuid4().hex
        parts = [_part(boundary, f'name="{name}"', value.encode()) for name, value in fields.items()]
        parts += [_part(boundary, f'name="{name}"; filename="a.jpg"', data) for name, data in files.items()]
        body = b"".join([*parts, f"--{boundary}--\r\n".encode()])
        kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._send("POST", path, body, **kind)

    def token(self, path: str) -> str:
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(path)[1])
        if found is None:
            raise RuntimeError(f"no form on {path}")
        return found.group(1)

    def sign_in(self, email: str, password: str) -> None:
        fields = {"csrf_token": self.token("/login"), "email": email, "password": password}
        status, _page, _location = self.post("/login", fields)
        if status != 302:
            raise RuntimeError(f"the sign-in answered {status}")

    def send_case(self, token: str, data: bytes) -> str:
        """The number of the new case."""
        own = {"csrf_token": token, "submission_token": str(uuid.uuid4()), "patient_reference": "BENCH-1"}
        status, page, location = self.post("/cases/new", {**FORM, **own}, images=data)
        if status != 302:
            raise RuntimeError(f"the upload answered {status}: {re.sub('<[^>]+>', ' ', page)[:2000]}")
        return location.rsplit("/", 1)[-1]


def _part(boundary: str, disposition: str, data: bytes) -> bytes:
    return f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + data + b"\r\n"


def python(code: str, **environ: str) -> Any:
    """The JSON printed by a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environ}, capture_output=True, check=True
    )
    return json.loads(done.stdout)


__all__ = [
    "Browser",
    "answers",
    "family_memory",
    "free_port",
    "gunicorn",
    "memory",
    "picture",
    "processor_seconds",
    "python",
    "started",
    "until",
]
