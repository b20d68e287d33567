"""`python -m ml export RUN BUNDLE --data HAM10000`: calibrate on validation, measure on test, write the bundle."""

import argparse
import json
from pathlib import Path
from typing import Any

from ml.commands.sources import add_sources, sources_of


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("export", help="make a bundle from a training run")
    parser.add_argument("folder", type=Path, metavar="RUN")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder to write; its name becomes the bundle's")
    add_sources(parser)
    parser.add_argument("--size", type=int, help="side of the network's input in pixels (default: as in training)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.release.build import release

    card = release(options.folder, options.bundle, sources_of(options), size=options.size)
    print(json.dumps({"bundle": card.reference, **card.metrics}, indent=1))
    return 0
