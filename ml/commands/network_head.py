"""Pigment network, learnt from the experts of ISIC 2018 Task 2 alone: the part of `python -m ml heads` about it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.commands.judge import words
from ml.data.collections import FOLDS, deal
from ml.data.task2 import Isic2018Task2
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.training.pattern_heads import fit, means
from ml.training.recipe.network import CHANNELS, STAGES


def pigment_network(folder: Path, structures: Path, stages: Sequence[int], strength: float) -> str:
    """How well the experts' labels are found in images that the head never saw, in words."""
    data = Isic2018Task2(structures)
    records = {record.image_id: record for record in data.records}
    columns = means(STAGES, CHANNELS, stages)
    files = sorted(folder.glob("fold-*/task2.npz"))
    if not files:
        return "  PN: no features of ISIC 2018 Task 2 yet"
    scores = []
    for file in files:
        with np.load(file) as stored:
            images, features = stored["image_id"].tolist(), stored["features"][:, columns].astype(np.float64)
        marked = np.array([data.pigment_network(records[image]) for image in images])
        groups = [records[image].group for image in images]
        dealt = deal({group: str(yes) for group, yes in zip(groups, marked, strict=True)}, seed=1)
        fold = np.array([dealt[group] for group in groups])
        found = np.empty(len(images))
        for number in range(FOLDS):
            out = fold == number
            found[out] = fit(features[~out], marked[~out].astype(float), strength).logits(features[out])
        scores.append(found)
    bootstrap = Bootstrap(groups)
    one, mean = (bootstrap.interval(metrics.roc_auc, each, marked) for each in (scores[0], np.mean(scores, axis=0)))
    return f"  PN, {int(marked.sum())} of {len(marked)} by experts: {words(one)}; {len(files)} networks: {words(mean)}"
