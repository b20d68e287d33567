"""`python -m ml release RUNS BUNDLE …`: make a bundle of the folds and of the network that learnt from everything."""

import argparse
import json
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "release", help="make a bundle of finished folds; the same command continues where it was interrupted"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and everything")
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="folder to write; its name becomes the bundle's")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--readings", type=Path, required=True, help="the readings: zip or folder")
    parser.add_argument("--structures", type=Path, required=True, help="ISIC 2018 Task 2: zip or folder")
    parser.add_argument("--pairs", type=Path, help="CSV of images that show the same lesion, as for `folds`")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import torch

    from ml.release.build import release
    from ml.release.sources import Sources

    torch.set_num_threads(1)
    sources = Sources.read(options.ham, options.milk, options.readings, options.structures, options.pairs)
    card = release(options.folder, options.bundle, sources)
    print(json.dumps({"bundle": card.reference, "notice": card.notice, **card.metrics}, indent=1))
    return 0
