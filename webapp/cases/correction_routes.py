"""One page for GP and dermatologist: correcting the patient reference, and voiding a case that was entered in error."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_login import current_user

from webapp.cases import corrections, queries, service
from webapp.cases.forms import ReferenceForm, VoidForm
from webapp.cases.service import CaseChangedError
from webapp.core.parameters import moment
from webapp.core.replies import Reply
from webapp.models import Case, CaseState, Role, utcnow
from webapp.triage.risk import joined

blueprint = Blueprint("corrections", __name__, url_prefix="/corrections")

ANSWERED = (
    "Nothing was saved: an answer was given or taken back since you opened this page. Open the case, then decide again."
)


@blueprint.get("/<number>")
def page(number: str) -> str:
    return _page(queries.find(current_user, number) or abort(404))


def _page(case: Case, reference_form: ReferenceForm | None = None, void_form: VoidForm | None = None) -> str:
    return render_template(
        "cases/correct.html",
        case=case,
        reference_form=reference_form or ReferenceForm(formdata=None, seen=case.patient_reference),
        void_form=void_form or VoidForm(formdata=None, since=utcnow().isoformat()),
        can_be_voided=corrections.can_be_voided(case),
        can_be_withdrawn=current_user.role is Role.GP and service.can_be_withdrawn(case),
        home=_home(number=case.number),
    )


def _home(number: str) -> str:
    return url_for("cases.show" if current_user.role is Role.GP else "review.show", number=number)


@blueprint.post("/<number>/reference")
def reference(number: str) -> Reply:
    case, form = queries.find_locked(current_user, number) or abort(404), ReferenceForm()
    if not form.validate():
        return _page(case, reference_form=form), 422
    present = case.patient_reference
    try:
        parted = corrections.correct_reference(
            current_user, case, form.seen.data or "", form.patient_reference.data or "", form.reason.data or ""
        )
    except CaseChangedError:
        form.seen.data = present
        form.form_errors.append(f"Nothing was saved: the reference has been changed to {present} meanwhile.")
        return _page(case, reference_form=form), 409
    ended = f" It is no longer linked with {joined(parted)}: they belong to another reference." if parted else ""
    flash(f"Case {number} is now filed under {case.patient_reference}.{ended}", "success")
    return redirect(_home(number))


@blueprint.post("/<number>/void")
def void(number: str) -> Reply:
    case, form = queries.find_locked(current_user, number) or abort(404), VoidForm()
    if not form.validate():
        return _page(case, void_form=form), 422
    try:
        corrections.void(current_user, case, moment(form.since.data or ""), form.reason.data or "")
    except (CaseChangedError, ValueError):
        form.since.data, withdrawn = utcnow().isoformat(), case.state is CaseState.WITHDRAWN
        form.form_errors.append("Nothing was saved: the case has been withdrawn." if withdrawn else ANSWERED)
        return _page(case, void_form=form), 409
    flash(f"Case {number} is void: entered in error. Nobody is to act on it.", "success")
    return redirect(_home(number))
