"""``python -m tests.fuzz [--minutes 60] [--seed 1] [--keep FOLDER] [images] [tables] [addresses]``.

Feeds damaged files to the decoder and the readers of tables, and invented parameters to every address, in turn.
Any exception but the refusal in words, and any answer of 500 or above, is a find: its input is kept in FOLDER. The
status is 1 if there was one.
"""

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.fuzz.targets import Target, addresses, images, tables

SLOW_SECONDS = 20.0
"""Of processor time: one input may not keep a machine busy for longer."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Damaged files and invented requests.")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-finds"), help="folder for what was found")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="images, tables, addresses (default: all)")
    options = parser.parse_args()
    with ExitStack() as stack:
        made: dict[str, Target] = {"images": images(), "tables": tables()}
        if not options.targets or "addresses" in options.targets:
            made["addresses"] = stack.enter_context(addresses())
        chosen = {name: made[name] for name in options.targets or made}
        return feed(chosen, options.minutes * 60, options.seed, options.keep)


def feed(targets: dict[str, Target], seconds: float, seed: int, folder: Path) -> int:
    """Each target in turn, until the time is over."""
    began, fed, finds = time.monotonic(), Counter[str](), Counter[str]()
    while time.monotonic() - began < seconds:
        for name, target in targets.items():
            number = fed[name]
            given, act = target(random.Random(f"{seed} {name} {number}"))
            fed[name] += 1
            started = time.process_time()
            try:
                act()
                assert time.process_time() - started < SLOW_SECONDS, "too slow"
            except Exception:
                finds[name] += 1
                folder.mkdir(parents=True, exist_ok=True)
                kept = folder / f"{name}-{seed}-{number}"
                kept.write_bytes(given if isinstance(given, bytes) else given.encode())
                print(f"{kept}\n{traceback.format_exc(limit=-3)}", flush=True)
    for name, count in fed.items():
        print(f"{name}: {count} inputs, {finds[name]} finds")
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(main())
