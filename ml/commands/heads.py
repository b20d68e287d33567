"""`python -m ml heads RUNS …`: pattern heads on the folds' frozen networks, judged out of fold and within BCC."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml.commands.judge import words

if TYPE_CHECKING:
    from ml.evaluation.pattern_heads import PatternScores

CHOICES = {"last": (18,), "means": (6, 10, 13, 16, 17, 18)}


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("heads", help="pattern heads judged within BCC, out of fold")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with fold-0 … fold-4 and their features")
    parser.add_argument("--readings", type=Path, required=True, help="the readings: zip or folder")
    parser.add_argument("--ham", type=Path, required=True, help="HAM10000: zip or folder")
    parser.add_argument("--milk", type=Path, required=True, help="MILK10k: zip or folder")
    parser.add_argument("--structures", type=Path, help="ISIC 2018 Task 2, for pigment network")
    parser.add_argument("--strength", type=float, nargs="+", help="inverse strength of the penalty")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from ml.data.readings import EVIDENCE, read_readings
    from ml.training.pattern_heads import STRENGTH

    readings = read_readings(options.readings)
    print(f"Readings: {EVIDENCE}.")
    for name, stages in CHOICES.items():
        for strength in options.strength or (STRENGTH,):
            print(f"\nStages {name}, strength {strength:g}")
            found = scores(options, readings, stages, strength)
            print(text(found))
            if options.structures:
                from ml.commands.network_head import pigment_network

                print(pigment_network(options.folder, options.structures, stages, strength))
    return 0


def scores(options: argparse.Namespace, readings: Any, stages: tuple[int, ...], strength: float) -> "PatternScores":
    """Each read image scored by heads, and by a network, that never saw its lesion."""
    import numpy as np

    from ml.data.collections import read_collections
    from ml.data.diagnoses import Diagnosis
    from ml.evaluation.pattern_heads import PatternScores
    from ml.training.recipe.fold_heads import fold_heads

    items = {item.image_id: item for each in read_collections(options.ham, options.milk, None) for item in each.items}
    folds = list(fold_heads(options.folder, readings, stages, strength))
    judged = [items[image] for fold in folds for image in fold.images]
    return PatternScores(
        scores=np.concatenate([fold.logits for fold in folds]),
        present=np.concatenate([fold.present for fold in folds]) > 0.5,
        bcc=np.array([item.diagnosis is Diagnosis.BCC for item in judged]),
        naevus=np.array([item.diagnosis is Diagnosis.NV for item in judged]),
        group=np.array([item.group for item in judged]),
    )


def text(found: "PatternScores") -> str:
    from ml.evaluation.pattern_heads import any_of_six, mean_correlation, within_bcc

    lines = [f"Within BCC ({int(found.bcc.sum())} of {len(found.bcc)} images), area under the ROC curve:"]
    for pattern, row in within_bcc(found).items():
        note = "" if row.told_apart else "  not told apart"
        lines.append(f"  {pattern.value:3} {words(row.auc):26} {row.positives:4} positives{note}")
    lines.append(f"  mean correlation of the six: {mean_correlation(found):.2f}")
    called = any_of_six(found, found.scores >= 0)
    lines.append(
        f"  at 0.5: one that was read is called in {called['right']:.3f} of BCC with any, any in {called['naevi']:.3f} "
        f"of {int(found.naevus.sum())} naevi"
    )
    return "\n".join(lines)
