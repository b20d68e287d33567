"""The GP's pages: submit a case, follow it, read the answer."""

import uuid
from collections.abc import Collection
from typing import TypeVar

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from webapp import audit
from webapp.cases import answers, presenters, queries, service, uploads
from webapp.cases.blindness import hides_decisions
from webapp.cases.forms import CaseForm, FollowForm, ImagesForm, WithdrawForm
from webapp.cases.marked import marked_images
from webapp.cases.queries import ListFilter
from webapp.cases.service import CaseChangedError, NewCase, NotTheSamePatientError, SentAlreadyError
from webapp.cases.uploads import AlreadyThereError, ReasonMissingError, RefusedUploadError
from webapp.cases.waiting import PACE_DAYS, places_of
from webapp.core.choices import choices
from webapp.core.config import current_settings
from webapp.core.confirm import ConfirmForm
from webapp.core.overload import LATER, BusyError
from webapp.core.parameters import row_id
from webapp.core.replies import Reply
from webapp.intake.rebuild import CleanImage
from webapp.models import BodySite, Case, CaseState, Role, Sex, Urgency
from webapp.storage.errors import StoreAwayError

blueprint = Blueprint("cases", __name__, url_prefix="/cases")

AnyForm = TypeVar("AnyForm", bound=ImagesForm)


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
    places = places_of(shown)
    newest = before is None and not search and only in (None, ListFilter.TO_READ)
    rows = [presenters.CaseRow(case, places.get(case.id)) for case in shown]
    pressing = [row for row in _unread_rows() if row.presses] if newest else []
    first = {row.case.id for row in pressing}
    return {
        "pressing": pressing,
        "rows": [row for row in rows if row.case.id not in first],
        "search": search,
        "only": only,
        "before": before,
        "older": shown[-1].id if len(cases) > len(shown) else None,
        "counts": queries.counts(current_user),
        "pace_days": PACE_DAYS,
    }


def _unread_rows() -> list[presenters.CaseRow]:
    return [presenters.CaseRow(case, None) for case in queries.unread(current_user)]


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Reply:
    if request.method == "GET":
        return _empty_form(request.args.get("follows", ""), request.args.get("again", ""))
    form = CaseForm()
    follows = _visible_case(form.follows.data) if form.follows.data else None
    valid = form.validate()
    try:
        images = _accepted(form, form.submission_token.data or "")
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
    except (BusyError, StoreAwayError) as error:
        return _form_page(_not_sent(form, error), follows), *LATER
    flash(f"Case {case.number} was sent. It is in the dermatologists' worklist and will be analysed.", "success")
    return _arrived(case.number)


def _another(form: CaseForm) -> CaseForm:
    """The form as it was filled in, as a new submission: what it first said is a case already."""
    form.submission_token.raw_data = None
    form.submission_token.data = str(uuid.uuid4())
    return form


def _arrived(number: str) -> Reply:
    """Redirect to the case's page. A script would follow a redirect silently, so it gets the address instead."""
    page = url_for("cases.show", number=number)
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    return ({"page": page}, 201) if by_script else redirect(page)


def _not_sent(form: AnyForm, error: BusyError | StoreAwayError) -> AnyForm:
    """The form as it was sent, with the message that images cannot be accepted at the moment."""
    if isinstance(error, BusyError):
        why = "Too many images are arriving at the moment, so nothing was sent."
    else:
        current_app.logger.error("image store: %s", error)
        why = "The images could not be stored, so nothing was sent."
    form.images.errors = [f"{why} Please send the form again in a minute: this will not create a second case."]
    return form


def _empty_form(follows: str, again: str) -> str:
    """A new form. For a follow-up, filled in with what the earlier case says about the patient; to send a withdrawn
    case ``again``, with all it said.
    """
    earlier = _visible_case(follows) if follows else None
    withdrawn = _visible_case(again) if again else None
    if withdrawn is not None and withdrawn.state is not CaseState.WITHDRAWN:
        abort(409)
    form = CaseForm(obj=withdrawn or earlier)
    form.submission_token.data = str(uuid.uuid4())
    form.follows.data = follows
    if withdrawn is not None:
        return _form_page(form, None)
    form.history.data = form.clinical_question.data = ""
    form.urgency.data = Urgency.ROUTINE.value
    return _form_page(form, earlier)


def _form_page(form: CaseForm, follows: Case | None, sent_already: str = "") -> str:
    settings = current_settings()
    return render_template("cases/new.html", form=form, follows=follows, settings=settings, sent_already=sent_already)


def _files() -> list[tuple[str, bytes]]:
    chosen: list[FileStorage] = [file for file in request.files.getlist("images") if file.filename]
    return [(presenters.file_label(position, file.filename), file.read()) for position, file in enumerate(chosen, 1)]


def _accepted(form: ImagesForm, token: str = "", there: Collection[str] = ()) -> list[CleanImage] | None:
    """The chosen images, or None, with the reason as the field's error. Raises AlreadyThereError."""
    try:
        return uploads.accept(current_user, _files(), (form.send_anyway.data or "").strip(), token, there)
    except RefusedUploadError as error:
        form.images.errors = error.problems
    except ReasonMissingError as missing:
        form.send_anyway.errors = missing.quality_flags
    return None


@blueprint.post("/images/check")
def check_image() -> dict[str, object] | tuple[dict[str, object], int, dict[str, str]]:
    """Quality problems of one chosen image, before the form is sent. Nothing is stored."""
    files = [("This image", data) for _name, data in _files()]
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
        birth_year=form.birth_year.data,
        sex=Sex(form.sex.data) if form.sex.data else None,
        phototype=form.phototype.data,
        history=(form.history.data or "").strip(),
        clinical_question=(form.clinical_question.data or "").strip(),
        urgency=Urgency(form.urgency.data),
        consent=form.consent.data,
        follows=follows,
    )


def _visible_case(number: str, *, locked: bool = False) -> Case:
    find = queries.find_locked if locked else queries.find
    return find(current_user, number) or abort(404)


@blueprint.get("/<number>")
def show(number: str) -> str:
    case = answers.open_answer(current_user, number) or abort(404)
    audit.record(current_user, "case.viewed", case)
    return _case_page(case, ImagesForm())


def _case_page(case: Case, form: ImagesForm, withdraw_form: WithdrawForm | None = None) -> str:
    history = queries.lesion_history(current_user, case)
    return render_template(
        "cases/show.html",
        case=case,
        timeline=_timeline(case),
        marked_images=marked_images,
        form=form,
        confirm=ConfirmForm(),
        history=history,
        sealed={shown.id for shown in history if hides_decisions(current_user, shown)},
        follow_form=_follow_form(case),
        withdraw_form=withdraw_form or WithdrawForm(formdata=None),
        settings=current_settings(),
    )


@blueprint.get("/<number>/status")
def status(number: str) -> str:
    """The part of the case page that updates itself."""
    return render_template("cases/_timeline.html", timeline=_timeline(_visible_case(number)))


def _timeline(case: Case) -> presenters.CaseTimeline:
    return presenters.CaseTimeline(case, places_of([case]).get(case.id))


@blueprint.post("/<number>/images")
def add_images(number: str) -> Reply:
    form = ImagesForm()
    there = {image.sha256 for image in _visible_case(number).images}  # no decoding for somebody else's case
    valid = form.validate()
    try:
        images = _accepted(form, there=there)
        if not valid or images is None:
            return _case_page(_visible_case(number), form), 422
        service.add_images(current_user, _visible_case(number, locked=True), images)
    except AlreadyThereError:
        flash(f"These images were already added to case {number}.", "success")
        return _arrived(number)
    except CaseChangedError:
        abort(409)
    except (BusyError, StoreAwayError) as error:
        return _case_page(_visible_case(number), _not_sent(form, error)), *LATER
    flash(f"The new images were added to case {number}. The case keeps its waiting time.", "success")
    return _arrived(number)


def _follow_form(case: Case) -> FollowForm:
    form = FollowForm()
    earlier = queries.candidates(current_user, case)
    form.follows.choices = choices([("", "None: this is a different lesion"), *map(presenters.as_choice, earlier)])
    form.follows.data = next((other.number for other in earlier if other.id == case.follows_id), "")
    return form


@blueprint.post("/<number>/follow")
def follow(number: str) -> Response:
    case = _visible_case(number, locked=True)
    try:
        service.follow(current_user, case, request.form.get("follows", ""))
    except NotTheSamePatientError:
        abort(404)
    flash("Saved. The dermatologist sees the images of linked cases side by side.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/withdraw")
def withdraw(number: str) -> Reply:
    case, form = _visible_case(number, locked=True), WithdrawForm()
    if not form.validate() and service.can_be_withdrawn(case):
        return _case_page(case, ImagesForm(formdata=None), form), 422
    try:
        service.withdraw(current_user, case, form.reason.data or "")
    except CaseChangedError:
        abort(409)
    flash(f"Case {number} has been withdrawn. No dermatologist will review it. You can send it again.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/close")
def close(number: str) -> Response:
    case = _visible_case(number, locked=True)
    try:
        answers.close(current_user, case)
    except CaseChangedError:
        abort(409)
    flash(f"Case {case.number} is closed. You can still open it from your list.", "success")
    return redirect(url_for("cases.show", number=case.number))
