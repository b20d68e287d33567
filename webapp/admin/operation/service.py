"""What an administrator may change about how the model is used."""

from itertools import takewhile

from webapp import audit
from webapp.admin.operation import queries
from webapp.core.database import store_so_far
from webapp.core.extensions import db
from webapp.models import ModelVersion, User
from webapp.models.operating_point import OperatingPoint, OperatingPointChoice
from webapp.triage import rank

PORTION = 200


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
        place_open_cases()
    return chosen


def place_open_cases() -> int:
    """Place the next portion of open cases by a chosen operating point. Call repeatedly, inside a transaction.

    Every case is looked at that is open once the choice is stored: whoever placed one with the point in force before
    had locked it by then. A case still locked is left for the next time, and so are those after it. Returns how many
    were placed.
    """
    choice = queries.choice_to_place_locked()
    if choice is None or choice.placed_up_to is None:
        return 0
    ids = queries.open_cases_after(choice.placed_up_to, PORTION)
    cases = queries.cases_locked(ids)
    placed = [cases[case_id] for case_id in takewhile(cases.__contains__, ids)]
    for case in placed:
        rank.refresh(case)
    if len(placed) == len(ids) < PORTION:
        choice.placed_up_to = None
    elif placed:
        choice.placed_up_to = placed[-1].id
    return len(placed)


def _facts(point: OperatingPoint | None) -> dict[str, float] | None:
    return {"target_sensitivity": point.target_sensitivity, "threshold": point.threshold} if point else None
