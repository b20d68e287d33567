"""The program under the load of sixty centres: ``make load``, or

    python -m tests.load.run [--seconds 300] [--factor 3] [--servers] [--web 2] [--workers 2]

Starts the real program with its own instance, measures the pages first almost idle, then at the peak, waits
until every image is analysed, and checks in the database whether anything was lost. The last line is JSON; the status
is 1 if there was an error or a loss.
"""

import argparse
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade

from tests.load.figures import table
from tests.load.people import emails, make_people
from tests.load.servers import free_port, new_database, postgresql, redis
from tests.load.verify import Verdict, verify, waiting
from webapp import create_app
from webapp.analysis.synthetic import draw
from webapp.cases import service as cases
from webapp.cases import uploads
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import BodySite, Role, User

ROOT = Path(__file__).resolve().parent.parent.parent
PEAK = 2.0
"""Images a second from sixty centres."""
TARGET = 3.0
"""p95 of a page under load over its p95 without."""
PHANTOMS, SEEDS = 8, 60


@dataclass(frozen=True)
class Place:
    """The place of one run: its folder, addresses and settings."""

    folder: Path
    environment: dict[str, str]
    url: str
    port: int

    @classmethod
    def prepare(cls, folder: Path, options: argparse.Namespace, servers: dict[str, str]) -> "Place":
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        own = {"INSTANCE_DIR": str(folder / "instance"), "HTTPS": "0", "SECOND_FACTOR": "0"}
        own |= {"WEB_CONCURRENCY": str(options.web), "WORKER_PROCESSES": str(options.workers)}
        port = free_port()
        return cls(folder, kept | own | servers, f"http://127.0.0.1:{port}", port)


@contextmanager
def program(place: Place) -> Iterator[None]:
    """Web server and worker, as ``python app.py`` starts them."""
    with (place.folder / "program.log").open("ab") as log:
        command = [sys.executable, "app.py", "--port", str(place.port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=place.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(place.url)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The program did not start.")


def draw_images(folder: Path) -> None:
    """The images to send, made in advance; JPEG, as cameras write."""
    import io

    from PIL import Image

    for seed in range(PHANTOMS):
        with Image.open(io.BytesIO(draw(seed, None).data)) as image:
            image.convert("RGB").resize((1024, 1024)).save(folder / f"phantom-{seed:02d}.jpg", quality=90)


def seed(app: Flask, folder: Path) -> None:
    """One case of each centre, so that the lists are full before anything is measured."""
    images = sorted(folder.glob("phantom-*.jpg"))
    for n, email in enumerate(emails(Role.GP)[:SEEDS]):
        with app.app_context(), transaction() as session:
            new = cases.NewCase(str(uuid.uuid4()), f"SEED-{n:03d}", BodySite.BACK, synthetic=True)
            user = session.query(User).filter_by(email=email).one()
            clean = uploads.clean_images([("Image 1", io.BytesIO(images[n % len(images)].read_bytes()).read)])
            cases.submit(user, new, uploads.store(clean))


def visit(place: Place, seconds: float, rate: float) -> dict[str, Any]:
    """One run of the scenario; returns its figures."""
    settings = {"LOAD_FOLDER": str(place.folder), "LOAD_SECONDS": str(seconds), "LOAD_RATE": str(rate)}
    settings["LOAD_HOST"] = place.url
    command = [sys.executable, "-m", "locust", "-f", "tests/load/scenario.py", "--headless"]
    users = 32 if rate else 3
    command += ["-u", str(users), "-r", "100", "--only-summary", "--loglevel", "WARNING", "--stop-timeout", "120"]
    figures = place.folder / "figures.json"
    figures.unlink(missing_ok=True)
    with (place.folder / "locust.log").open("ab") as log:
        subprocess.run(command, cwd=ROOT, env=place.environment | settings, stdout=log, stderr=log, check=False)
    if not figures.exists():
        raise SystemExit((place.folder / "locust.log").read_text()[-3000:])
    found: dict[str, Any] = json.loads(figures.read_text())
    if not found["all_signed_in"]:
        raise SystemExit(f"Not everybody could sign in: {found['errors']}")
    return found


def drained(app: Flask, patience: float) -> float:
    """Seconds until no image is waiting for its analysis, at most ``patience``."""
    began = time.monotonic()
    while waiting(app) and time.monotonic() - began < patience:
        time.sleep(0.5)
    return time.monotonic() - began


def shown(idle: dict[str, Any], busy: dict[str, Any], verdict: Verdict) -> str:
    rows = []
    for name, page in busy["pages_ms"].items():
        before = idle["pages_ms"].get(name)
        compared = [before["p95"], f"{page['p95'] / before['p95']:.1f}"] if before else ["–", "–"]
        rows.append([name, page["count"], page["p50"], page["p95"], page["p99"], *compared])
    header = ["page, ms", "requests", "p50", "p95", "p99", "idle p95", "load : idle"]
    return f"{table(header, rows)}\n\n{verdict.in_words}"


def main() -> int:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dermtriage-load-")))
        servers = {}
        if options.servers:
            database = new_database(stack.enter_context(postgresql()), "load")
            servers = {"DATABASE_URL": database, "QUEUE_URL": stack.enter_context(redis())}
        place = Place.prepare(folder, options, servers)
        (folder / "instance").mkdir(mode=0o700)
        app = create_app(Settings.from_environment(place.environment))
        with app.app_context():
            upgrade()
        make_people(app)
        draw_images(folder)
        with program(place):
            seed(app, folder)
            drained(app, 600)
            idle = visit(place, options.idle, 0)
            busy = visit(place, options.seconds, PEAK * options.factor)
            took = drained(app, options.patience)
            verdict = verify(app, busy.pop("accepted"), SEEDS)
        with app.app_context():
            db.engine.dispose()
        log = (folder / "program.log").read_text()
    print(shown(idle, busy, verdict))
    slow = _slow(idle, busy)
    print(f"Told to send later: {busy['refused']} uploads, {busy['checks_put_off']} checks of an image before sending.")
    print(f"Load generator: {busy['generator_cpu']:.2f} of a core. Queue empty {took:.0f} s after the last upload.")
    print("Beyond the target: " + (", ".join(slow) or "no page"))
    failed = bool(busy["errors"] or idle["errors"] or verdict.losses)
    if failed:
        print(log[-3000:], file=sys.stderr)
    chosen = {name: getattr(options, name) for name in ("factor", "servers", "web", "workers")}
    result = {**chosen, "idle": idle, "load": busy, "slow": slow}
    print(json.dumps(result | {"drained_after_s": round(took, 1), "database": verdict.figures, "failed": failed}))
    return 1 if failed else 0


def _slow(idle: dict[str, Any], busy: dict[str, Any]) -> list[str]:
    both = busy["pages_ms"].keys() & idle["pages_ms"].keys()
    return sorted(name for name in both if busy["pages_ms"][name]["p95"] > TARGET * idle["pages_ms"][name]["p95"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The program under load; nothing may be lost.")
    parser.add_argument("--seconds", type=float, default=300, help="at the peak (default 300)")
    parser.add_argument("--idle", type=float, default=60, help="seconds of measuring before it (default 60)")
    parser.add_argument("--factor", type=float, default=1, help=f"times {PEAK:g} images a second; 3: overload")
    parser.add_argument("--patience", type=float, default=1800, help="seconds to wait until the queue is empty")
    parser.add_argument("--servers", action="store_true", help="PostgreSQL and Redis instead of SQLite for both")
    parser.add_argument("--web", type=int, default=2, help="web processes (default 2)")
    parser.add_argument("--workers", type=int, default=1, help="analyses at the same time (default 1)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
