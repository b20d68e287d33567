"""Held-out images with their pattern scores, beside what readers said of them and what the lesion was."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ml.card import Card
from ml.data.collections import Item
from ml.data.readings import Readings
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.pattern_heads import PATTERNS, PatternScores
from ml.evaluation.pattern_scores import FoldScores
from ml.patterns import Lesion, Pattern


@dataclass(frozen=True)
class ReadImages:
    """N images with `scores`, of which `read` (N,) were read: `found` says of which pattern and diagnosis, `named`
    (N, 16, 7) the share of readers who named each cell; both are empty of readings for the others."""

    scores: FoldScores
    found: PatternScores
    read: Flags
    named: Floats
    collection: npt.NDArray[np.str_]

    @classmethod
    def join(cls, scores: FoldScores, items: Mapping[str, Item], readings: Readings) -> Self:
        """`items` by image id; images that are not among them are left out."""
        scores = scores.of(np.isin(scores.image_id, list(items)))
        known = [items[image] for image in scores.image_id.tolist()]
        row_of = readings.index()
        rows = np.array([row_of.get(item.image_id, -1) for item in known], np.int64)
        read = rows >= 0
        present = np.zeros((len(known), len(PATTERNS)), np.bool_)
        present[read] = readings.present[rows[read]] > 0.5
        named = np.zeros((len(known), 16, len(PATTERNS)))
        # (N, 7, 4, 4) → (N, 16, 7)
        named[read] = readings.cells[rows[read]].reshape(-1, len(PATTERNS), 16).transpose(0, 2, 1)
        found = PatternScores(
            scores=scores.scores,
            present=present,
            bcc=read & np.array([item.diagnosis is Lesion.BCC for item in known]),
            naevus=np.array([item.diagnosis is Lesion.NV for item in known]),
            group=np.array([item.group for item in known]),
        )
        return cls(scores, found, read, named, np.array([item.collection for item in known]))

    def finding(self, pattern: Pattern) -> Finding:
        """A pattern on the images that were read, BCC or not."""
        k, rows = PATTERNS.index(pattern), self.read
        found = self.found
        return Finding(
            self.collection[rows],
            found.group[rows],
            self.scores.fold[rows],
            found.scores[rows, k],
            found.present[rows, k],
        )


def above_points(card: Card, scores: Floats) -> Floats:
    """(N, 7) by how much each pattern's probability exceeds the point from which the card calls it present."""
    return np.stack(
        [target.probability(scores[:, k]) - target.present_from for k, target in enumerate(card.patterns)], axis=1
    )
