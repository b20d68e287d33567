"""`python -m ml quality --ham ZIP --milk ZIP`: what share of real images the quality check flags."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("quality", help="how often real images are flagged, and why")
    parser.add_argument("--ham", type=Path, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, help="MILK10k: zip or folder, by skin tone class")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take every Nth image (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.evaluation.image_quality import shares
    from ml.imaging.quality import QualityLimits

    columns = ("out_of_focus", "too_dark", "washed_out", "little_skin")
    print(f"{'images':14}{'group':22}{'number':>8}" + "".join(f"{name:>14}" for name in columns))
    for row in shares(_images(options), QualityLimits()):
        counts = "".join(f"{row[name]:>14.2%}" for name in columns)
        print(f"{row['images']:14}{row['group']:22}{row['number']:>8}{counts}")
    return 0


def _images(options: argparse.Namespace) -> "Iterator[tuple[str, Image.Image]]":
    from ml.data.ham10000 import Ham10000
    from ml.data.milk10k import Milk10k

    every = max(options.every, 1)
    if options.ham:
        ham = Ham10000(options.ham)
        yield from (("HAM10000", ham.image(record)) for record in ham.records[::every])
    if options.milk:
        milk = Milk10k(options.milk)
        yield from ((f"MILK10k, tone {milk.skin_tone(record)}", milk.image(record)) for record in milk.records[::every])
