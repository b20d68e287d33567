"""Model versions, and re-runs of old images: started, followed, stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ml.patterns import MALIGNANT, Pattern
from webapp import audit
from webapp.admin import queries as admin_queries
from webapp.admin.operation import queries
from webapp.analysis import cards
from webapp.analysis import queries as analyses
from webapp.core.extensions import db
from webapp.models import ModelVersion, Rerun, User, utcnow
from webapp.triage import switch

if TYPE_CHECKING:
    from ml.card import Promise, Target


class NotNowError(Exception):
    """Another re-run is under way, the model is switched off, or the one to use is not the one a worker has loaded."""


class NothingToDoError(Exception):
    """The model has analysed every image, or is about to."""


@dataclass(frozen=True)
class VersionRow:
    """A model version and what it has done: ``results`` in all, counted up to a limit, the last at ``last_used_at``."""

    version: ModelVersion
    active: bool
    results: int
    last_used_at: datetime | None

    @property
    def promises(self) -> list[tuple[str, Promise]]:
        """(cancer, what its threshold on the card achieved on one collection)."""
        found = [target for lesion in MALIGNANT if (target := cards.target(self.version, lesion.target))]
        return [(target.label, promise) for target in found for promise in target.promises]

    @property
    def patterns(self) -> list[Target]:
        """The patterns for which the card says what their labels are worth."""
        found = [cards.target(self.version, pattern.value) for pattern in Pattern]
        return [target for target in found if target is not None and target.labels is not None]


def versions() -> list[VersionRow]:
    """The latest first."""
    active, versions = queries.active_version(), admin_queries.versions()
    return [
        VersionRow(version, version is active, results, last)
        for version, (results, last) in zip(versions, queries.results_of(versions), strict=True)
    ]


@dataclass(frozen=True)
class RerunStatus:
    """A re-run in numbers of images."""

    run: Rerun
    finished: int
    failed: int
    left: int

    @property
    def total(self) -> int:
        return self.finished + self.failed + self.left

    @property
    def running(self) -> bool:
        return self.run.ended_at is None


def status() -> RerunStatus | None:
    """The latest re-run, if there was one."""
    rerun = queries.last_rerun()
    if rerun is None:
        return None
    finished, failed, pending = queries.rerun_counts(rerun)
    left = max(rerun.images - finished - failed, pending) if rerun.ended_at is None else pending
    return RerunStatus(rerun, finished, failed, left)


def images_for(version: ModelVersion) -> int:
    """How many images a re-run would analyse. Raises NotNowError or NothingToDoError."""
    if switch.is_off() or version is not queries.active_version() or analyses.open_rerun_locked() is not None:
        raise NotNowError
    images = analyses.count_to_rerun(version.id)
    if not images:
        raise NothingToDoError
    return images


def start(actor: User, version: ModelVersion) -> Rerun:
    """Ask the worker to analyse all old images with the active model. Raises NotNowError or NothingToDoError."""
    rerun = Rerun(model_version_id=version.id, images=images_for(version), requested_by=actor)
    db.session.add(rerun)
    db.session.flush()
    audit.record(actor, "rerun.started", rerun, after={"model": version.reference})
    return rerun


def stop(actor: User) -> None:
    """No further images; those already queued are finished, and results stay."""
    rerun = analyses.open_rerun_locked()
    if rerun is not None:
        rerun.ended_at, rerun.stopped = utcnow(), True
        audit.record(actor, "rerun.stopped", rerun)
