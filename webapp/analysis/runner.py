"""Analyses from image bytes to stored results. Runs in worker processes only."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from flask import Flask, current_app
from huey.exceptions import TaskTimeout

from ml.bundle import BundleError
from ml.imaging.decoding import UnreadableImage
from webapp import metrics
from webapp.analysis import leases, queries, results, workers
from webapp.analysis.leases import Heartbeat
from webapp.analysis.model import analyse, analyse_together, loaded, look
from webapp.analysis.results import Outcome
from webapp.core import logs
from webapp.core.config import Settings, settings_of
from webapp.core.database import reading, transaction
from webapp.models import FailureReason, utcnow
from webapp.storage.errors import StorageError, StoreAwayError
from webapp.storage.store import ImageStore, store_of

log = logging.getLogger(__name__)

AnalysisResult = Outcome | FailureReason
Got = TypeVar("Got")


def warm_up(settings: Settings, worker: str) -> bool:
    """Load the model before the first image needs it, and note in the worker's row which one, or why none."""
    try:
        _engine, card, card_json = loaded(settings.model_bundle)
    except BundleError as error:
        log.error("no model: %s Every case “needs a person” until this is fixed.", error)
        workers.note_no_model(worker, str(error))
        return False
    workers.note_model(worker, card.name, card.sha256, card_json)
    return True


def run_analysis(analysis_id: int) -> None:
    """Take the lease, analyse, store. Whatever happens, the analysis ends done, queued again or failed.

    Others waiting for their first attempt join in, ANALYSIS_BATCH in all, each with its own lease.
    """
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    settings = settings_of(app)
    store = store_of(app)
    owner = leases.new_owner()
    with transaction():
        taken = leases.take_batch(analysis_id, owner)
    if not taken:
        return
    with Heartbeat(app, taken, owner, settings):
        with logs.about(analysis=taken if len(taken) > 1 else analysis_id):
            found = _results(taken, store, settings)
        for taken_id, result in found.items():
            with logs.about(analysis=taken_id):
                _keep(taken_id, owner, result, store)


def _keep(analysis_id: int, owner: str, result: AnalysisResult, store: ImageStore) -> None:
    """Store a result in its own transaction. If that fails, the lease expires and the sweep takes over."""
    try:
        with metrics.stage("store"):
            if isinstance(result, FailureReason):
                with transaction():
                    results.give_up(analysis_id, owner, result)
            else:
                _finish(analysis_id, owner, result, store)
    except StoreAwayError as error:
        log.error("the heatmaps cannot be stored: %s", error)
        result = FailureReason.STORE_UNAVAILABLE
        with transaction():
            results.give_up(analysis_id, owner, result)
    except Exception:
        log.exception("the result could not be stored; the sweep will send the analysis again")
        return
    metrics.analysed(_ended(result))


def _finish(analysis_id: int, owner: str, outcome: Outcome, store: ImageStore) -> None:
    ready = results.stored(outcome, store)
    with transaction():
        kept = results.finish(analysis_id, owner, ready)
    if kept:
        log.info("the image is analysed")
    else:
        log.warning("a result is dropped: another worker was faster, the case erased, or the model switched off")


def _ended(result: AnalysisResult) -> str:
    if isinstance(result, FailureReason):
        return "failed"
    return "needs person" if result.needs_person else "bcc" if result.bcc else "not bcc"


def _results(analysis_ids: Sequence[int], store: ImageStore, settings: Settings) -> dict[int, AnalysisResult]:
    """One for each whose case has not been erased. An unreadable image fails alone; any other fails them all."""
    try:
        with reading():
            waiting = queries.waiting_since(analysis_ids)
        for _id, _key, since in waiting:
            metrics.spent("wait", (utcnow() - since).total_seconds())
        keys = {analysis_id: key for analysis_id, key, _since in waiting}
        return _alone(keys, store, settings) if len(keys) == 1 else _together(keys, store, settings)
    except BundleError as error:
        log.error("no model: %s", error)
        failure = FailureReason.MODEL_UNAVAILABLE
    except TaskTimeout:
        log.error("the analysis was stopped at its time limit")
        failure = FailureReason.TIMED_OUT
    except Exception:  # a bug, ours or the runtime's: the cases must not wait until it is fixed
        log.exception("the analysis failed")
        failure = FailureReason.ERROR
    return dict.fromkeys(analysis_ids, failure)


def _load(analysis_id: int, key: str, store: ImageStore) -> bytes | FailureReason:
    try:
        with metrics.stage("load"):
            return store.get(key)
    except StorageError as error:
        with logs.about(analysis=analysis_id):
            log.error("the image cannot be read: %s", error)
        away = isinstance(error, StoreAwayError)
        return FailureReason.STORE_UNAVAILABLE if away else FailureReason.IMAGE_UNREADABLE


def _alone(keys: Mapping[int, str], store: ImageStore, settings: Settings) -> dict[int, AnalysisResult]:
    return {analysis_id: _step(analyse, analysis_id, key, store, settings) for analysis_id, key in keys.items()}


def _together(keys: Mapping[int, str], store: ImageStore, settings: Settings) -> dict[int, AnalysisResult]:
    """Look at each image separately, one in memory at a time, then run the network once on the readable ones."""
    seen = {analysis_id: _step(look, analysis_id, key, store, settings) for analysis_id, key in keys.items()}
    readable = {analysis_id: image for analysis_id, image in seen.items() if not isinstance(image, FailureReason)}
    outcomes = analyse_together(list(readable.values()), settings) if readable else []
    failures = {analysis_id: image for analysis_id, image in seen.items() if isinstance(image, FailureReason)}
    return {**dict(zip(readable, outcomes, strict=True)), **failures}


def _step(
    step: Callable[[bytes, Settings], Got], analysis_id: int, key: str, store: ImageStore, settings: Settings
) -> Got | FailureReason:
    """Load one image and do ``step`` with it; what is wrong with this image alone is its result."""
    data = _load(analysis_id, key, store)
    if isinstance(data, FailureReason):
        return data
    try:
        return step(data, settings)
    except UnreadableImage as error:
        with logs.about(analysis=analysis_id):
            log.error("the image cannot be decoded: %s", error)
        return FailureReason.IMAGE_UNREADABLE
