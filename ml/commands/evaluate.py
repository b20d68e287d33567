"""`python -m ml evaluate [BUNDLE] --data HAM10000 [--structures ISIC2018] [--split test]`: prints JSON."""

import argparse
import json
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("evaluate", help="measure a bundle on held-out lesions")
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="default: the shipped bundle")
    parser.add_argument("--data", type=Path, required=True, help="HAM10000: the zip or the unpacked folder")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2, to measure the pigment-network head")
    parser.add_argument(
        "--drawings", type=int, default=400, metavar="N", help="unseen phantoms, and as many grafts (default: 400)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.bundle import Bundle
    from ml.datasets import Ham10000, Split, split_by_lesion
    from ml.engine import Engine
    from ml.evaluation import measure, predict
    from ml.pattern_evaluation import patterns_and_abstention
    from ml.structures import Isic2018Task2

    bundle, data = Bundle.load(options.bundle), Ham10000(options.data)
    records = split_by_lesion(data.records, bundle.card.data["seed"])[Split(options.split)]
    marked = Isic2018Task2(options.structures) if options.structures else None
    split, engine = Split(options.split), Engine(bundle, threads=0)
    known = predict(engine, data, records)
    figures = measure(known, bundle.card)
    figures |= patterns_and_abstention(engine, known, data, marked, split, options.drawings)
    print(json.dumps({"bundle": bundle.reference, "split": options.split, **figures}, indent=1))
    return 0
