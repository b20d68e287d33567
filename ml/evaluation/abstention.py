"""How often the engine asks for a person: on real images, and on images that are out of distribution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ml.engine import Engine
from ml.evaluation import metrics, out_of_distribution
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags
from ml.evaluation.predictions import Predictions


def abstention(engine: Engine, known: Predictions, resamples: int | None = None) -> dict[str, Any]:
    """The share of real images sent to a person, and of each kind of other image [sent, images]."""
    bootstrap, everyone = Bootstrap(known.groups, resamples), np.ones(len(known.bcc), np.bool_)
    either: Flags = known.unfamiliar | known.flagged
    kinds: dict[str, list[Image.Image]] = {}
    for kind, image in out_of_distribution.images():
        kinds.setdefault(kind, []).append(image)
    sent = {kind: [_sent(engine, images), len(images)] for kind, images in kinds.items()}
    return {
        "real_unfamiliar": bootstrap.interval(metrics.share, known.unfamiliar, everyone),
        "real_unfamiliar_bcc": bootstrap.interval(metrics.share, known.unfamiliar, known.bcc),
        "real_any_reason": bootstrap.interval(metrics.share, either, everyone),
        "has_novelty_test": engine.bundle.card.novelty is not None,
        "out_of_distribution": sent,
        "out_of_distribution_total": [sum(counts) for counts in zip(*sent.values(), strict=True)],
    }


def _sent(engine: Engine, images: Sequence[Image.Image]) -> int:
    return sum(result.needs_person for result in engine.run(images))
