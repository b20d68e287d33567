"""The dermatologist's pages: worklist, reading, decision."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp import audit
from webapp.cases import answers
from webapp.core.parameters import moment, row_id
from webapp.core.replies import Reply
from webapp.models import Case, Diagnosis, Management, utcnow
from webapp.review import blinded, claims, presenters, queries, queue, service, worklist_queries
from webapp.review.claims import ClaimLostError, NotOpenError
from webapp.review.forms import ClaimForm, DecisionForm, ImpressionForm, ReadingModeForm
from webapp.review.pages import find_case, impression_values, reading_page, too_late_page
from webapp.review.service import IncompleteError, NotYetError, UnseenError
from webapp.review.worklist import OutsideRow, Worklist, WorklistRow, news_words

blueprint = Blueprint("review", __name__, url_prefix="/review")
blueprint.url_defaults(queue.keep)


@blueprint.get("/")
def worklist() -> str:
    chosen, since = queue.chosen(), utcnow()
    cursor = worklist_queries.Cursor.parse(request.args.get("after", ""))
    found = worklist_queries.worklist(current_user, chosen.filters, cursor)
    counts = worklist_queries.counts(current_user, chosen.filters)
    patients = worklist_queries.open_of_patients(current_user, found)
    outside = worklist_queries.outside(current_user, chosen.filters.q) if chosen.filters.q else []
    return render_template(
        "review/worklist.html",
        worklist=Worklist(current_user, chosen.filters, found, counts, patients),
        first_page=cursor is None,
        outside=[OutsideRow(case, current_user) for case in outside],
        chosen=chosen,
        form=ClaimForm(),
        since=since,
    )


@blueprint.get("/news")
def news() -> str:
    """What has come into the queue since the page was made. Like every poll, it does not keep the session alive."""
    since = request.args.get("since", utcnow(), type=moment)
    chosen = queue.chosen()
    new, urgent = worklist_queries.arrived(current_user, chosen.filters, since)
    return render_template("review/_news.html", chosen=chosen, since=since, words=news_words(new, urgent))


@blueprint.get("/<number>/preview")
def preview(number: str) -> str:
    """Image and model in short, without leaving the worklist."""
    case = find_case(number)
    audit.record(current_user, "case.viewed", case)
    return render_template("review/_preview.html", row=WorklistRow(case, current_user))


@blueprint.get("/decided")
def decided() -> str:
    before = request.args.get("before", type=row_id)
    found = queries.decided_by(current_user, before)
    shown = found[: queries.PAGE_SIZE]
    older = shown[-1].id if len(found) > len(shown) else None
    changed = queries.changed_since(current_user) if before is None else []
    return render_template("review/decided.html", reviews=shown, before=before, older=older, changed=changed)


@blueprint.get("/<number>")
def show(number: str) -> str:
    case = find_case(number)
    answers.note_opening(current_user, case)
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
        return too_late_page(case, form, presenters.not_open_sentence(case))
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
    except NotYetError as first:
        return too_late_page(case, form, str(first))
    except NotOpenError:
        return too_late_page(case, form, presenters.not_open_sentence(case))
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
    return too_late_page(case, form, lost if case.is_open else presenters.not_open_sentence(case))


def _next_page() -> str:
    """The first free case of the queue, or its list if there is none."""
    following = worklist_queries.next_case(current_user, queue.chosen().filters)
    return url_for("review.show", number=following.number) if following else url_for("review.worklist")
