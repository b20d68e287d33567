"""Storing a worker's result: first heatmaps, then analysis, findings and the case's place in one transaction."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import CursorResult

from ml.patterns import Call, Modality
from webapp import audit
from webapp.analysis import leases, queries, reruns, versions
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, FailureReason, Finding, utcnow
from webapp.storage.ahead import Ahead
from webapp.storage.store import ImageStore
from webapp.triage import rank, reopen, switch


@dataclass(frozen=True)
class HeatmapRaster:
    """A small grey PNG on the target's one scale, and where it is strongest: see the columns of Finding."""

    png: bytes
    peak_x: float
    peak_y: float
    extent: float


@dataclass(frozen=True)
class TargetResult:
    """``probability`` in [0, 1]; ``strength`` and ``placed``: see Finding; ``map``: None if it must not be drawn."""

    target: str
    probability: float
    present: bool
    call: Call | None
    strength: float | None
    placed: bool | None
    map: HeatmapRaster | None


@dataclass(frozen=True)
class Outcome:
    """One image's analysis in the application's own terms."""

    model_name: str
    weights_sha256: str
    card: dict[str, Any]
    preprocessing: str
    bcc_probability: float | None
    bcc: bool | None
    needs_person: bool
    modality: Modality | None
    reasons: list[dict[str, str]]
    lesion: dict[str, float]
    region: dict[str, int]
    findings: list[TargetResult] = field(default_factory=list)


@dataclass(frozen=True)
class Stored:
    """An outcome whose heatmaps are in the store, ahead of their rows; ``keys``: by target."""

    outcome: Outcome
    keys: dict[str, str]
    ahead: Ahead


def stored(outcome: Outcome, store: ImageStore) -> Stored:
    """Put the heatmaps into the store, before the transaction of ``finish``. Raises StoreAwayError."""
    ahead = Ahead(store)
    maps = {found.target: found.map for found in outcome.findings if found.map is not None}
    return Stored(outcome, {target: ahead.put(raster.png) for target, raster in maps.items()}, ahead)


def finish(analysis_id: int, owner: str, ready: Stored) -> bool:
    """Store the outcome and return True if ``owner`` still holds the lease; otherwise change nothing.

    If the model has been switched off meanwhile, the analysis waits until it is on again.
    """
    outcome = ready.outcome
    ready.ahead.expect()
    case = queries.locked_case_of(analysis_id)
    if switch.look_again():
        _put_off(analysis_id, owner)
        return False
    version = versions.version_of(outcome.model_name, outcome.weights_sha256, outcome.card)
    done = leases.held_by(owner, analysis_id).values(
        state=AnalysisState.DONE,
        finished_at=utcnow(),
        failure=None,
        lease_owner=None,
        lease_until=None,
        model_version_id=version.id,
        preprocessing=outcome.preprocessing,
        bcc_probability=outcome.bcc_probability,
        bcc_as_shipped=outcome.bcc,
        needs_person=outcome.needs_person,
        modality=outcome.modality,
        reasons=outcome.reasons,
        lesion=outcome.lesion,
        region=outcome.region,
    )
    result = db.session.execute(done.execution_options(synchronize_session=False))
    if case is None or not isinstance(result, CursorResult) or result.rowcount != 1:
        return False
    for found in outcome.findings:
        db.session.add(_finding(analysis_id, found, ready.keys.get(found.target)))
    ready.ahead.name(*ready.keys.values())
    analysis = db.session.get_one(Analysis, analysis_id, populate_existing=True)
    reruns.put_in_force(case, analysis)
    audit.record(None, "analysis.done", analysis, after={"needs_person": outcome.needs_person, "bcc": outcome.bcc})
    rank.refresh(case)
    if not analysis.shadow:
        reopen.after_result(case, analysis)
    return True


def _put_off(analysis_id: int, owner: str) -> None:
    analysis = db.session.get(Analysis, analysis_id)
    if analysis is not None and analysis.state is AnalysisState.RUNNING and analysis.lease_owner == owner:
        leases.put_off(analysis)


def give_up(analysis_id: int, owner: str, failure: FailureReason) -> None:
    """End an attempt of ``owner`` that gave no result."""
    case = queries.locked_case_of(analysis_id)
    analysis = db.session.get(Analysis, analysis_id)
    if case is None or analysis is None:  # erased meanwhile
        return
    if analysis.state is not AnalysisState.RUNNING or analysis.lease_owner != owner:
        return
    known = analysis.failure is failure  # a missing model is retried again and again: one audit row is enough
    leases.give_back(analysis, failure)
    if not known:
        audit.record(None, "analysis.failed", analysis, after={"failure": failure.value, "state": analysis.state.value})
    rank.refresh(case)


def _finding(analysis_id: int, found: TargetResult, heatmap_key: str | None) -> Finding:
    return Finding(
        analysis_id=analysis_id,
        target=found.target,
        probability=found.probability,
        present=found.present,
        call=found.call,
        strength=found.strength,
        placed=found.placed,
        heatmap_key=heatmap_key,
        peak_x=found.map.peak_x if found.map else None,
        peak_y=found.map.peak_y if found.map else None,
        extent=found.map.extent if found.map else None,
    )
