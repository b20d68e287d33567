"""`python -m ml crossvalidate RUNS --data HAM10000 --weights FILE`: five runs, every lesion held out once."""

import argparse
import json
from pathlib import Path
from typing import Any

from ml.commands.sources import sources_of
from ml.commands.train import add_options, config_of, device_of


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "crossvalidate", help="train and measure five folds; run again to resume"
    )
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder for fold-0 … fold-4 and folds.json")
    parser.add_argument(
        "--folds",
        type=int,
        nargs="+",
        choices=range(5),
        default=range(5),
        metavar="K",
        help="only these folds (default: 0 to 4)",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from ml.release.build import release
    from ml.training.cross_validation import summary
    from ml.training.stages import Trainer

    cards = []
    for fold in options.folds:
        folder = options.folder / f"fold-{fold}"
        sources = sources_of(options)
        Trainer(replace(config_of(options), fold=fold), sources, folder, device_of(options)).run()
        cards.append(release(folder, folder / "bundle", sources))
    text = json.dumps(summary([card.metrics for card in cards]), indent=1)
    (options.folder / "folds.json").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0
