"""The model's results in the application's own terms. Loaded in worker processes only."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ml.bundle import Bundle
from ml.card import BCC, Card
from ml.engine import Engine, Look
from ml.imaging.decoding import decode
from ml.results import Finding, Heatmap, Result
from webapp import metrics
from webapp.analysis.results import HeatmapRaster, Outcome, TargetResult
from webapp.core.config import Settings
from webapp.triage.concern import reaches

log = logging.getLogger(__name__)


class Loaded(NamedTuple):
    engine: Engine
    card: Card
    card_json: dict[str, Any]
    """Made once: it is long, and needed for every result."""


@lru_cache(maxsize=1)
def loaded(bundle: Path | None) -> Loaded:
    """Once per process. A failure is not cached, so a repaired bundle is found without a restart."""
    engine = Engine(Bundle.load(bundle))
    log.info("model %s is loaded", engine.bundle.reference)
    return Loaded(engine, engine.bundle.card, engine.bundle.card.to_json())


def look(data: bytes, settings: Settings) -> Look:
    """What the model needs of stored image bytes, whose seal the store has checked.

    Raises BundleError or UnreadableImage.
    """
    model = loaded(settings.model_bundle)
    with metrics.stage("decode"):
        image = decode(data, max_pixels=settings.max_image_megapixels * 1_000_000, known_whole=True)
        return model.engine.look(image)


def analyse(data: bytes, settings: Settings) -> Outcome:
    """The model's result for stored image bytes. Raises BundleError or UnreadableImage."""
    (outcome,) = analyse_together([look(data, settings)], settings)
    return outcome


def analyse_together(looks: Sequence[Look], settings: Settings) -> list[Outcome]:
    """The model's results, in the same order. Raises BundleError."""
    model = loaded(settings.model_bundle)
    with metrics.stage("model", shared_by=len(looks)):
        found = model.engine.classify(looks)
    return [_outcome(result, model) for result in found]


def _outcome(result: Result, model: Loaded) -> Outcome:
    return Outcome(
        model_name=model.card.name,
        weights_sha256=model.card.sha256,
        card=model.card_json,
        preprocessing=result.preprocessing,
        bcc_probability=result.bcc_probability,
        bcc=result.bcc,
        needs_person=result.needs_person,
        modality=result.modality,
        reasons=[{"code": reason.value, "message": reason.message} for reason in result.reasons],
        lesion={lesion.value: share for lesion, share in result.lesion.items()},
        region={"left": result.region.left, "top": result.region.top, "size": result.region.size},
        findings=_findings(result, model.card),
    )


def _findings(result: Result, card: Card) -> list[TargetResult]:
    """Every assessed target; with a heatmap only if it is present and has a place.

    BCC's is kept from the lowest operating point on, since the clinic may have chosen that one or choose it later.
    """
    lowest = min(point.threshold for point in card.bcc.operating_points)
    return [
        TargetResult(
            target=finding.target,
            probability=finding.probability,
            present=finding.present,
            call=finding.call,
            strength=finding.strength,
            placed=finding.placed,
            map=_raster(result.heatmaps[finding.target]) if finding.present or _may_count(finding, lowest) else None,
        )
        for finding in result.findings
    ]


def _may_count(finding: Finding, lowest: float) -> bool:
    return finding.target == BCC and bool(reaches(finding.probability, lowest))


def _raster(heatmap: Heatmap) -> HeatmapRaster | None:
    """None where there is no reliable place."""
    png = heatmap.to_png()
    if png is None:
        return None
    rows, columns = heatmap.raw.shape
    row, column = divmod(int(heatmap.raw.argmax()), columns)
    return HeatmapRaster(
        png=png,
        peak_x=(column + 0.5) / columns,
        peak_y=(row + 0.5) / rows,
        extent=float((heatmap.raw >= heatmap.raw.max() / 2).mean()),
    )
