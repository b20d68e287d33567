"""`python -m ml explain IMAGE… --output DIR [--method gradcam++] [--target BCC MEL SCC] [--bundle DIR]`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from ml.bundle import Bundle
from ml.card import BCC, Card, Place
from ml.imaging.decoding import UnreadableImage, decode
from ml.imaging.preprocessing import prepare
from ml.overlay import overlay
from ml.patterns import MALIGNANT
from ml.results import Heatmap, Result

if TYPE_CHECKING:
    from ml.explain.base import Explainer

_METHODS: Final = ("gradcam", "gradcam++", "scorecam")
# The patterns' own maps need no method: `predict --heatmaps` draws them.
_TARGETS: Final = tuple(lesion.target for lesion in MALIGNANT)


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("explain", help="draw heatmaps with a method of your choice")
    parser.add_argument("images", nargs="+", metavar="IMAGE")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the overlay PNGs")
    parser.add_argument(
        "--method", choices=_METHODS, default="gradcam", help="default: %(default)s; scorecam takes seconds per image"
    )
    parser.add_argument(
        "--target", nargs="+", default=[BCC], choices=_TARGETS, help="malignant types by the lesion head (default: BCC)"
    )
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="default: the shipped bundle")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (default: all)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    bundle = Bundle.load(options.bundle)
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
        for code in options.target if result.findings else ():
            file = options.output / f"{number:04d}-{Path(name).stem}-{code}-{options.method}.png"
            print(f"    {_explain(explainer, bundle.card, image, result, code, file)}", flush=True)
    return failed


def _explain(explainer: "Explainer", card: Card, image: Image.Image, result: Result, code: str, file: Path) -> str:
    """Draw one finding if it is present, on a scale of its own; returns what was done, in words."""
    finding = next(each for each in result.findings if each.target == code)
    verdict = f"{code}: P {finding.probability:.3f}"
    if not finding.present:
        return f"{verdict}, absent: no heatmap is drawn"
    index = [lesion.target for lesion in card.lesions].index(code)
    raw = explainer.heatmaps(prepare(image, card.preprocessing)[None], index)[0]
    if raw.max() <= 0:
        return f"{verdict}, present: the method found no map"
    overlay(image, Heatmap(raw, Place(full=float(raw.max()), floor=0.0)), result.region).save(file)
    return f"{verdict}, present: {file}"
