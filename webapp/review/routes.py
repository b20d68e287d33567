"""The dermatologist's pages: worklist, reading, decision."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp import audit
from webapp.accounts.queries import centres
from webapp.core.parameters import row_id
from webapp.core.replies import Reply
from webapp.models import Case, Diagnosis, Management, utcnow
from webapp.review import blinded, claims, presenters, queries, service
from webapp.review.claims import ClaimLostError, NotOpenError
from webapp.review.filters import FilterForm
from webapp.review.forms import ClaimForm, DecisionForm, ImpressionForm, ReadingModeForm
from webapp.review.pages import find_case, impression_values, reading_page, too_late_page
from webapp.review.service import ImpressionMissingError, IncompleteError, UnseenError
from webapp.review.worklist import WorklistRow, parts

blueprint = Blueprint("review", __name__, url_prefix="/review")


@blueprint.get("/")
def worklist() -> str:
    chosen = FilterForm.from_address(request.args, centres())
    cursor = queries.Cursor.parse(request.args.get("after", ""))
    found = queries.worklist(current_user, chosen.filters, cursor)
    shown = found[: queries.PAGE_SIZE]
    rows = [WorklistRow(case, current_user) for case in shown]
    return render_template(
        "review/worklist.html",
        rows=rows,
        parts=parts(rows, chosen.filters.order, current_user),
        following=queries.Cursor.after(shown[-1]) if len(found) > len(shown) else None,
        first_page=cursor is None,
        counts=queries.counts(current_user, chosen.filters),
        chosen=chosen,
        form=ClaimForm(),
    )


@blueprint.get("/decided")
def decided() -> str:
    before = request.args.get("before", type=row_id)
    found = queries.decided_by(current_user, before)
    shown = found[: queries.PAGE_SIZE]
    older = shown[-1].id if len(found) > len(shown) else None
    return render_template("review/decided.html", reviews=shown, before=before, older=older)


@blueprint.get("/<number>")
def show(number: str) -> str:
    case = find_case(number)
    audit.record(current_user, "case.viewed", case)
    undone = case.taken_back
    if undone is not None and undone.reviewer_id == current_user.id:
        return reading_page(case, DecisionForm.filled_from(undone))
    return reading_page(case, DecisionForm(**impression_values(case)))


@blueprint.post("/<number>/impression")
def impression(number: str) -> Reply:
    """In blinded reading: the reader's impression before the model's result is shown."""
    case, form = find_case(number, locked=True), ImpressionForm()
    try:
        blinded.keep_claim(current_user, case)
        case = find_case(number, locked=True)
        if not form.validate():
            return reading_page(case, DecisionForm(formdata=None), impression_form=form), 422
        blinded.note(current_user, case, Diagnosis(form.diagnosis.data), Management(form.management.data))
    except NotOpenError:
        return too_late_page(case, form, presenters.NOT_OPEN)
    except ClaimLostError as lost:
        return too_late_page(case, form, presenters.lost_sentence(number, lost.by, current_user))
    return redirect(url_for("review.show", number=number))


@blueprint.post("/mode")
def reading_mode() -> Response:
    blinded.set_mode(current_user._get_current_object(), ReadingModeForm().blinded.data)
    flash("Blinded reading setting saved.", "success")
    return redirect(url_for("accounts.profile"))


@blueprint.post("/<number>/decide")
def decide(number: str) -> Reply:
    case, form = find_case(number, locked=True), DecisionForm()
    try:
        claims.keep(current_user, case)
        case = find_case(number, locked=True)
        if not form.validate():
            return _mistakes_page(case, form)
        review = service.decide(current_user, case, form.decision, form.what_was_shown)
    except IncompleteError as missing:
        form[missing.field].errors = [str(missing)]
        return reading_page(case, form), 422
    except UnseenError as unseen:
        form.form_errors.append(presenters.unseen_sentence(unseen.what))
        return reading_page(case, form), 422
    except ImpressionMissingError:
        return too_late_page(case, form, "Blinded reading is on: please record your own impression first.")
    except NotOpenError:
        return too_late_page(case, form, presenters.NOT_OPEN)
    except ClaimLostError as lost:
        return too_late_page(case, form, presenters.lost_sentence(number, lost.by, current_user))
    flash(presenters.decided_sentence(review), "success")
    return redirect(_next_page())


def _mistakes_page(case: Case, form: DecisionForm) -> Reply:
    """The form again with its errors; if somebody was faster, a page with what was entered."""
    reading = presenters.Reading(case, current_user)
    if reading.can_decide:
        return reading_page(case, form), 422
    lost = presenters.lost_sentence(case.number, reading.busy, current_user)
    return too_late_page(case, form, lost if case.is_open else presenters.NOT_OPEN)


def _next_page() -> str:
    """The first free case, or the worklist if there is none."""
    following = queries.next_case(current_user, utcnow())
    return url_for("review.show", number=following.number) if following else url_for("review.worklist")
