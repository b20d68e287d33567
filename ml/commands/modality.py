"""`python -m ml modality RUNS --fold 0`: the gate between dermoscopy and everything else, judged out of fold."""

import argparse
from pathlib import Path
from typing import Any

from ml.commands.judge import words


def register(commands: Any) -> None:
    parser: argparse.ArgumentParser = commands.add_parser("modality", help="the modality gate, judged out of fold")
    parser.add_argument("folder", type=Path, metavar="RUNS", help="folder with the fold and its gate.npz")
    parser.add_argument("--fold", type=int, default=0)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    import numpy as np

    from ml.data.collections import FOLDS, deal
    from ml.data.records import DataError
    from ml.training.modality import MODALITIES, Modality, fit
    from ml.training.pattern_heads import means
    from ml.training.recipe.network import CHANNELS, STAGES

    file = options.folder / f"fold-{options.fold}" / "gate.npz"
    if not file.exists():
        raise DataError(f"{file} is not there yet: `python -m ml features RUNS --gate {options.fold}` makes it.")
    columns = means(STAGES, CHANNELS, STAGES)
    with np.load(file) as stored, np.load(file.parent / "predictions.npz") as predicted:
        names, features = stored["image_id"].tolist(), stored["features"][:, columns]
        # The dermoscopic images come first, in the order of the predictions, which are of the pictures as they come.
        whole = predicted["features"][:, columns]
    source, lesion = zip(*(name.split("/", 1) for name in names), strict=True)
    modality = [Modality(one) if one in list(Modality) else Modality.DERMOSCOPIC for one in source]
    # What a picture of something else shows is its kind: no kind is in two folds.
    groups = [name.rsplit("-", 1)[0] if one == "other" else name for one, name in zip(source, lesion, strict=True)]
    dealt = deal(dict(zip(groups, source, strict=True)), seed=1)
    fold = np.array([dealt[group] for group in groups])
    found, unshrunk = np.empty((len(names), len(MODALITIES))), np.empty(len(whole))
    for number in range(FOLDS):
        out = fold == number
        gate = fit(features[~out].astype(float), [m for m, o in zip(modality, out, strict=True) if not o])
        found[out] = gate.probabilities(features[out].astype(float))
        first = out[: len(whole)]
        unshrunk[first] = gate.probabilities(whole[first].astype(float))[:, 0]
    print(text(found[:, 0], unshrunk, np.array(source), np.array(groups)))
    return 0


def text(dermoscopic: Any, unshrunk: Any, source: Any, groups: Any) -> str:
    """(N,) probabilities of dermoscopy, those of the first M as they come, where from, and lesion → the table."""
    import numpy as np

    from ml.evaluation import metrics
    from ml.evaluation.bootstrap import Bootstrap
    from ml.training.modality import FALSE_ALARMS, threshold

    real = ~np.isin(source, ["clinical", "other"])
    lines = []
    for size, scores in (("shrunk alike", dermoscopic), ("as they come", np.r_[unshrunk, dermoscopic[~real]])):
        limit, bootstrap = threshold(scores[real]), Bootstrap(groups)
        lines.append(
            f"Dermoscopic images {size}: a person is asked below P {limit:.3f}, for {FALSE_ALARMS:.0%} of them"
        )
        for name in np.unique(source):
            rows = source == name
            asked = bootstrap.interval(metrics.share, scores < limit, rows)
            lines.append(f"  {name:10} {int(rows.sum()):5} pictures, sent to a person: {words(asked)}")
    return "\n".join(lines)
