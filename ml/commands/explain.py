"""`python -m ml explain IMAGE… --output DIR [--method gradcam++] [--target BCC PN…] [--bundle DIR]`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from ml.bundle import Bundle, BundleError
from ml.card import BCC, Card
from ml.imaging.decoding import UnreadableImage, decode
from ml.imaging.preprocessing import prepare
from ml.overlay import overlay
from ml.results import Heatmap, Result

if TYPE_CHECKING:
    from ml.explain.base import Explainer

_METHODS: Final = ("gradcam", "gradcam++", "scorecam")


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("explain", help="draw heatmaps with a method of your choice")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the overlay PNGs")
    parser.add_argument(
        "--method", choices=_METHODS, default="gradcam", help="default: %(default)s; scorecam takes seconds per image"
    )
    parser.add_argument(
        "--target", nargs="+", default=[BCC], metavar="CODE", help="BCC or pattern codes (default: BCC)"
    )
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="default: the shipped bundle")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    bundle = Bundle.load(options.bundle)
    targets = [_index(bundle.card, code) for code in options.target]
    from ml.engine import Engine
    from ml.explain.graph import GraphModel
    from ml.explain.methods import METHODS

    engine = Engine(bundle, options.threads)
    explainer = METHODS[options.method](GraphModel(bundle.model_file, options.threads))
    options.output.mkdir(parents=True, exist_ok=True)
    print(f"{bundle.reference}: {bundle.card.notice}")
    failed = 0
    for number, name in enumerate(options.images, start=1):
        try:
            image = decode(Path(name).read_bytes())
        except (UnreadableImage, OSError, ValueError) as error:  # ValueError: an impossible file name
            print(f"{name}\n    cannot be read: {error}", flush=True)
            failed = 1
            continue
        (result,) = engine.run([image])
        print("\n".join([name, *(f"    {reason.message}" for reason in result.reasons)]), flush=True)
        for target in targets if result.findings else ():
            stem = f"{number:04d}-{Path(name).stem}-{bundle.card.targets[target].code}-{options.method}"
            done = _explain(explainer, bundle.card, image, result, target, options.output / f"{stem}.png")
            print(f"    {done}", flush=True)
    return failed


def _index(card: Card, code: str) -> int:
    codes = [target.code for target in card.targets]
    if code not in codes:
        raise BundleError(f"This bundle does not assess {code}; it assesses {', '.join(codes)}.")
    return codes.index(code)


def _explain(explainer: "Explainer", card: Card, image: Image.Image, result: Result, target: int, file: Path) -> str:
    """Draw one finding if it is present; returns what was done, in words."""
    finding = result.findings[target]
    verdict = f"{finding.target}: P {finding.probability:.3f}"
    if not finding.present:
        return f"{verdict}, absent: no heatmap is drawn"
    heatmap = Heatmap(explainer.heatmaps(prepare(image, card.preprocessing)[None], target)[0])
    if heatmap.strength <= 0:
        return f"{verdict}, present: the method found no map"
    overlay(image, heatmap, result.region).save(file)
    return f"{verdict}, present: strength {heatmap.strength:.4g}, {file}"
