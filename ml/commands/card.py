"""`python -m ml card [BUNDLE]`: the model card as Markdown on standard output."""

import argparse
from pathlib import Path
from typing import Any

from ml.bundle import DEFAULT_BUNDLE, read_card


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("card", help="print a bundle's model card as Markdown")
    parser.add_argument(
        "bundle", type=Path, nargs="?", default=DEFAULT_BUNDLE, metavar="BUNDLE", help="default: the shipped bundle"
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="JSON",
        help="report.json written by `evaluate --output` (default: the bundle's own)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.report.files import REPORT_FILE, read_report
    from ml.report.model_card import model_card

    card, own = read_card(options.bundle), options.bundle / REPORT_FILE
    file = options.report or (own if own.exists() else None)
    print(model_card(card, read_report(file, card) if file else None), end="")
    return 0
