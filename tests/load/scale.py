"""How page times grow with the number of cases: ``make bench-scale``, or

    python -m tests.load.scale [--sizes 1000,10000,100000,1000000] [--databases sqlite,postgresql] [--requests 40]

Every page is requested in turn at each size, from the real application, so that a busy moment of the machine affects
all sizes alike. The last line is JSON. The status is 1 if the worklist misses its target.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from tests.load.figures import percentile, table
from tests.load.pages import PAGES, Page, Stage
from tests.load.people import make_people
from tests.load.servers import new_database, postgresql
from tests.load.volume import OPEN_SHARE, generate
from webapp import create_app
from webapp.core.config import Settings

SIZES = (1_000, 10_000, 100_000, 1_000_000)
TARGET = 1.5
"""p95 of the worklist at the largest size over that at the smallest."""


def prepare(folder: Path, database_url: str | None, size: int, open_share: float) -> Flask:
    """An application on its own database with that many cases."""
    environ = {"INSTANCE_DIR": str(folder), "HTTPS": "0", "SECOND_FACTOR": "0"}
    environ |= {"DATABASE_URL": database_url} if database_url else {}
    app = create_app(Settings.from_environment(environ))
    began = time.monotonic()
    with app.app_context():
        upgrade()
        make_people(app)
        generate(size, open_share)
    print(f"  {size:>9,} cases made in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return app


def measure(stages: dict[int, Stage], requests: int) -> dict[str, dict[int, tuple[float, float]]]:
    """Page → size → (p50, p95) in milliseconds."""
    found = {}
    for page in PAGES:
        times: dict[int, list[float]] = {size: [] for size in stages}
        for stage in stages.values():
            _once(page, stage)  # compiled templates and statements, first disk reads
        for _ in range(max(3, requests // page.costs)):
            for size, stage in stages.items():
                times[size].append(_once(page, stage))
        found[page.name] = {size: (percentile(taken, 0.5), percentile(taken, 0.95)) for size, taken in times.items()}
    return found


def _once(page: Page, stage: Stage) -> float:
    """Milliseconds of one request."""
    began = time.perf_counter()
    answer = page.visit(stage)
    answer.get_data()
    taken = (time.perf_counter() - began) * 1000
    if answer.status_code != page.status:
        raise RuntimeError(f"{page.name}: {answer.status}")
    if page.afterwards:
        page.afterwards(stage)
    return taken


def shown(database: str, found: dict[str, dict[int, tuple[float, float]]]) -> str:
    sizes = list(next(iter(found.values())))
    header = [database, *(f"{size:,}: p50 / p95 ms" for size in sizes), "p95, last : first"]
    rows = []
    for name, by_size in found.items():
        cells = [f"{middle:.1f} / {high:.1f}" for middle, high in by_size.values()]
        rows.append([name, *cells, f"{by_size[sizes[-1]][1] / by_size[sizes[0]][1]:.1f}"])
    return table(header, rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="Times of the pages at growing numbers of cases.")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--requests", type=int, default=40, help="of each page at each size; costly pages get fewer")
    parser.add_argument("--open", type=float, default=OPEN_SHARE, help="share of the cases that is open, 0 to 1")
    parser.add_argument("--folder", help="where to put the databases (default: a folder that goes away)")
    options = parser.parse_args()
    sizes, result, missed = [int(size) for size in options.sizes.split(",")], {}, []
    with ExitStack() as stack:
        folder = Path(options.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="dermtriage-scale-")))
        for database in options.databases.split(","):
            server = stack.enter_context(postgresql()) if database == "postgresql" else None
            stages = {}
            for size in sizes:
                url = new_database(server, f"cases_{size}") if server else None
                stages[size] = Stage(prepare(folder / f"{database}-{size}", url, size, options.open))
            found = measure(stages, options.requests)
            print(f"\n{shown(database, found)}", flush=True)
            growth = found[PAGES[0].name][sizes[-1]][1] / found[PAGES[0].name][sizes[0]][1]
            missed += [database] if growth > TARGET else []
            result[database] = {"worklist_growth": round(growth, 2), "pages_ms": found}
    print(json.dumps({"open_share": options.open, "target": TARGET, "missed": missed, **result}))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
