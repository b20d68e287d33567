"""The rules of histology results: they belong to a decided case and never change."""

from datetime import date

from webapp import audit
from webapp.core.extensions import db
from webapp.models import Case, Histology, HistologyResult, User
from webapp.triage import reopen


class NotDecidedError(Exception):
    """There is no decision in force to compare a histology result with."""


def may_enter(case: Case) -> bool:
    return case.standing_review is not None and not case.is_dropped


def enter(user: User, case: Case, result: HistologyResult, remark: str, reported_on: date | None) -> Histology:
    """Add a result to a locked case; it replaces an earlier one. Raises NotDecidedError."""
    if not may_enter(case):
        raise NotDecidedError
    before = case.histology
    histology = Histology(case=case, entered_by=user, result=result, remark=remark, reported_on=reported_on)
    db.session.add(histology)
    audit.record(
        user,
        "histology.entered",
        case,
        before={"result": before.result.value} if before else None,
        after={"result": result.value},
    )
    reopen.after_histology(case, histology)
    return histology
