"""What an administrator may change about how the model is used."""

from webapp import audit
from webapp.admin.operation import placing
from webapp.core.database import store_so_far
from webapp.core.extensions import db
from webapp.models import ModelSwitch, ModelVersion, User
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.triage import switch


class UnknownPointError(ValueError):
    """The model's card has no such operating point."""


def choose_point(actor: User, version: ModelVersion, target_sensitivity: float) -> OperatingPoint:
    """Put the operating point of this ``target_sensitivity`` in force: from its threshold pages say "suspects BCC".

    It is stored at once; then the first portion of open cases is placed anew by it, and the worker places the others.
    None is hidden, and results stay as they were stored. Raises UnknownPointError.
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
            placed_up_to=0,
        )
        db.session.add(choice)
        version.choices.append(choice)
        audit.record(actor, "threshold.chosen", version, before=_facts(before), after=_facts(chosen))
        store_so_far()
        placing.place_open_cases()
    return chosen


def switch_model(actor: User, *, off: bool, reason: str) -> bool:
    """Switch the model off or on again; False if it is already. It is stored at once, and holds from then on.

    Open cases are then placed anew, as many as a request has time for, and the worker places the others.
    """
    if switch.look_again() if off else not switch.look_again():
        return False
    row = ModelSwitch(off=off, reason=reason, switched_by=actor, placed_up_to=0)
    db.session.add(row)
    audit.record(actor, "model.switched", row, before={"on": off}, after={"on": not off})
    store_so_far()
    placing.place_at_once()
    return True


def _facts(point: OperatingPoint | None) -> dict[str, float] | None:
    return {"target_sensitivity": point.target_sensitivity, "threshold": point.threshold} if point else None
