"""`python -m ml report [BUNDLE] --data HAM10000 --output DIR`: report.html and report.json."""

import argparse
import json
from pathlib import Path
from typing import Any

from ml.datasets import DataError


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("report", help="measure a bundle and write it up as one page")
    parser.add_argument("bundle", type=Path, nargs="?", metavar="BUNDLE", help="default: the shipped bundle")
    parser.add_argument("--data", type=Path, required=True, help="HAM10000: the zip or the unpacked folder")
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="where report.html and report.json go"
    )
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--alignment", type=Path, metavar="JSON", help="what `ml.alignment.table` gave")
    parser.add_argument("--backbones", type=Path, metavar="JSON", help="what `python -m ml backbones --json` printed")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.bundle import Bundle
    from ml.datasets import Ham10000, Split, split_by_lesion
    from ml.engine import Engine
    from ml.evaluation import predict
    from ml.report.document import document
    from ml.report.page import page

    bundle, data = Bundle.load(options.bundle), Ham10000(options.data)
    alignment, backbones = _read(options.alignment), _read(options.backbones).get("backbones", [])
    records = split_by_lesion(data.records, bundle.card.data["seed"])[Split(options.split)]
    predictions = predict(Engine(bundle, threads=0), data, records)
    found = document(predictions, bundle.card, options.split, alignment, backbones)
    options.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (options.output / "report.json").write_text(text, encoding="utf-8")
    (options.output / "report.html").write_text(page(found), encoding="utf-8")
    print(options.output / "report.html")
    return 0


def _read(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise DataError(f"{file} is not the JSON object this expects: {error}.") from error
