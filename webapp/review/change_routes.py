"""Taking a decision back, and amending it later."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask_login import current_user

from webapp import audit
from webapp.cases import blindness
from webapp.core.replies import Reply
from webapp.models import Case
from webapp.review import changes, presenters, queue
from webapp.review.changes import ChangedMeanwhileError, TooLateError
from webapp.review.forms import AmendmentForm, UndoForm
from webapp.review.pages import find_case, reading_page, shown_id, too_late_page
from webapp.review.service import IncompleteError, UnseenError

blueprint = Blueprint("changes", __name__, url_prefix="/review")
blueprint.url_defaults(queue.keep)


@blueprint.post("/<number>/undo")
def undo(number: str) -> Reply:
    case = find_case(number, locked=True)
    try:
        changes.undo(current_user, case, shown_id(UndoForm().seen.data))
    except ChangedMeanwhileError:
        abort(409)
    except TooLateError as why:
        flash(f"This decision can no longer be taken back: {why}. You can still change it, with a reason.", "warning")
    else:
        flash(f"You have taken back your decision on case {number}.", "success")
    return redirect(url_for("review.show", number=number))


@blueprint.route("/<number>/amend", methods=["GET", "POST"])
def amend(number: str) -> Reply:
    case = find_case(number, locked=request.method == "POST")
    if first := blindness.what_comes_first(current_user, case):
        flash(first, "warning")
        return redirect(url_for("review.show", number=number))
    if request.method == "GET":
        standing = case.standing_review
        if standing is None or not changes.can_amend(case):
            abort(409)
        audit.record(current_user, "case.viewed", case)
        return reading_page(case, AmendmentForm.filled_from(standing))
    form = AmendmentForm()
    if not form.validate():
        return _mistakes_page(case, form)
    try:
        changes.amend(
            current_user,
            case,
            shown_id(form.seen.data),
            form.decision,
            form.amendment_reason.data,
            form.what_was_shown,
        )
    except IncompleteError as missing:
        form[missing.field].errors = [str(missing)]
        return _mistakes_page(case, form)
    except UnseenError as unseen:
        form.form_errors.append(presenters.unseen_sentence(unseen.what))
        return _mistakes_page(case, form)
    except ChangedMeanwhileError:
        return too_late_page(case, form, presenters.CHANGED_MEANWHILE)
    flash(f"Decision changed for case {number}. The GP will see it as a new answer.", "success")
    return redirect(url_for("review.show", number=number))


def _mistakes_page(case: Case, form: AmendmentForm) -> Reply:
    if not changes.can_amend(case):
        return too_late_page(case, form, presenters.CHANGED_MEANWHILE)
    return reading_page(case, form), 422
