"""Re-running old images a few at a time, so that a new upload never waits behind thousands.

A re-run's result is stored as a shadow. It replaces the result in force only in a case that is still open: a decided
case keeps what its reader saw.
"""

from webapp import audit
from webapp.analysis import queries, queue
from webapp.core.database import after_commit
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Case, Rerun, utcnow
from webapp.triage import switch

PORTION = 20


def feed() -> int:
    """Queue the next few images of the re-run in progress, or end it. Returns how many; call inside a transaction.

    While the model is switched off it waits.
    """
    if switch.is_off():
        return 0
    rerun = queries.open_rerun_locked()
    if rerun is None or rerun.model_version_id not in queries.loaded_versions():
        return 0
    pending = queries.pending_of(rerun)
    images = _next_images(rerun, pending)
    if not images and not pending:
        rerun.ended_at = utcnow()
        audit.record(None, "rerun.ended", rerun)
    analyses = [Analysis(image_id=image_id, rerun_id=rerun.id, shadow=True) for image_id in images]
    db.session.add_all(analyses)
    db.session.flush()
    messages = [(analysis.id, queue.RERUN) for analysis in analyses]
    after_commit(lambda: queue.send_all(messages))
    return len(analyses)


def _next_images(rerun: Rerun, pending: int) -> list[int]:
    """Continue downwards; at the end start again from the top, for images skipped because they were being analysed."""
    room = PORTION - pending
    return queries.images_left(rerun, room, below=queries.lowest_image_of(rerun)) or (
        [] if pending else queries.images_left(rerun, room)
    )


def put_in_force(case: Case, analysis: Analysis) -> None:
    """Let a finished re-run replace the earlier result of its image, if its locked case is open."""
    if not analysis.shadow or not case.is_open:
        return
    for image in case.images:
        if image.id == analysis.image_id and image.current_analysis is not None:
            image.current_analysis.state = AnalysisState.SUPERSEDED
            db.session.flush()  # the unique index of current results must see this first
    analysis.shadow = False
    db.session.flush()
