"""Claiming a case, releasing it, taking it over, and moving on to the next."""

from flask import Blueprint, abort, flash, redirect, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.core.replies import Reply
from webapp.review import claims, presenters, queue
from webapp.review.claims import CaseTakenError, ClaimLostError, NotOpenError
from webapp.review.forms import TakeOverForm
from webapp.review.pages import busy_page, find_case, shown_id

blueprint = Blueprint("claims", __name__, url_prefix="/review")
blueprint.url_defaults(queue.keep)


@blueprint.post("/<number>/claim")
def claim(number: str) -> Reply:
    case = find_case(number, locked=True)
    try:
        claims.claim(current_user, case)
    except CaseTakenError as taken:
        return busy_page(case, taken.claim, TakeOverForm(formdata=None)), 409
    except NotOpenError:
        abort(409)
    return redirect(url_for("review.show", number=number))


@blueprint.post("/<number>/take-over")
def take_over(number: str) -> Reply:
    case, form = find_case(number, locked=True), TakeOverForm()
    if not form.validate():
        held = presenters.Reading(case, current_user).busy
        if held is not None:
            return busy_page(case, held, form), 422
        return redirect(url_for("review.show", number=number))  # free by now: nothing to take over
    try:
        claims.take_over(current_user, case, seen=shown_id(form.seen.data), reason=form.reason.data)
    except CaseTakenError as taken:
        return busy_page(case, taken.claim, form), 409
    except NotOpenError:
        abort(409)
    return redirect(url_for("review.show", number=number))


@blueprint.post("/<number>/release")
def release(number: str) -> Response:
    try:
        claims.release(current_user, find_case(number, locked=True))
    except NotOpenError:
        flash(f"Case {number} is no longer in the worklist, so there was no claim to release.", "warning")
    except ClaimLostError as lost:
        flash(presenters.lost_sentence(number, lost.by, current_user), "warning")
    else:
        flash(f"Claim released. Case {number} keeps its place in the worklist.", "success")
    return redirect(url_for("review.worklist"))


@blueprint.post("/next")
def next_case() -> Response:
    """Claim and open the first free case of the queue."""
    case = claims.claim_next(current_user, queue.chosen().filters)
    if case is None:
        flash("There are no unclaimed cases in this list at the moment.", "info")
        return redirect(url_for("review.worklist"))
    return redirect(url_for("review.show", number=case.number))
