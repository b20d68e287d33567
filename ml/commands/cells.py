"""`python -m ml cells RUNS …`: pattern heads that learn where, judged out of fold by what they find and where."""

import argparse
from pathlib import Path
from typing import Any

from ml.commands.judge import words


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("cells", help="pattern heads learnt from the readers' cells")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and their features")
    parser.add_argument("--readings", type=Path, required=True, help="the readings: zip or folder")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import numpy as np
    import torch
    from scipy.special import expit

    from ml.commands.heads import text
    from ml.data.collections import read_collections
    from ml.data.diagnoses import Diagnosis
    from ml.data.readings import EVIDENCE, PATTERNS, read_readings
    from ml.evaluation.cells import GRID, against_readers, shares
    from ml.evaluation.pattern_heads import SIX, PatternScores
    from ml.training.recipe.reading_cells import fold_cells

    torch.set_num_threads(1)
    readings = read_readings(options.readings)
    items = {item.image_id: item for each in read_collections(options.ham, options.milk, None) for item in each.items}
    folds = list(fold_cells(options.folder, readings))
    judged = [items[image] for fold in folds for image in fold.images]
    found = PatternScores(
        scores=np.concatenate([fold.scores for fold in folds]),
        present=np.concatenate([fold.present for fold in folds]) > 0.5,
        bcc=np.array([item.diagnosis is Diagnosis.BCC for item in judged]),
        naevus=np.array([item.diagnosis is Diagnosis.NV for item in judged]),
        group=np.array([item.group for item in judged]),
    )
    print(f"Readings: {EVIDENCE}.\n{text(found)}\nMaps of images that show the target, beside the readers' cells:")
    maps = expit(np.concatenate([fold.logits for fold in folds])).reshape(-1, GRID, GRID, len(PATTERNS))
    named = np.concatenate([fold.named for fold in folds]).reshape(maps.shape)
    # A BCC is where any of the six is.
    targets = [("BCC", found.bcc, maps[..., SIX].max(axis=3), named[..., SIX].max(axis=3))]
    targets += [(p.value, found.present[:, k], maps[..., k], named[..., k]) for k, p in enumerate(PATTERNS)]
    for target, shown, there, read in targets:
        row = against_readers(shares(there[shown]), read[shown], found.group[shown])
        print(
            f"  {target:3} {row.images:4} images, inside over outside {words(row.ratio)}, "
            f"strongest cell named by nobody {words(row.missed)}"
        )
    return 0
