"""How often the engine asks for a person: on real images, and on pictures that are not dermoscopy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from ml.engine import Engine
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.diagnosis import Predictions
from ml.evaluation.metrics import Flags
from ml.evaluation.out_of_distribution import strangers


def abstention(engine: Engine, known: Predictions, resamples: int | None = None) -> dict[str, Any]:
    """Share of real images that go to a person unanswered, and how many of each kind of stranger do."""
    bootstrap, everyone = Bootstrap(known.groups, resamples), np.ones(len(known.bcc), np.bool_)
    either: Flags = known.unfamiliar | known.flagged
    kinds: dict[str, list[Image.Image]] = {}
    for kind, image in strangers():
        kinds.setdefault(kind, []).append(image)
    sent = {kind: [_sent(engine, images), len(images)] for kind, images in kinds.items()}
    return {
        "real_unfamiliar": bootstrap.interval(metrics.share, known.unfamiliar, everyone),
        "real_unfamiliar_bcc": bootstrap.interval(metrics.share, known.unfamiliar, known.bcc),
        "real_any_reason": bootstrap.interval(metrics.share, either, everyone),
        "has_novelty_test": engine.bundle.card.novelty is not None,
        "strangers": sent,
        "strangers_total": [sum(counts) for counts in zip(*sent.values(), strict=True)],
    }


def _sent(engine: Engine, images: Sequence[Image.Image]) -> int:
    return sum(result.needs_person for result in engine.run(images))
