"""`python -m ml bench [--threads N]`: time the engine against the alternatives; the last line is JSON."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("bench", help="time the engine against the alternatives")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="default: the shipped bundle")
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads of every contestant (default: 1, as in a worker)"
    )
    parser.add_argument(
        "--repetitions", type=int, default=25, help="rounds to count, if time allows (default: %(default)s)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.bench.measure import bench
    from ml.bundle import Bundle

    with tempfile.TemporaryDirectory() as folder:
        found = bench(Bundle.load(options.bundle), Path(folder), max(options.threads, 1), max(options.repetitions, 1))
    for name, times in found["times"].items():
        print(f"{name:<26}{times['median_ms']:>10.2f} ms   ({times['q1_ms']:.2f} to {times['q3_ms']:.2f})")
    if found["machine"]["busy_before"] or found["unsteady"]:
        print("The machine was busy: do not quote these figures. Unsteady:", ", ".join(found["unsteady"]) or "none")
    print(json.dumps(found))
    return 0
