"""`python -m ml export RUN BUNDLE --data HAM10000`: calibrate on validation, measure on test, write the bundle."""

import argparse
import json
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("export", help="make a bundle of a training run")
    parser.add_argument("folder", type=Path, metavar="RUN")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder to write; its name becomes the bundle's")
    parser.add_argument("--data", type=Path, required=True, help="HAM10000: the zip or the unpacked folder")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2, for a run with pattern heads")
    parser.add_argument("--size", type=int, help="side of the network's input, if not that of training")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.datasets import Ham10000
    from ml.mixture import Sources
    from ml.release import release
    from ml.structures import Isic2018Task2

    marked = Isic2018Task2(options.structures) if options.structures else None
    card = release(options.folder, options.bundle, Sources(Ham10000(options.data), marked), size=options.size)
    print(json.dumps({"bundle": card.reference, **card.metrics}, indent=1))
    return 0
