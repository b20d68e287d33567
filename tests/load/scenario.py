"""A working day for Locust: centres that upload at a constant rate, readers, GPs who view pages, an administrator.

``tests.load.run`` starts it with its settings in the environment, and reads the file of figures that it writes.
Uploads start on time, whether or not earlier ones have been answered; everybody else waits for a page, and then for a
random while, before requesting the next one, as people do.
"""

import json
import os
import re
import resource
import time
import uuid
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore
from locust import FastHttpUser, constant, events, poisson, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment

from tests.load.figures import percentile
from tests.load.people import PASSWORD, TOKEN, emails
from webapp.models import Role

FOLDER = Path(os.environ["LOAD_FOLDER"])
SECONDS = float(os.environ["LOAD_SECONDS"])
RATE = float(os.environ["LOAD_RATE"])
"""Images a second, one in each case; 0: nobody uploads."""
BUSY = RATE > 0
READERS, LOOKERS = (10, 20) if BUSY else (1, 1)
EXPECTED = READERS + LOOKERS + 1 + (1 if BUSY else 0)
IMAGES = [path.read_bytes() for path in sorted(FOLDER.glob("phantom-*.jpg"))]
MEDIA = re.compile(r'(?:src|data-url)="(/media/[^"]+)"')
SHOWN = re.compile(r'name="shown" value="([^"]*)"')
OPEN_CASE = re.compile(r'href="(/cases/DT-[^"]+)"')

SIGN_IN_SECONDS = 300
ready, door, signed_in = Event(), BoundedSemaphore(2), 0
times: dict[str, list[float]] = defaultdict(list)
errors: Counter[str] = Counter()
accepted: list[str] = []
refused = put_off = 0
began = cpu_before = 0.0


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Person(FastHttpUser):
    """Somebody who signs in before anything is measured."""

    abstract = True
    role: Role
    host = os.environ["LOAD_HOST"]
    network_timeout = connection_timeout = 120.0
    count = 0

    def on_start(self) -> None:
        kind = type(self)
        number, kind.count = kind.count, kind.count + 1  # before anything that lets the others continue
        self.token = self.enter(emails(self.role)[number % len(emails(self.role))])
        self.wait_for_all()

    def wait_for_all(self) -> None:
        global signed_in, began, cpu_before
        signed_in += 1
        if signed_in == EXPECTED:
            began, cpu_before = time.monotonic(), cpu_seconds()
            gevent.spawn_later(SECONDS, self.environment.runner.quit)
            ready.set()
        ready.wait()
        gevent.sleep(self.wait_time())

    def enter(self, email: str) -> str:
        """Sign in, two at a time because hashing is slow on purpose; returns the session's CSRF token."""
        with door:
            first = _token(self.client.get("/login").text)
            self.send("/login", "sign in", email=email, password=PASSWORD, csrf_token=first)
            return _token(self.client.get("/profile").text)

    def look(self, path: str, name: str) -> str:
        """A page with its thumbnails, as the browser requests them."""
        page = self.client.get(path, name=name).text or ""
        for address in dict.fromkeys(MEDIA.findall(page)):
            self.client.get(address, name=re.sub(r"/\d+", "", address))
        return page

    def send(self, path: str, name: str, **form: str) -> ResponseContextManager:
        """A form that redirects."""
        with self.client.post(path, data=form, name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 302 or "/login" in answer.headers.get("Location", ""):
                answer.failure(f"{answer.status_code} instead of 302")
        return answer


class Reader(Person):
    """A dermatologist: worklist, the first free case with images and heatmaps, decision."""

    role = Role.DERMATOLOGIST
    fixed_count = READERS
    wait_time = poisson(1 / 20 if BUSY else 1 / 2)

    @task
    def read(self) -> None:
        self.look("/review/", "worklist")
        answer = self.send("/review/next", "claim next", csrf_token=self.token)
        path = str(answer.headers.get("Location", "")) if answer.headers else ""
        if "/review/DT-" not in path:
            return  # no free case
        page = self.look(path, "case page, dermatologist")
        if not self._decide(path, page):
            self._decide(path, self.look(path, "case page, dermatologist"), again=True)

    def _decide(self, path: str, page: str, again: bool = False) -> bool:
        """False if a result has arrived in the meantime, so that the page must be reloaded."""
        found = SHOWN.search(page)
        form = {"csrf_token": self.token, "shown": found.group(1) if found else ""}
        form |= {"diagnosis": "bcc", "management": "biopsy", "advice": "", "override_reason": ""}
        name = "decide"
        with self.client.post(
            f"{path}/decide", data=form, name=name, allow_redirects=False, catch_response=True
        ) as answer:
            if answer.status_code == 422 and not again:
                answer.success()
                return False
            if answer.status_code != 302:
                answer.failure(f"{answer.status_code} instead of 302")
        return True


class Looker(Person):
    """A GP with the list open, which polls; now and then a case or a search."""

    role = Role.GP
    fixed_count = LOOKERS
    wait_time = poisson(1 / 5 if BUSY else 4)

    def on_start(self) -> None:
        self.case = ""
        super().on_start()

    @task(8)
    def poll(self) -> None:
        page = self.client.get("/cases/list", name="GP's list, poll").text or ""
        found = OPEN_CASE.search(page)
        self.case = found.group(1) if found else self.case

    @task(2)
    def list(self) -> None:
        self.look("/cases/", "GP's list")

    @task(2)
    def show(self) -> None:
        if self.case:
            self.look(self.case, "case page, GP")
            self.client.get(f"{self.case}/status", name="case status, poll")

    @task(1)
    def search(self) -> None:
        self.client.get("/cases/?q=LOAD-", name="search")


class Administrator(Person):
    role = Role.ADMIN
    fixed_count = 1
    wait_time = poisson(1 / 15 if BUSY else 1)

    @task
    def watch(self) -> None:
        self.client.get("/admin/dashboard", name="dashboard")
        self.client.get("/admin/service", name="service page")
        self.client.get("/admin/audit", name="audit log")


class Centres(Person):
    """All sixty centres as one: an upload begins every 1 / RATE seconds, the centres taking turns."""

    role = Role.GP
    fixed_count = 1 if BUSY else 0
    wait_time = constant(1)

    def on_start(self) -> None:
        self.sessions = [Centre(self.environment) for _ in emails(Role.GP)]
        for session, email in zip(self.sessions, emails(Role.GP), strict=True):
            session.token = session.enter(email)
            # Uploads of one centre overlap, and Locust keeps the last one's redirect on the client.
            session.client.client.redirect_response_codes = frozenset()  # type: ignore[misc]
        self.wait_for_all()

    @task
    def upload_all_day(self) -> None:
        number, under_way = 0, []
        while (due := began + number / RATE) < began + SECONDS - 1:
            gevent.sleep(max(0.0, due - time.monotonic()))
            centre = self.sessions[number % len(self.sessions)]
            under_way.append(gevent.spawn(centre.upload, number))
            number += 1
        gevent.joinall(under_way)
        gevent.sleep(max(0.0, began + SECONDS - time.monotonic()))  # then everybody stops


class Centre(Person):
    """One centre's browser: new case, the image is checked, then sent."""

    role = Role.GP
    fixed_count = 0
    abstract = True

    def upload(self, number: int) -> None:
        global refused, put_off
        self.client.get("/cases/new", name="new case")
        image = IMAGES[number % len(IMAGES)]
        token = str(uuid.uuid4())
        with self.client.post(
            "/cases/images/check",
            name="image check",
            catch_response=True,
            **_multipart(image, self.form(number, token)),
        ) as answer:
            if answer.status_code == 503 and answer.headers.get("Retry-After"):
                put_off += 1  # sending the form checks it too
                answer.success()
        with self.client.post(
            "/cases/new",
            name="upload",
            allow_redirects=False,
            catch_response=True,
            **_multipart(image, self.form(number, token)),
        ) as answer:
            if answer.status_code == 302:
                accepted.append(answer.headers["Location"].rsplit("/", 1)[-1])
            elif answer.status_code == 503 and answer.headers.get("Retry-After"):
                refused += 1  # a polite refusal: the page would retry later
                answer.success()
            else:
                answer.failure(f"{answer.status_code} instead of 302")

    def form(self, number: int, token: str) -> dict[str, str]:
        return {
            "csrf_token": self.token,
            "submission_token": token,
            "patient_reference": f"LOAD-{number:06d}",
            "birth_year": "1961",
            "sex": "female",
            "phototype": "2",
            "body_site": "face",
            "side": "left",
            "history": "A load test's case.",
            "clinical_question": "BCC?",
            "urgency": "routine",
            "consent": "y",
            "nothing_identifying": "y",
            "send_anyway": "A load test's image.",
        }


def _multipart(image: bytes, form: dict[str, str]) -> dict[str, Any]:
    boundary = uuid.uuid4().hex
    head = f"--{boundary}\r\nContent-Disposition: form-data; name="
    fields = "".join(f'{head}"{name}"\r\n\r\n{value}\r\n' for name, value in form.items())
    file = f'{head}"images"; filename="lesion.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = (fields + file).encode() + image + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Sec-Fetch-Dest": "empty"}
    return {"data": body, "headers": headers}


def _token(page: str | None) -> str:
    found = TOKEN.search(page or "")
    return found.group(1) if found else ""


@events.request.add_listener
def note(name: str, response_time: float, exception: Exception | None, **_more: Any) -> None:
    if not ready.is_set():
        if exception is not None:
            errors[f"before: {name}: {exception}"] += 1
        return
    times[name].append(response_time)
    if exception is not None:
        errors[f"{name}: {exception}"[:200]] += 1


@events.test_start.add_listener
def do_not_wait_for_ever(environment: Environment, **_more: Any) -> None:
    runner = environment.runner
    assert runner is not None

    def quit_unless_ready() -> None:
        if not ready.is_set():
            runner.quit()

    gevent.spawn_later(SIGN_IN_SECONDS, quit_unless_ready)


@events.quitting.add_listener
def write(environment: Environment, **_more: Any) -> None:
    wall = time.monotonic() - began if began else 0.0
    pages = {
        name: {"count": len(taken)} | {f"p{p}": round(percentile(taken, p / 100), 1) for p in (50, 95, 99)}
        for name, taken in sorted(times.items())
    }
    figures = {
        "seconds": round(wall, 1),
        "pages_ms": pages,
        "errors": dict(errors),
        "accepted": accepted,
        "refused": refused,
        "checks_put_off": put_off,
        "generator_cpu": round((cpu_seconds() - cpu_before) / wall, 3) if wall else None,
        "all_signed_in": ready.is_set(),
    }
    (FOLDER / "figures.json").write_text(json.dumps(figures))
