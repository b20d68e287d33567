"""`python -m ml evaluate RUNS --bundle BUNDLE …`: what the recipe reaches on lesions that its networks never saw."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.data.records import DataError

if TYPE_CHECKING:
    from ml.evaluation.outputs import Outputs
    from ml.report.evidence import Evidence

VIEWS = (1, 4)


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate", help="judge the folds of a recipe, and a bundle's points, on lesions that were held out"
    )
    parser.add_argument(
        "folder", type=Path, nargs="?", metavar="RUNS", help="folder of `folds`; without it a bundle's report is shown"
    )
    parser.add_argument("--bundle", type=Path, help="whose calibration and points are judged")
    parser.add_argument("--ham", type=Path, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, help="MILK10k: zip or folder")
    parser.add_argument("--readings", type=Path, help="the readings of patterns: zip or folder")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2, for pigment network: zip or folder")
    parser.add_argument("--pairs", type=Path, help="leave out images that pair with one of another fold (CSV)")
    parser.add_argument(
        "--views", type=int, choices=VIEWS, default=1, help="of each image; the graph sees one (default: %(default)s)"
    )
    parser.add_argument("--section", nargs="+", metavar="NAME", help="only these, such as diagnosis or maps")
    parser.add_argument("--backbones", type=Path, metavar="JSON", help="output of `python -m ml backbones --json`")
    parser.add_argument("--output", type=Path, metavar="DIR", help="also write report.html, report.json and the card")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.report.document import SECTIONS, document
    from ml.report.files import write_report

    if options.folder is None:
        show(stored(options.bundle))
        return 0
    unknown = set(options.section or ()) - set(SECTIONS)
    if unknown:
        raise DataError(f"There is no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}.")
    known = evidence(options)
    found = document(known, options.section)
    show(found)
    if options.output:
        write_report(options.output, found, known.card)
        print(f"\n{options.output / 'report.html'}")
    return 0


def show(found: "dict[str, Any]") -> None:
    from ml.report.page import heading
    from ml.report.parts import text
    from ml.report.sections import sections

    print("\n\n".join([heading(found), *(text(section) for section in sections(found))]))


def stored(bundle: Path | None) -> "dict[str, Any]":
    """What was measured of a bundle, by default the shipped one, when its report was written."""
    from ml.bundle import DEFAULT_BUNDLE, read_card
    from ml.report.files import REPORT_FILE, read_report

    folder = bundle or DEFAULT_BUNDLE
    return read_report(folder / REPORT_FILE, read_card(folder))


def evidence(options: argparse.Namespace) -> "Evidence":
    """Reads everything that was given. Raises `DataError`, and `BundleError` for a bundle that cannot be used."""
    from ml.bundle import read_card
    from ml.data.collections import HAM, MILK, read_collections
    from ml.data.ham10000 import Ham10000
    from ml.data.milk10k import Milk10k
    from ml.data.readings import read_readings
    from ml.data.task2 import Isic2018Task2
    from ml.evaluation.leaks import leaking
    from ml.evaluation.out_of_fold import OutOfFold
    from ml.evaluation.pattern_scores import STRUCTURES_FILE, FoldScores
    from ml.evaluation.read_images import ReadImages
    from ml.report.evidence import Evidence, of_malignant

    if options.ham is None or options.milk is None:
        raise DataError("Judging RUNS takes --ham and --milk.")
    folders = sorted(file.parent for file in options.folder.glob("fold-*/predictions.npz"))
    if not folders:
        raise DataError(f"{options.folder} has no finished fold yet.")
    dropped = leaking(OutOfFold.read(folders, 1), options.pairs)
    found = {views: OutOfFold.read(folders, views, dropped) for views in VIEWS}
    collections = read_collections(options.ham, options.milk, None, options.pairs)
    data = {each.name: each.data for each in collections}
    ham, milk = data[HAM], data[MILK]
    if not isinstance(ham, Ham10000) or not isinstance(milk, Milk10k):
        raise TypeError("read_collections gives the readers of both")
    items = {item.image_id: item for each in collections for item in each.items}
    tones = {record.image_id: tone for record in milk.records if (tone := milk.skin_tone(record)) is not None}
    readings = read_readings(options.readings) if options.readings else None
    scores = FoldScores.read(folders)
    kept = {image: item for image, item in items.items() if image not in dropped}
    return Evidence(
        found=found,
        views=options.views,
        meant={views: of_malignant(each) for views, each in found.items()},
        items=items,
        tones=tones,
        lesion_mask=ham.mask,
        card=read_card(options.bundle) if options.bundle else None,
        patterns=ReadImages.join(scores, kept, readings) if scores and readings else None,
        kappa=readings.kappa if readings else (),
        structures=Isic2018Task2(options.structures) if options.structures else None,
        structure_scores=FoldScores.read(folders, STRUCTURES_FILE),
        outputs=outputs(options.folder),
        backbones=_backbones(options.backbones),
    )


def outputs(folder: Path) -> "Outputs | None":
    """What the folds' graphs say, where `release` has written it already."""
    from ml.evaluation.outputs import FILE, Outputs

    return Outputs.read(folder) if list(folder.glob(f"fold-*/{FILE}")) else None


def _backbones(file: Path | None) -> "tuple[dict[str, Any], ...]":
    if file is None:
        return ()
    try:
        return tuple(json.loads(file.read_text(encoding="utf-8"))["backbones"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{file} is not the output of `python -m ml backbones --json`.") from error
