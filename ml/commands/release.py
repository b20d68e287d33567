"""`python -m ml release RUNS BUNDLE …`: make a bundle of the folds and of the network that learnt from everything."""

import argparse
import json
from pathlib import Path
from typing import Any

from ml.commands.features import add_sets, sources_of


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "release", help="make a bundle of finished folds; the same command continues where it was interrupted"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and everything")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder to write; its name becomes the bundle's")
    add_sets(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.release.build import release

    card = release(options.folder, options.bundle, sources_of(options))
    print(json.dumps({"bundle": card.reference, "notice": card.notice, **card.metrics}, indent=1))
    return 0
