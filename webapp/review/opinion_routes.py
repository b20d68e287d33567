"""Second opinions: asking, answering, and the list of open requests."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.cases.blindness import request_for
from webapp.core.replies import Reply
from webapp.models import Diagnosis, Management, Role
from webapp.review import opinions, queries, queue
from webapp.review.forms import DecisionForm, OpinionForm, OpinionRequestForm
from webapp.review.opinions import AskedAlreadyError, NotYoursError
from webapp.review.pages import find_case, reading_page, too_late_page

blueprint = Blueprint("opinions", __name__, url_prefix="/review")
blueprint.url_defaults(queue.keep)


@blueprint.app_context_processor
def waiting() -> dict[str, int]:
    """For the navigation on every page of a dermatologist."""
    if current_user.is_authenticated and current_user.role is Role.DERMATOLOGIST:
        opinions_waiting, changes_waiting = queries.waiting(current_user)
        return {"opinions_waiting": opinions_waiting, "changes_waiting": changes_waiting}
    return {}


@blueprint.get("/opinions")
def index() -> str:
    requests = queries.opinion_requests(current_user)
    return render_template(
        "review/opinions.html",
        of_me=[request for request in requests if request.asked_of_id == current_user.id],
        by_me=[request for request in requests if request.asked_by_id == current_user.id],
    )


@blueprint.post("/<number>/opinions")
def ask(number: str) -> Reply:
    case, form = find_case(number, locked=True), OpinionRequestForm()
    form.offer(queries.colleagues(current_user))
    if not form.validate():
        return reading_page(case, DecisionForm(), opinion_request_form=form), 422
    colleague = next(user for user in queries.colleagues(current_user) if user.id == form.colleague.data)
    try:
        opinions.ask(current_user, case, colleague, form.question.data)
    except NotYoursError:
        flash("Only the dermatologist who has claimed or decided the case can request a second opinion.", "warning")
    except AskedAlreadyError:
        flash(f"{colleague.name} has already been asked and has not given an opinion yet.", "warning")
    else:
        flash(
            f"Second opinion requested from {colleague.name}, who will not see your decision before giving it.",
            "success",
        )
    if case.is_open:
        return reading_page(case, DecisionForm())  # keeps what was already entered for the decision
    return redirect(url_for("review.show", number=number))


@blueprint.post("/<number>/opinion")
def give(number: str) -> Reply:
    case, form = find_case(number, locked=True), OpinionForm()
    if request_for(current_user, case) is None:
        return too_late_page(
            case, form, "No second opinion is needed from you on this case, or you have already given one."
        )
    if not form.validate():
        return reading_page(case, DecisionForm(formdata=None), opinion_form=form), 422
    diagnosis, management = Diagnosis(form.diagnosis.data), Management(form.management.data)
    opinions.give(current_user, case, diagnosis, management, form.remark.data)
    flash(f"Your opinion on case {number} is saved. You can now see any decision made.", "success")
    return redirect(url_for("review.show", number=number))


@blueprint.post("/<number>/opinions/read")
def acknowledge(number: str) -> Response:
    opinions.acknowledge(current_user, find_case(number, locked=True))
    return redirect(url_for("review.show", number=number))
