"""What an administrator may change about how the model is used."""

from webapp import audit
from webapp.admin.operation import queries
from webapp.core.extensions import db
from webapp.models import ModelVersion, User
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.triage import rank


class UnknownPointError(ValueError):
    """The model's card has no such operating point."""


def choose_point(actor: User, version: ModelVersion, target_sensitivity: float) -> OperatingPoint:
    """Put the operating point of this ``target_sensitivity`` in force: from its threshold pages say "suspects BCC".

    Open cases are placed anew by it; none is hidden, and results stay as they were stored. Raises UnknownPointError.
    """
    before = version.operating_point
    chosen = next((point for point in version.operating_points if point.target_sensitivity == target_sensitivity), None)
    if chosen is None:
        raise UnknownPointError
    if before != chosen:
        choice = OperatingPointChoice(
            model_version_id=version.id,
            target_sensitivity=chosen.target_sensitivity,
            threshold=chosen.threshold,
            chosen_by=actor,
        )
        db.session.add(choice)
        version.choices.append(choice)
        audit.record(actor, "threshold.chosen", version, before=_facts(before), after=_facts(chosen))
        db.session.flush()
        for case in queries.open_cases_of(version):
            rank.refresh(case)
    return chosen


def _facts(point: OperatingPoint | None) -> dict[str, float] | None:
    return {"target_sensitivity": point.target_sensitivity, "threshold": point.threshold} if point else None
