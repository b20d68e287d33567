"""The dermatologist's pages: worklist, reading, decision."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.cases import queries as cases
from webapp.models import Case, Claim, Diagnosis, Management, utcnow
from webapp.parameters import row_id
from webapp.review import claims, presenters, queries, service
from webapp.review.claims import BusyError, ClaimLostError, NotOpenError
from webapp.review.forms import ClaimForm, DecisionForm, TakeOverForm
from webapp.review.service import Decision

blueprint = Blueprint("review", __name__, url_prefix="/review")
Page = str | Response | tuple[str, int]


def _case(number: str, *, locked: bool = False) -> Case:
    find = cases.find_locked if locked else cases.find
    return find(current_user, number) or abort(404)


@blueprint.get("/")
def worklist() -> str:
    cursor = queries.Cursor.parse(request.args.get("after", ""))
    found = queries.worklist(current_user, cursor)
    shown = found[: queries.PAGE_SIZE]
    rows = [presenters.WorklistRow(case, current_user) for case in shown]
    following = queries.Cursor.after(shown[-1]) if len(found) > len(shown) else None
    open_cases, needing_person = queries.open_counts(current_user)
    return render_template(
        "review/worklist.html",
        rows=rows,
        following=following,
        first_page=cursor is None,
        open_cases=open_cases,
        needing_person=needing_person,
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
    return _reading_page(_case(number), DecisionForm())


def _reading_page(case: Case, form: DecisionForm) -> str:
    return render_template(
        "review/show.html",
        case=case,
        reading=presenters.Reading(case, current_user),
        form=form,
        claim_form=ClaimForm(),
        take_over_form=TakeOverForm(),
    )


@blueprint.post("/<number>/claim")
def claim(number: str) -> Page:
    case = _case(number, locked=True)
    try:
        claims.claim(current_user, case)
    except BusyError as busy:
        return _busy_page(case, busy.claim, TakeOverForm(formdata=None)), 409
    except NotOpenError:
        abort(409)
    return redirect(url_for("review.show", number=number))


def _busy_page(case: Case, claim: Claim, form: TakeOverForm) -> str:
    form.seen.data = str(claim.id)
    return render_template("review/busy.html", case=case, claim=claim, form=form, claim_form=ClaimForm())


@blueprint.post("/<number>/take-over")
def take_over(number: str) -> Page:
    case, form = _case(number, locked=True), TakeOverForm()
    if not form.validate():
        held = presenters.Reading(case, current_user).busy
        if held is not None:
            return _busy_page(case, held, form), 422
        return redirect(url_for("review.show", number=number))  # it is free by now: nothing to take over
    try:
        claims.take_over(current_user, case, seen=_seen(form.seen.data), reason=form.reason.data)
    except BusyError as busy:
        return _busy_page(case, busy.claim, form), 409
    except NotOpenError:
        abort(409)
    return redirect(url_for("review.show", number=number))


def _seen(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


@blueprint.post("/<number>/release")
def release(number: str) -> Response:
    try:
        claims.release(current_user, _case(number, locked=True))
    except NotOpenError:
        flash(f"Case {number} is no longer in the worklist: there was nothing to put back.", "warning")
    except ClaimLostError as lost:
        flash(presenters.lost_sentence(number, lost.by, current_user), "warning")
    else:
        flash(f"Case {number} is back in the worklist, at its old place.", "success")
    return redirect(url_for("review.worklist"))


@blueprint.post("/next")
def next_case() -> Response:
    """Reserve and open the topmost free case."""
    case = claims.claim_next(current_user)
    if case is None:
        flash("No case is free just now.", "info")
        return redirect(url_for("review.worklist"))
    return redirect(url_for("review.show", number=case.number))


@blueprint.post("/<number>/decide")
def decide(number: str) -> Page:
    case = _case(number, locked=True)
    form = DecisionForm()
    if not form.validate():
        return _mistakes_page(case, form)
    try:
        service.decide(
            current_user,
            case,
            Decision(
                diagnosis=Diagnosis(form.diagnosis.data),
                management=Management(form.management.data),
                advice=(form.advice.data or "").strip(),
                override_reason=(form.override_reason.data or "").strip(),
                assessments=form.assessments,
            ),
        )
    except service.ReasonMissingError as missing:
        form.override_reason.errors = [str(missing)]
        return _reading_page(case, form), 422
    except service.AdviceMissingError as missing:
        form.advice.errors = [str(missing)]
        return _reading_page(case, form), 422
    except NotOpenError:
        return _too_late_page(case, form)
    except ClaimLostError as lost:
        return _too_late_page(case, form, lost.by)
    if form.management.data == Management.RETAKE:
        flash(f"The GP is asked for new images of {number}. They come back to the same case.", "success")
    else:
        flash(f"Your decision on {number} is stored, and the GP can read it.", "success")
    return redirect(_next_page())


def _mistakes_page(case: Case, form: DecisionForm) -> Page:
    """The form once more; where it can no longer be sent, at least what was typed into it."""
    reading = presenters.Reading(case, current_user)
    if reading.can_decide:
        return _reading_page(case, form), 422
    return _too_late_page(case, form, reading.busy)


def _too_late_page(case: Case, form: DecisionForm, by: Claim | None = None) -> Page:
    """Nothing was stored; ``by`` is the claim that came between. All that was chosen and typed is shown."""
    sentence = presenters.lost_sentence(case.number, by, current_user)
    return render_template("review/too_late.html", case=case, form=form, sentence=sentence), 409


def _next_page() -> str:
    """Where reading goes on: the topmost case that is free, or the worklist when there is none."""
    following = queries.next_case(current_user, utcnow())
    return url_for("review.show", number=following.number) if following else url_for("review.worklist")
