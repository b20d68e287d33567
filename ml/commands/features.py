"""`python -m ml features RUNS …`: what the networks see in the pictures that pattern heads and gate are fitted on."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml.release.sources import Sources


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "features", help="features of the finished folds' networks, for `release`"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and everything")
    add_sets(parser)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these, such as fold-2 (default: all finished)")
    parser.set_defaults(run=run)


def add_sets(parser: argparse.ArgumentParser) -> None:
    """The data sets that heads, gate and calibration need."""
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--readings", type=Path, required=True, help="the readings: zip or folder")
    parser.add_argument("--structures", type=Path, required=True, help="ISIC 2018 Task 2: zip or folder")


def sources_of(options: argparse.Namespace) -> "Sources":
    """The data sets named on the command line. Raises `DataError`."""
    import torch

    from ml.release.sources import Sources

    torch.set_num_threads(1)  # several runs side by side beat one in several threads
    return Sources.read(options.ham, options.milk, options.readings, options.structures)


def run(options: argparse.Namespace) -> int:
    from ml.data.records import DataError
    from ml.release.heads import see
    from ml.release.sources import HeldOut
    from ml.training.recipe.frozen import Run
    from ml.training.recipe.train import WEIGHTS

    finished = sorted(file.parent for file in options.folder.glob(f"*/{WEIGHTS}"))
    chosen = [folder for folder in finished if folder.name in (options.only or [folder.name])]
    if not chosen:
        raise DataError(f"{options.folder} holds no finished run of that name.")
    sources = sources_of(options)
    for folder in chosen:
        see(Run.read(folder), sources, HeldOut.of(folder))
        print(f"{folder.name}: {', '.join(sorted(file.name for file in folder.glob('*.npz')))}", flush=True)
    return 0
