"""`python -m ml maps RUNS …`: whether the folds' maps lie where readers saw what they are maps of."""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.commands.judge import words

if TYPE_CHECKING:
    import numpy as np

    from ml.data.collections import Item
    from ml.training.recipe.fold_heads import FoldHeads


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("maps", help="the folds' maps beside the readers' cells")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and their features")
    parser.add_argument("--readings", type=Path, required=True, help="the readings: zip or folder")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--cells", type=Path, help="write each map's 16 shares there, as CSV")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import numpy as np
    import torch

    from ml.data.collections import read_collections
    from ml.data.readings import EVIDENCE, PATTERNS, read_readings
    from ml.evaluation.cells import against_readers
    from ml.evaluation.pattern_heads import SIX
    from ml.training.pattern_heads import STRENGTH
    from ml.training.recipe.explained import TARGETS
    from ml.training.recipe.fold_heads import fold_heads
    from ml.training.recipe.network import STAGES

    torch.set_num_threads(1)
    readings = read_readings(options.readings)
    pictures = {
        item.image_id: (each.data, item)
        for each in read_collections(options.ham, options.milk, None)
        for item in each.items
    }
    folds = list(fold_heads(options.folder, readings, STAGES, STRENGTH))
    shares = np.concatenate([shares_of(fold, pictures) for fold in folds])
    images = [image for fold in folds for image in fold.images]
    present, cells = (np.concatenate([getattr(fold, name) for fold in folds]) for name in ("present", "cells"))
    lesion = np.array([pictures[image][1].group for image in images])
    bcc = np.array([pictures[image][1].record.bcc for image in images])
    print(f"Readings: {EVIDENCE}. Maps of held-out images beside cells that half the readers named:")
    for number, target in enumerate(TARGETS[: 1 + len(PATTERNS)]):
        # A BCC is where any of the six was seen.
        shown = bcc if number == 0 else present[:, number - 1] > 0.5
        read = cells[:, SIX].max(axis=1) if number == 0 else cells[:, number - 1]
        row = against_readers(shares[shown, number], read[shown], lesion[shown])
        print(
            f"  {target:3} {row.images:4} images, inside over outside {words(row.ratio)}, "
            f"strongest cell named by nobody {words(row.missed)}"
        )
    if options.cells:
        write_cells(options.cells, images, TARGETS, shares)
    return 0


def shares_of(fold: "FoldHeads", pictures: "dict[str, tuple[Any, Item]]") -> "np.ndarray":
    """(M, 10, 4, 4): the shares of every map of the fold's held-out read images."""
    import numpy as np
    import torch

    from ml.evaluation.cells import shares
    from ml.training.modality import MODALITIES, Gate
    from ml.training.recipe.config import read
    from ml.training.recipe.explained import ExplainedLesionNet, StagedHeads
    from ml.training.recipe.frozen import seen
    from ml.training.recipe.train import load, normalise

    recipe = read(fold.folder)
    no_gate = Gate(np.zeros((len(fold.heads[0].weight), len(MODALITIES))), np.zeros(len(MODALITIES)))
    explained = ExplainedLesionNet(load(recipe, fold.folder), StagedHeads(fold.heads), no_gate).eval()
    found = []
    for image in fold.images:
        data, item = pictures[image]
        squared = torch.from_numpy(seen(data.image(item.record), recipe.evaluated).copy()).permute(2, 0, 1)[None]
        with torch.no_grad():
            cams = explained(normalise(squared.float()))[4][0]
        found.append(shares(cams.numpy()))
    return np.stack(found)


def write_cells(file: Path, images: Sequence[str], targets: Sequence[str], shares: "np.ndarray") -> None:
    """A row for each map that is not empty: image, target, a1 … d4."""
    import numpy as np

    from ml.evaluation.cells import CELLS

    with file.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image", "target", *CELLS])
        for image, maps in zip(images, shares, strict=True):
            for target, share in zip(targets, maps, strict=True):
                if not np.isnan(share).any():
                    rows.writerow([image, target, *(f"{value:.4f}" for value in share.ravel())])
