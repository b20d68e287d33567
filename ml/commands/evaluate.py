"""`python -m ml evaluate [BUNDLE] --data HAM10000 …`: measure a bundle and judge it by the criteria."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.commands.sources import add_sources, sources_of
from ml.data.records import DataError


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("evaluate", help="measure a bundle on held-out lesions")
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="default: the shipped bundle")
    add_sources(parser)
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument(
        "--drawings", type=int, default=400, metavar="N", help="new phantoms, and as many grafts (default: %(default)s)"
    )
    parser.add_argument("--backbones", type=Path, metavar="JSON", help="output of `python -m ml backbones --json`")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write report.html and report.json there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.bundle import Bundle
    from ml.data.splits import Split
    from ml.engine import Engine
    from ml.report.document import document
    from ml.report.files import write_report

    engine = Engine(Bundle.load(options.bundle), threads=0)
    backbones = _backbones(options.backbones)
    found = document(engine, sources_of(options), Split(options.split), options.drawings, backbones)
    print(_text(found))
    if options.output:
        write_report(options.output, found)
        print(f"\n{options.output / 'report.html'}")
    return 0


def _text(found: Mapping[str, Any]) -> str:
    from ml.evaluation.criteria import words

    rows = [(row["name"], *words(row)) for row in found["criteria"]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head = (
        f"{found['bundle']}, {found['split']} split: {found['images']} images of {found['lesions']} lesions, "
        f"{found['bcc_images']} images of {found['bcc_lesions']} lesions BCC. Intervals: 95 % bootstrap over lesions.\n"
    )
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join([head, *(line.rstrip() for line in lines)])


def _backbones(file: Path | None) -> list[dict[str, Any]]:
    if file is None:
        return []
    try:
        return list(json.loads(file.read_text(encoding="utf-8"))["backbones"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is not the output of `python -m ml backbones --json`.") from error
