"""`python -m ml predict IMAGE… [--json] [--bundle DIR] [--heatmaps DIR]`."""

import argparse
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from ml.bundle import Bundle
from ml.imaging.decoding import UnreadableImage, decode
from ml.overlay import overlay
from ml.results import Reason, Result

if TYPE_CHECKING:
    from ml.engine import Engine

_BATCH: Final = 4
Row = tuple[str, Image.Image | None, Result | None, str]  # name, image, result, error


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("predict", help="classify images with a bundle")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--json", action="store_true", help="one JSON object per line instead of text")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="default: the shipped bundle")
    parser.add_argument(
        "--heatmaps", type=Path, metavar="DIR", help="also write an overlay PNG per image and finding present"
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
    for number, (name, image, result, error) in enumerate(_results(engine, options.images), start=1):
        failed |= bool(error)
        print(_json(name, result, error) if options.json else _line(name, result, error), flush=True)
        if options.heatmaps and image and result:
            _write_overlays(options.heatmaps, number, name, image, result)
    return int(failed)


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
    if result.bcc_probability is None or result.bcc is None:
        verdict = "no result"
    else:
        likeliest = max(result.lesion, key=lambda lesion: result.lesion[lesion])
        verdict = (
            f"P(BCC) {result.bcc_probability:.3f} {'BCC' if result.bcc else 'not BCC'}"
            f" · most likely type: {likeliest.label} ({result.lesion[likeliest]:.2f})"
        )
    return "\n".join([name, f"    {verdict}", *(f"    needs a person: {_sentence(r)}" for r in result.reasons)])


def _sentence(reason: Reason) -> str:
    return reason.message


def _write_overlays(folder: Path, number: int, name: str, image: Image.Image, result: Result) -> None:
    """One PNG per finding present; the number tells apart files of the same name from different folders."""
    for finding in result.findings:
        if finding.present and finding.strength > 0:
            file = folder / f"{number:04d}-{Path(name).stem}-{finding.target}.png"
            overlay(image, result.heatmaps[finding.target], result.region).save(file)
