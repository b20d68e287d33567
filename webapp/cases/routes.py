"""The GP's pages: submit a case, follow it, read the answer."""

import uuid

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp import audit
from webapp.cases import answers, pages, presenters, queries, service, uploads
from webapp.cases.forms import CaseForm, ImagesForm, WithdrawForm
from webapp.cases.queries import ListFilter
from webapp.cases.service import CaseChangedError, NewCase, NotTheirFormError, NotTheSamePatientError, SentAlreadyError
from webapp.cases.uploads import AlreadyThereError, RefusedUploadError
from webapp.cases.waiting import PACE_DAYS, places_of
from webapp.core.config import current_settings
from webapp.core.overload import LATER, BusyError
from webapp.core.parameters import row_id
from webapp.core.replies import Reply
from webapp.models import BodySite, Case, Role, Sex, Side, Surface, Urgency
from webapp.storage.errors import StoreAwayError

blueprint = Blueprint("cases", __name__, url_prefix="/cases")


@blueprint.app_context_processor
def unread() -> dict[str, int]:
    """For the navigation on every page of a GP."""
    if current_user.is_authenticated and current_user.role is Role.GP:
        return {"unread_answers": queries.unread_count(current_user)}
    return {}


@blueprint.get("/")
def index() -> str:
    return render_template("cases/index.html", **_list())


@blueprint.get("/list")
def updates() -> str:
    """The part of the list that updates itself. Like every poll, it does not keep the session alive."""
    return render_template("cases/_list.html", **_list())


def _list() -> dict[str, object]:
    search = request.args.get("q", "").strip()[:40]
    only = request.args.get("only", type=ListFilter)
    before = request.args.get("before", type=row_id)
    cases = queries.page(current_user, search, before, only)
    shown = cases[: queries.PAGE_SIZE]
    newest = before is None and not search and only in (None, ListFilter.TO_READ)
    first = _rows(queries.unread(current_user)) if newest else []
    pressing = [row for row in first if row.presses]
    own = [row for row in first if row.mine and not row.presses]
    above = {row.case.id for row in (*pressing, *own)}
    return {
        "pressing": pressing,
        "own": own,
        "rows": [row for row in _rows(shown) if row.case.id not in above],
        "search": search,
        "only": only,
        "before": before,
        "older": shown[-1].id if len(cases) > len(shown) else None,
        "counts": queries.counts(current_user),
        "pace_days": PACE_DAYS,
    }


def _rows(cases: list[Case]) -> list[presenters.CaseRow]:
    places, news = places_of(cases), queries.unread_among(current_user, cases)
    return [presenters.CaseRow(case, current_user, places.get(case.id), case.id in news) for case in cases]


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Reply:
    if request.method == "GET":
        return _empty_form(request.args.get("follows", ""), request.args.get("again", ""))
    form = CaseForm()
    follows = pages.visible_case(form.follows.data) if form.follows.data else None
    valid = form.validate()
    try:
        images = pages.accepted(form, form.submission_token.data or "")
        if not valid or images is None:
            return _form_page(form, follows), 422
        case = service.submit(current_user, _new_case(form, follows), images)
    except NotTheSamePatientError:
        form.patient_reference.errors = [
            f"Case {form.follows.data} has a different patient reference, so it cannot be linked."
        ]
        return _form_page(form, follows), 422
    except SentAlreadyError as sent:
        return _form_page(_another(form), follows, sent_already=sent.number), 422
    except NotTheirFormError:
        return _form_page(_another(form), follows, of_another=True), 422
    except (BusyError, StoreAwayError) as error:
        return _form_page(pages.not_sent(form, error), follows), *LATER
    flash(f"Case {case.number} was sent. It is in the dermatologists' worklist and will be analysed.", "success")
    return pages.arrived(case.number)


def _another(form: CaseForm) -> CaseForm:
    """The form as it was filled in, as a new submission: what it first said is a case already."""
    form.submission_token.raw_data = None
    form.submission_token.data = str(uuid.uuid4())
    return form


def _empty_form(follows: str, again: str) -> str:
    """A new form. For a follow-up, filled in with what the earlier case says about the patient; to send a withdrawn
    or void case ``again``, with all it said.
    """
    earlier = pages.visible_case(follows) if follows else None
    withdrawn = pages.visible_case(again) if again else None
    if withdrawn is not None and not withdrawn.is_dropped:
        abort(409)
    form = CaseForm(obj=withdrawn or earlier)
    form.submission_token.data = str(uuid.uuid4())
    form.follows.data = follows
    if withdrawn is not None:
        return _form_page(form, None)
    form.history.data = form.clinical_question.data = ""
    form.size_mm.data = None
    form.urgency.data = Urgency.ROUTINE.value
    return _form_page(form, earlier)


def _form_page(form: CaseForm, follows: Case | None, sent_already: str = "", *, of_another: bool = False) -> str:
    return render_template(
        "cases/new.html",
        form=form,
        follows=follows,
        settings=current_settings(),
        sent_already=sent_already,
        of_another=of_another,
    )


@blueprint.post("/images/check")
def check_image() -> dict[str, object] | tuple[dict[str, object], int, dict[str, str]]:
    """Quality problems of one chosen image, before the form is sent. Nothing is stored."""
    files = [("This image", read) for _name, read in pages.files()]
    if len(files) != 1:
        abort(400)
    try:
        images = uploads.clean_images(files, only_to_judge=True)
    except RefusedUploadError as error:
        return {"refused": True, "text": str(error)}
    except BusyError:
        return {}, *LATER
    (quality_flags,) = uploads.flags_on(current_user, images, request.form.get("submission_token", ""))
    return {"refused": False, "text": uploads.sentence(quality_flags)}


def _new_case(form: CaseForm, follows: Case | None) -> NewCase:
    return NewCase(
        submission_token=form.submission_token.data or "",
        patient_reference=form.patient_reference.data or "",
        body_site=BodySite(form.body_site.data),
        side=Side(form.side.data) if form.side.data else None,
        surface=Surface(form.surface.data) if form.surface.data else None,
        size_mm=form.size_mm.data,
        birth_year=form.birth_year.data,
        sex=Sex(form.sex.data) if form.sex.data else None,
        phototype=form.phototype.data,
        history=(form.history.data or "").strip(),
        clinical_question=(form.clinical_question.data or "").strip(),
        urgency=Urgency(form.urgency.data),
        consent=form.consent.data,
        follows=follows,
    )


@blueprint.get("/<number>")
def show(number: str) -> str:
    case = answers.open_answer(current_user, number) or abort(404)
    audit.record(current_user, "case.viewed", case)
    return pages.case_page(case)


@blueprint.get("/<number>/status")
def status(number: str) -> str:
    """The part of the case page that updates itself."""
    return render_template("cases/_timeline.html", timeline=pages.timeline(pages.visible_case(number)))


@blueprint.post("/<number>/images")
def add_images(number: str) -> Reply:
    form = ImagesForm()
    there = {image.sha256 for image in pages.visible_case(number).images}  # no decoding for somebody else's case
    valid = form.validate()
    try:
        images = pages.accepted(form, there=there)
        if not valid or images is None:
            case = pages.visible_case(number)
            return (pages.case_page(case, form), 422) if case.images_wanted else abort(409)
        service.add_images(current_user, pages.visible_case(number, locked=True), images)
    except AlreadyThereError:
        flash(f"These images were already added to case {number}.", "success")
        return pages.arrived(number)
    except CaseChangedError:
        abort(409)
    except (BusyError, StoreAwayError) as error:
        return pages.case_page(pages.visible_case(number), pages.not_sent(form, error)), *LATER
    flash(f"The new images were added to case {number}. The case keeps its waiting time.", "success")
    return pages.arrived(number)


@blueprint.post("/<number>/follow")
def follow(number: str) -> Response:
    case = pages.visible_case(number, locked=True)
    try:
        service.follow(current_user, case, request.form.get("follows", ""))
    except NotTheSamePatientError:
        abort(404)
    flash("Saved. The dermatologist sees the images of linked cases side by side.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/withdraw")
def withdraw(number: str) -> Reply:
    case, form = pages.visible_case(number, locked=True), WithdrawForm()
    if not form.validate() and service.can_be_withdrawn(case):
        return pages.case_page(case, withdraw_form=form), 422
    try:
        service.withdraw(current_user, case, form.reason.data or "")
    except CaseChangedError:
        abort(409)
    flash(f"Case {number} has been withdrawn. No dermatologist will review it. You can send it again.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/close")
def close(number: str) -> Response:
    case = pages.visible_case(number, locked=True)
    try:
        answers.close(current_user, case)
    except CaseChangedError:
        abort(409)
    flash(f"Case {case.number} is closed. You can still open it from your list.", "success")
    return redirect(url_for("cases.show", number=case.number))
