"""Was anything lost? After the load the database is checked: every submission is there, each image analysed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from tests.load.figures import percentile
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, AuditEvent, Case, Image

STEP = timedelta(seconds=10)


@dataclass(frozen=True)
class Verdict:
    losses: list[str]
    figures: dict[str, Any]

    @property
    def in_words(self) -> str:
        figures = self.figures
        result = figures.get("upload_to_result_s", {})
        lines = [f"{figures['accepted']} uploads accepted; {figures['analysed']} images analysed."]
        lines += [f"Upload to result: p50 {result['p50']} s, p95 {result['p95']} s." if result else "No result."]
        ages = " ".join(f"{age:.0f}" for age in figures["queue_age_s"])
        lines += [f"Age of the oldest waiting image, every {STEP.seconds} s: {ages}"]
        return "\n".join([*lines, *(f"LOST: {loss}" for loss in self.losses or ["nothing"])])


def waiting(app: Flask) -> int:
    """Images without a result."""
    with app.app_context(), reading() as session:
        states = (AnalysisState.QUEUED, AnalysisState.RUNNING)
        return int(session.scalar(select(func.count()).select_from(Analysis).where(Analysis.state.in_(states))))


def verify(app: Flask, accepted: Sequence[str], seeds: int) -> Verdict:
    with app.app_context(), reading() as session:
        stored = set(session.scalars(select(Case.number)))
        rows = session.execute(
            select(Image.id, Image.stored_at, Analysis.id.label("analysis"), Analysis.state, Analysis.finished_at)
            .outerjoin(Analysis, Analysis.image_id == Image.id)
            .order_by(Image.stored_at)
        ).all()
        told = select(AuditEvent.subject_id).where(AuditEvent.action == "analysis.done")
        finished = list(session.scalars(told))
        attempts = session.scalar(select(func.max(Analysis.attempts)))
        db.session.remove()
    images, done = {row.id for row in rows}, [row for row in rows if row.finished_at is not None][seeds:]
    extra = len(stored) - seeds - len(accepted)
    wrong = {
        "accepted cases are not stored": len(set(accepted) - stored),
        "cases fewer than were accepted": max(0, -extra),
        "images without a result": sum(row.state is not AnalysisState.DONE for row in rows),
        "analyses too many": len(rows) - len(images),
        "results stored twice": len(finished) - len(set(finished)),
    }
    seconds = [(row.finished_at - row.stored_at).total_seconds() for row in done]
    result = {f"p{p}": round(percentile(seconds, p / 100), 2) for p in (50, 95, 99)} if seconds else {}
    figures = {
        "accepted": len(accepted),
        "unanswered_but_stored": extra,
        "analysed": len(finished),
        "most_attempts": attempts,
        "upload_to_result_s": result,
        "queue_age_s": _ages([(row.stored_at, row.finished_at) for row in done]),
    }
    return Verdict([f"{count} {what}" for what, count in wrong.items() if count], figures)


def _ages(spans: Sequence[tuple[datetime, datetime]]) -> list[float]:
    """The age of the oldest image without a result, at every STEP."""
    if not spans:
        return []
    ages, now, end = [], spans[0][0], max(finished for _stored, finished in spans)
    while now <= end:
        unfinished = [stored for stored, finished in spans if stored <= now < finished]
        ages.append(round((now - min(unfinished)).total_seconds(), 1) if unfinished else 0.0)
        now += STEP
    return ages
