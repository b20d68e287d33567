"""`python -m ml card [BUNDLE]`: the model card as Markdown on standard output."""

import argparse
from pathlib import Path
from typing import Any

from ml.bundle import read_card
from ml.model_card import markdown


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("card", help="print a bundle's model card as Markdown")
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="default: the shipped bundle")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    print(markdown(read_card(options.bundle)), end="")
    return 0
