"""One analysis from bytes to stored answer. Runs in a worker process only."""

import logging
from functools import lru_cache
from pathlib import Path

from flask import Flask, current_app
from huey.exceptions import TaskTimeout

from ml.bundle import Bundle, BundleError
from ml.card import BCC, Card
from ml.decoding import UnreadableImage, decode
from ml.engine import Engine
from ml.results import Finding, Heatmap, Result
from webapp import logs
from webapp.analysis import leases, queries, results, workers
from webapp.analysis.leases import Heartbeat
from webapp.analysis.results import FoundTarget, HeatmapRaster, Outcome
from webapp.config import Settings
from webapp.database import reading, transaction
from webapp.models import FailureReason
from webapp.storage import ImageStore, StorageError

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _engine(bundle: Path | None) -> Engine:
    """Loaded once a process. A failure is not remembered, so a repaired bundle is found without a restart."""
    engine = Engine(Bundle.load(bundle))
    log.info("model %s is loaded", engine.bundle.reference)
    return engine


def warm_up(settings: Settings, worker: str) -> bool:
    """Load the model before the first image waits for it, and note in the worker's row which one, or why none."""
    try:
        card = _engine(settings.model_bundle).bundle.card
    except BundleError as error:
        log.error("no model: %s Every case goes to the top as “needs a person” until this is repaired.", error)
        workers.note_no_model(worker, str(error))
        return False
    workers.note_model(worker, card.name, card.sha256, card.to_json())
    return True


def run_analysis(analysis_id: int) -> None:
    """Take the lease, analyse, store. Whatever happens, the case ends answered, queued again, or at the top."""
    with logs.about(analysis=analysis_id):
        _run(analysis_id)


def _run(analysis_id: int) -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings: Settings = app.extensions["settings"]
    store: ImageStore = app.extensions["image_store"]
    owner = leases.new_owner()
    with transaction():
        taken = leases.take(analysis_id, owner)
    if not taken:
        return
    with Heartbeat(app, analysis_id, owner, settings):
        answer = _attempt(analysis_id, store, settings)
        with transaction():
            if isinstance(answer, FailureReason):
                results.give_up(analysis_id, owner, answer)
            elif results.finish(analysis_id, owner, answer, store):
                log.info("the image is analysed")
            else:
                log.warning("the analysis was finished by another worker, or its case erased; this answer is dropped")


def _attempt(analysis_id: int, store: ImageStore, settings: Settings) -> Outcome | FailureReason:
    try:
        with reading():
            key = queries.image_key(analysis_id)
        return analyse(store.get(key), settings)
    except BundleError as error:
        log.error("no model: %s", error)
        return FailureReason.MODEL_UNAVAILABLE
    except (StorageError, UnreadableImage) as error:
        log.error("the image cannot be analysed: %s", error)
        return FailureReason.IMAGE_UNREADABLE
    except TaskTimeout:
        log.error("the analysis was stopped at its time limit")
        return FailureReason.TIMED_OUT
    except Exception:  # our own bug, or the runtime's: the case must not wait for its repair
        log.exception("the analysis failed")
        return FailureReason.ERROR


def analyse(data: bytes, settings: Settings) -> Outcome:
    """The model's answer on stored image bytes. Raises BundleError, UnreadableImage."""
    engine = _engine(settings.model_bundle)
    (result,) = engine.run([decode(data, max_pixels=settings.max_image_megapixels * 1_000_000)])
    card = engine.bundle.card
    return Outcome(
        model_name=card.name,
        weights_sha256=card.sha256,
        card=card.to_json(),
        preprocessing=result.preprocessing,
        bcc_probability=result.bcc_probability,
        bcc=result.bcc,
        needs_person=result.needs_person,
        reasons=[{"code": reason.value, "message": reason.message} for reason in result.reasons],
        lesion={lesion.value: share for lesion, share in result.lesion.items()},
        region={"left": result.region.left, "top": result.region.top, "size": result.region.size},
        findings=_findings(result, card),
    )


def _findings(result: Result, card: Card) -> list[FoundTarget]:
    """Every assessed target; a heatmap only where the finding is present, since a map of nothing looks strong.

    BCC's is kept from the lowest operating point on: the clinic may have chosen that one, or choose it later.
    """
    lowest = min(point.threshold for point in card.bcc.operating_points)
    return [
        FoundTarget(
            target=finding.target,
            probability=finding.probability,
            present=finding.present,
            strength=finding.strength,
            map=_raster(result.heatmaps[finding.target]) if finding.present or _may_count(finding, lowest) else None,
        )
        for finding in result.findings
    ]


def _may_count(finding: Finding, lowest: float) -> bool:
    return finding.target == BCC and finding.probability >= lowest


def _raster(heatmap: Heatmap) -> HeatmapRaster | None:
    png = heatmap.to_png()
    if png is None:
        return None
    rows, columns = heatmap.raw.shape
    row, column = divmod(int(heatmap.raw.argmax()), columns)
    return HeatmapRaster(
        png=png,
        peak_x=(column + 0.5) / columns,
        peak_y=(row + 0.5) / rows,
        extent=float((heatmap.raw >= heatmap.strength / 2).mean()),
    )
