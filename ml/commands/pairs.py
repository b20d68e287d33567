"""`python -m ml pairs OUT.csv --ham ZIP --milk ZIP …`: images of different lesions' names that show the same lesion."""

import argparse
import csv
from pathlib import Path
from typing import Any


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "pairs", help="find images of the same lesion by what they show"
    )
    parser.add_argument("output", type=Path, metavar="OUT.csv")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--clinics", type=Path, help="ISIC 2019 at 84 pixels")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import numpy as np

    from ml.data.collections import read_collections
    from ml.data.pairs import find_pairs, thumbnail

    collections = read_collections(options.ham, options.milk, options.clinics)
    small = [np.stack([thumbnail(each.data.image(item.record)) for item in each.items]) for each in collections]
    with options.output.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["first", "second", "outline", "detail"])
        for number, one in enumerate(collections):
            for other in range(number + 1):
                within = other == number
                for pair in find_pairs(small[number], None if within else small[other]):
                    left, right = one.items[pair.first], collections[other].items[pair.second]
                    if left.group != right.group:
                        rows.writerow([left.image_id, right.image_id, f"{pair.outline:.4f}", f"{pair.detail:.4f}"])
    return 0
