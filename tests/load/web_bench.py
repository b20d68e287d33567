"""``make bench-web``: start, memory, time to a result, and cases a second against the usual way, on this machine.

Everything in one run, in a fresh folder; the last line is JSON. The figures say nothing about another machine, and
little about a busy one: the load before and after is printed with them.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select

from ml.bundle import Bundle
from ml.engine import Engine
from ml.imaging.decoding import decode
from tests.conftest import PASSWORD, World
from tests.load import parts
from webapp import create_app
from webapp.core.config import Settings
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Role

IMPORT = """
import json, time
began = time.perf_counter()
import wsgi
print(json.dumps(time.perf_counter() - began))
"""
Figures = dict[str, Any]


class Rate(NamedTuple):
    """``processor_seconds`` per case, over all processes: its cost, whatever else is running."""

    cases_per_second: float
    processor_seconds: float


class Bench:
    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.options, self.port = options, parts.free_port()
        self.environ = {"INSTANCE_DIR": str(folder), "HTTPS": "0", "SECOND_FACTOR": "0"}
        self.app: Flask = create_app(Settings.from_environment({**os.environ, **self.environ}))
        with self.app.app_context():
            upgrade()
        self.gps = [World(self.app).user(Role.GP) for _ in range(options.clients)]
        self.pictures = [parts.picture(seed) for seed in range(8)]
        self._turn = itertools.count()

    def next_picture(self) -> bytes:
        return self.pictures[next(self._turn) % len(self.pictures)]

    def done(self) -> int:
        with self.app.app_context(), reading():
            statement = select(func.count()).select_from(Analysis).where(Analysis.state == AnalysisState.DONE)
            return int(db.session.scalar(statement) or 0)

    def web(self, processes: int) -> Any:
        return parts.started(parts.gunicorn("wsgi:app", self.port, processes), **self.environ)

    def worker(self, processes: int = 1) -> Any:
        return parts.started(self._worker_command(), **self.environ, WORKER_PROCESSES=str(processes))

    def _worker_command(self) -> list[str]:
        return [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]

    def browser(self, gp: str) -> parts.Browser:
        browser = parts.Browser(self.port)
        browser.sign_in(gp, PASSWORD)
        return browser

    def start(self) -> Figures:
        seconds = [float(parts.python(IMPORT, **self.environ)) for _ in range(5)]
        began = time.perf_counter()
        with self.web(1) as process:
            parts.until(lambda: parts.answers(self.port))
            until_alive = time.perf_counter() - began
            with parts.Browser(self.port) as browser:
                began = time.perf_counter()
                browser.get("/login")
                first = time.perf_counter() - began
            memory = self._after_fifty_requests(process.pid)
        return {
            "import_wsgi_seconds": round(statistics.median(seconds), 3),
            "start_to_healthz_seconds": round(until_alive, 2),
            "first_page_seconds": round(first, 3),
            "web_memory": memory,
        }

    def _after_fifty_requests(self, pid: int) -> Figures:
        with self.browser(self.gps[0]) as browser:
            browser.send_case(browser.token("/cases/new"), self.next_picture())
            for _ in range(47):
                browser.get("/cases/")
        master, worker = parts.family_memory(pid)
        return {"master": master, "process": worker}

    def latency(self) -> Figures:
        """One case at a time, each after the previous one is done; the engine alone in between."""
        engine = Engine(Bundle.load())
        seconds: dict[str, list[float]] = {"engine": [], "upload_answered": [], "result_stored": []}
        with self.web(1), self.worker() as process:
            parts.until(lambda: parts.answers(self.port))
            with self.browser(self.gps[0]) as browser:
                token = browser.token("/cases/new")
                for round_number in range(self.options.rounds + 5):
                    times = self._one_case(browser, token, engine)
                    if round_number >= 5:
                        for name, value in times.items():
                            seconds[name].append(value)
                while self.done() < 50:
                    browser.send_case(token, self.next_picture())
                    self._all_done()
            consumer, *family = parts.family_memory(process.pid)
        median = {f"{name}_ms": round(statistics.median(values) * 1e3, 1) for name, values in seconds.items()}
        ratio = round(median["result_stored_ms"] / median["engine_ms"], 1)
        memory = {"command": consumer, "its_processes": family}
        return {**median, "result_vs_engine": ratio, "worker_memory": memory}

    def _one_case(self, browser: parts.Browser, token: str, engine: Engine) -> dict[str, float]:
        data = self.next_picture()
        began = time.perf_counter()
        engine.run([decode(data)])
        alone = time.perf_counter() - began
        expected = self.done() + 1
        began = time.perf_counter()
        browser.send_case(token, data)
        answered = time.perf_counter() - began
        parts.until(lambda: self.done() >= expected, pause=0.002)
        return {"engine": alone, "upload_answered": answered, "result_stored": time.perf_counter() - began}

    def _all_done(self) -> None:
        def none_waits() -> bool:
            with self.app.app_context(), reading():
                statement = select(func.count()).select_from(Analysis).where(Analysis.state != AnalysisState.DONE)
                return not db.session.scalar(statement)

        parts.until(none_waits)

    def waiting(self) -> Figures:
        """Cases already waiting: images a second, and cost, by batch size and number of processes."""
        return {
            "waiting_images_by_batch": {size: self._analysed(ANALYSIS_BATCH=str(size)) for size in (1, 2, 4, 8)},
            "waiting_images_by_workers": {count: self._analysed(WORKER_PROCESSES=str(count)) for count in (1, 2, 4)},
        }

    def _analysed(self, **environ: str) -> dict[str, float]:
        world, earlier = World(self.app), self.done()
        for _ in range(self.options.cases // 6):
            world.case(self.gps[0], images=6)
        with parts.started(self._worker_command(), **self.environ, **environ) as worker:
            parts.until(lambda: self.done() >= earlier + self.options.cases // 4)  # every process is busy
            begin, used, began = self.done(), parts.processor_seconds(worker.pid), time.perf_counter()
            self._all_done()
            images, seconds = self.done() - begin, time.perf_counter() - began
            cost = (parts.processor_seconds(worker.pid) - used) / images
        return {"images_per_second": round(images / seconds, 1), "processor_ms": round(cost * 1e3, 1)}

    def ours(self) -> Rate:
        """From the first upload to the last stored result."""
        with self.web(self.options.cores) as web, self.worker(self.options.workers) as worker:
            parts.until(lambda: parts.answers(self.port))
            browsers = [self.browser(gp) for gp in self.gps]
            tokens = [browser.token("/cases/new") for browser in browsers]
            for browser, token in zip(browsers, tokens, strict=True):  # everything is loaded
                browser.send_case(token, self.next_picture())
            self._all_done()
            senders: list[Callable[[], object]] = [
                partial(self._send, browser, token) for browser, token in zip(browsers, tokens, strict=True)
            ]
            return self._rate(senders, self._all_done, web.pid, worker.pid)

    def _send(self, browser: parts.Browser, token: str) -> None:
        browser.send_case(token, self.next_picture())

    def usual_way(self, maps: str) -> Rate:
        port = parts.free_port()
        one_at_a_time = ("--worker-class", "sync", "--threads", "1")  # pytorch-grad-cam is not thread-safe
        command = parts.gunicorn("tests.load.usual_way:app", port, self.options.cores, *one_at_a_time)
        with parts.started(command, MAPS=maps) as process:
            parts.until(lambda: parts.answers(port))
            browsers = [parts.Browser(port) for _ in self.gps]

            def predict(browser: parts.Browser) -> None:
                status, _page, _location = browser.post("/predict", {}, image=self.next_picture())
                if status != 200:
                    raise RuntimeError(f"the usual way answered {status}")

            for browser in browsers:
                predict(browser)
            return self._rate([partial(predict, browser) for browser in browsers], lambda: None, process.pid)

    def _rate(self, senders: list[Callable[[], object]], finish: Callable[[], None], *pids: int) -> Rate:
        each = self.options.cases // len(senders)

        def repeat(send: Callable[[], object]) -> None:
            for _ in range(each):
                send()

        used, began = parts.processor_seconds(*pids), time.perf_counter()
        with ThreadPoolExecutor(len(senders)) as pool:
            for done in [pool.submit(repeat, send) for send in senders]:
                done.result()
        finish()
        seconds, cases = time.perf_counter() - began, each * len(senders)
        return Rate(cases / seconds, (parts.processor_seconds(*pids) - used) / cases)

    def throughput(self) -> Figures:
        """In turns, so that a busy machine affects all equally."""
        rates: dict[str, list[Rate]] = {"ours": [], "usual_one_map": [], "usual_all_maps": []}
        for _ in range(self.options.turns):
            rates["ours"].append(self.ours())
            rates["usual_one_map"].append(self.usual_way("one"))
            rates["usual_all_maps"].append(self.usual_way("all"))
        speed = {name: statistics.median(rate.cases_per_second for rate in values) for name, values in rates.items()}
        cost = {name: statistics.median(rate.processor_seconds for rate in values) for name, values in rates.items()}
        return {
            "cases_per_second": {name: round(value, 2) for name, value in speed.items()},
            "processor_ms_per_case": {name: round(value * 1e3, 1) for name, value in cost.items()},
            "speed_vs_usual": [round(speed["ours"] / speed[other], 2) for other in ("usual_one_map", "usual_all_maps")],
            "cost_of_usual": [round(cost[other] / cost["ours"], 2) for other in ("usual_one_map", "usual_all_maps")],
            "turns": {name: [round(rate.cases_per_second, 2) for rate in values] for name, values in rates.items()},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="cases sent one after the other")
    parser.add_argument("--cases", type=int, default=120, help="cases of one turn of the comparison")
    parser.add_argument(
        "--clients", type=int, default=4, help="GPs who send at the same time; of more some are put off"
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1, help="web processes of either way")
    parser.add_argument("--workers", type=int, default=1, help="our worker's processes")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        figures: Figures = {**bench.start(), **bench.latency(), **bench.waiting(), **bench.throughput()}
    figures["machine"] = {
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
    }
    for name, value in figures.items():
        print(f"{name:<26} {value}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
