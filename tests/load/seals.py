"""What sealing adds to the request that decides a case: ``python -m tests.load.seals [cases]``; the last line is JSON.

In processor time, which a busy machine changes less than the time on the clock. Every other decision is made with
sealing turned off, so that both see the same machine and the same database.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

from flask_migrate import upgrade

from tests.conftest import PASSWORD, World, make_app, make_settings
from tests.web.reading import all_of, take
from tests.web_client import new_client
from webapp.audit import sealing
from webapp.models import Role

CASES = 100
PATTERNS = ("PN", "U", "ON", "MG", "ML", "SW", "AT")


def main(cases: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = make_app(make_settings(Path(folder)))
        with app.app_context():
            upgrade()
        world = World(app)
        gp, reader = world.user(Role.GP), new_client(app)
        reader.sign_in(world.user(Role.DERMATOLOGIST), PASSWORD)
        took: dict[bool, list[float]] = {True: [], False: []}
        for index in range(2 * cases):
            number = world.case(gp)
            world.analyse(number, 0.9)
            take(reader, number)
            form = {
                "csrf_token": reader.token("/profile"),
                "shown": all_of(reader, number),
                "diagnosis": "bcc",
                "management": "biopsy",
                **{f"pattern_{code}": "present" for code in PATTERNS},
            }
            sealed = index % 2 == 0
            with mock.patch.object(sealing, "taken", sealing.taken if sealed else lambda _session: {}):
                began = time.process_time()
                answer = reader.post(f"/review/{number}/decide", data=form)
                took[sealed].append((time.process_time() - began) * 1000)
            assert answer.status_code == 302, answer.text
    figures = {
        f"decide_cpu_ms_{name}": round(statistics.median(took[sealed]), 2)
        for name, sealed in (("sealed", True), ("unsealed", False))
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CASES)
