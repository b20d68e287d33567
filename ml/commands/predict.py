"""`python -m ml predict IMAGE… [--json] [--bundle DIR] [--heatmaps DIR] [--cells FILE.csv]`."""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from ml.bundle import Bundle
from ml.imaging.decoding import UnreadableImage, decode
from ml.overlay import overlay
from ml.results import Result

if TYPE_CHECKING:
    from ml.engine import Engine

_BATCH: Final = 4
CELLS: Final = tuple(f"{column}{row}" for row in range(1, 5) for column in "abcd")
Row = tuple[str, Image.Image | None, Result | None, str]  # name, image, result, error


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("predict", help="classify images with a bundle")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of text")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="default: the shipped bundle")
    parser.add_argument(
        "--heatmaps", type=Path, metavar="DIR", help="also write an overlay PNG per image and finding present"
    )
    parser.add_argument(
        "--cells",
        type=Path,
        metavar="CSV",
        help="also write the share of each map in each of 4 × 4 cells",
    )
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    bundle = Bundle.load(options.bundle)
    from ml.engine import Engine

    engine = Engine(bundle, options.threads)
    if options.heatmaps:
        options.heatmaps.mkdir(parents=True, exist_ok=True)
    if not options.json:
        print(f"{bundle.reference}: {bundle.card.notice}")
    failed = False
    with ExitStack() as stack:
        table = None
        if options.cells:
            table = csv.writer(stack.enter_context(options.cells.open("w", encoding="utf-8", newline="")))
            table.writerow(["image", "target", *CELLS])
        for number, (name, image, result, error) in enumerate(_results(engine, options.images), start=1):
            failed |= bool(error)
            print(_json(name, result, error) if options.json else _line(name, result, error), flush=True)
            if options.heatmaps and image and result:
                _write_overlays(options.heatmaps, number, name, image, result)
            if table and result:
                table.writerows(cell_rows(name, result))
    return int(failed)


def cell_rows(name: str, result: Result) -> Iterator[list[str]]:
    """A row for each target: the file's name without suffix, the target, and the 16 shares of its map, sum 1."""
    for target, heatmap in result.heatmaps.items():
        yield [Path(name).stem, target, *(f"{share:.8f}" for share in heatmap.shares().ravel())]


def _results(engine: "Engine", names: Sequence[str]) -> Iterator[Row]:
    remaining = iter(names)
    while batch := list(islice(remaining, _BATCH)):
        read = [_read(name) for name in batch]
        results = iter(engine.run([image for image, _ in read if image]))
        for name, (image, error) in zip(batch, read, strict=True):
            yield name, image, next(results) if image else None, error


def _read(name: str) -> tuple[Image.Image | None, str]:
    try:
        return decode(Path(name).read_bytes()), ""
    except UnreadableImage as error:
        return None, str(error)
    except (OSError, ValueError) as error:  # ValueError: an impossible file name
        return None, f"The file cannot be opened: {getattr(error, 'strerror', None) or error}."


def _json(name: str, result: Result | None, error: str) -> str:
    content = {"error": error} if result is None else result.to_json()
    return json.dumps({"image": name, **content}, allow_nan=False)


def _line(name: str, result: Result | None, error: str) -> str:
    if result is None:
        return f"{name}\n    cannot be read: {error}"
    lines = [*_found(result), *(f"needs a person: {reason.message}" for reason in result.reasons)]
    return "\n".join([name, *(f"    {line}" for line in lines)])


def _found(result: Result) -> list[str]:
    if not result.findings:
        return ["no result"]
    likeliest = max(result.lesion, key=lambda lesion: result.lesion[lesion])
    malignant = ", ".join(f"P({lesion.target}) {value:.3f}" for lesion, value in result.malignant.items())
    seen = [f"{pattern.label} {finding.call}" for pattern, finding in result.patterns.items() if finding.present]
    return [
        f"{malignant} · {'BCC' if result.bcc else 'not BCC'} · most likely type: {likeliest.label} "
        f"({result.lesion[likeliest]:.2f})",
        f"patterns: {', '.join(seen) or 'none seen'}",
    ]


def _write_overlays(folder: Path, number: int, name: str, image: Image.Image, result: Result) -> None:
    """One PNG per finding present; the number tells apart files of the same name from different folders."""
    for finding in result.findings:
        if finding.present and finding.placed:
            file = folder / f"{number:04d}-{Path(name).stem}-{finding.target}.png"
            overlay(image, result.heatmaps[finding.target], result.region).save(file)
