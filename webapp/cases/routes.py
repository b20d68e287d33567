"""The GP's pages: submit a case, follow it, read the answer."""

import uuid
from typing import TypeVar

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from webapp import audit
from webapp.cases import answers, presenters, queries, service, uploads
from webapp.cases.forms import CaseForm, ConfirmForm, FollowForm, ImagesForm
from webapp.cases.queries import ListFilter
from webapp.cases.service import CaseChangedError, NewCase, NotTheSamePatientError
from webapp.cases.uploads import ReasonMissingError, RefusedUploadError
from webapp.cases.waiting import PACE_DAYS, waiting_of
from webapp.core.choices import choices
from webapp.core.overload import LATER, BusyError
from webapp.core.parameters import row_id
from webapp.intake.rebuild import CleanImage
from webapp.models import BodySite, Case, Role, Sex, Urgency
from webapp.storage.errors import StoreAwayError

blueprint = Blueprint("cases", __name__, url_prefix="/cases")

AnyForm = TypeVar("AnyForm", bound=ImagesForm)
Answer = str | Response | tuple[str | dict[str, str], int] | tuple[str, int, dict[str, str]]


@blueprint.app_context_processor
def unread() -> dict[str, int]:
    """For the navigation of every page of a GP."""
    if current_user.is_authenticated and current_user.role is Role.GP:
        return {"unread_answers": queries.unread_count(current_user)}
    return {}


@blueprint.get("/")
def index() -> str:
    return render_template("cases/index.html", **_list())


@blueprint.get("/list")
def updates() -> str:
    """The part of the list that changes by itself. Like every poll it says nothing to the session."""
    return render_template("cases/_list.html", **_list())


def _list() -> dict[str, object]:
    search = request.args.get("q", "").strip()[:40]
    only = request.args.get("only", type=ListFilter)
    before = request.args.get("before", type=row_id)
    cases = queries.page(current_user, search, before, only)
    shown = cases[: queries.PAGE_SIZE]
    waiting = waiting_of(shown)
    return {
        "rows": [presenters.CaseRow(case, waiting.get(case.id)) for case in shown],
        "search": search,
        "only": only,
        "before": before,
        "older": shown[-1].id if len(cases) > len(shown) else None,
        "counts": queries.counts(current_user),
        "pace_days": PACE_DAYS,
    }


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Answer:
    if request.method == "GET":
        return _empty_form(request.args.get("follows", ""))
    form = CaseForm()
    follows = _visible_case(form.follows.data) if form.follows.data else None
    valid = form.validate()
    try:
        images = _accepted(form, form.submission_token.data or "")
        if not valid or images is None:
            return _form_page(form, follows), 422
        case = service.submit(current_user, _new_case(form, follows), images)
    except NotTheSamePatientError:
        form.patient_reference.errors = [f"Case {form.follows.data} has another reference: it is of somebody else."]
        return _form_page(form, follows), 422
    except (BusyError, StoreAwayError) as error:
        return _form_page(_not_sent(form, error), follows), *LATER
    flash(
        f"Case {case.number} was sent. It is being analysed and is already in the dermatologists' worklist.", "success"
    )
    return _arrived(case.number)


def _arrived(number: str) -> Answer:
    """On to the case's page. A script would follow a redirect unseen, so it is told the address instead."""
    page = url_for("cases.show", number=number)
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    return ({"page": page}, 201) if by_script else redirect(page)


def _not_sent(form: AnyForm, error: BusyError | StoreAwayError) -> AnyForm:
    """The form as it was sent, saying that the images are not taken just now."""
    if isinstance(error, BusyError):
        why = "Very many images are arriving just now, so nothing was sent."
    else:
        current_app.logger.error("image store: %s", error)
        why = "The images could not be stored just now, so nothing was sent."
    form.images.errors = [f"{why} Please send the form again in a minute: it makes one case, however often it is sent."]
    return form


def _empty_form(follows: str) -> str:
    """A new form; for a lesion that an earlier case shows, with what is known of the patient already."""
    earlier = _visible_case(follows) if follows else None
    form = CaseForm(obj=earlier)
    form.submission_token.data = str(uuid.uuid4())
    form.follows.data = follows
    form.history.data = form.clinical_question.data = ""
    form.urgency.data = Urgency.ROUTINE.value
    return _form_page(form, earlier)


def _form_page(form: CaseForm, follows: Case | None) -> str:
    settings = current_app.extensions["settings"]
    return render_template("cases/new.html", form=form, follows=follows, settings=settings)


def _files() -> list[tuple[str, bytes]]:
    chosen: list[FileStorage] = [file for file in request.files.getlist("images") if file.filename]
    return [(presenters.file_label(position, file.filename), file.read()) for position, file in enumerate(chosen, 1)]


def _accepted(form: ImagesForm, token: str = "") -> list[CleanImage] | None:
    """The chosen images, or None with the reason beside the field."""
    try:
        return uploads.accept(current_user, _files(), (form.send_anyway.data or "").strip(), token)
    except RefusedUploadError as error:
        form.images.errors = error.problems
    except ReasonMissingError as missing:
        form.send_anyway.errors = missing.remarks
    return None


@blueprint.post("/images/check")
def check_image() -> dict[str, object] | tuple[dict[str, object], int, dict[str, str]]:
    """What speaks against one chosen image, before the form is sent. Nothing is stored."""
    files = [("This image", data) for _name, data in _files()]
    if len(files) != 1:
        abort(400)
    try:
        images = uploads.clean_images(files, only_to_judge=True)
    except RefusedUploadError as error:
        return {"refused": True, "text": str(error)}
    except BusyError:
        return {}, *LATER
    (remarks,) = uploads.remarks_on(current_user, images, request.form.get("submission_token", ""))
    return {"refused": False, "text": uploads.sentence(remarks)}


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


def _case_page(case: Case, form: ImagesForm) -> str:
    return render_template(
        "cases/show.html",
        case=case,
        progress=_progress(case),
        form=form,
        confirm=ConfirmForm(),
        history=queries.lesion_history(current_user, case),
        follow_form=_follow_form(case),
        settings=current_app.extensions["settings"],
    )


@blueprint.get("/<number>/status")
def status(number: str) -> str:
    """The part of the case page that changes by itself."""
    return render_template("cases/_progress.html", progress=_progress(_visible_case(number)))


def _progress(case: Case) -> presenters.Progress:
    return presenters.Progress(case, waiting_of([case]).get(case.id))


@blueprint.post("/<number>/images")
def add_images(number: str) -> Answer:
    form = ImagesForm()
    _visible_case(number)  # nobody has files decoded for a case of others
    valid = form.validate()
    try:
        images = _accepted(form)
        if not valid or images is None:
            return _case_page(_visible_case(number), form), 422
        service.add_images(current_user, _visible_case(number, locked=True), images)
    except CaseChangedError:
        abort(409)
    except (BusyError, StoreAwayError) as error:
        return _case_page(_visible_case(number), _not_sent(form, error)), *LATER
    flash(f"The new images were added to case {number}. It keeps its waiting time.", "success")
    return _arrived(number)


def _follow_form(case: Case) -> FollowForm:
    form = FollowForm()
    earlier = queries.candidates(current_user, case)
    form.follows.choices = choices([("", "None of them: another lesion"), *map(presenters.as_choice, earlier)])
    form.follows.data = next((other.number for other in earlier if other.id == case.follows_id), "")
    return form


@blueprint.post("/<number>/follow")
def follow(number: str) -> Response:
    case = _visible_case(number, locked=True)
    try:
        service.follow(current_user, case, request.form.get("follows", ""))
    except NotTheSamePatientError:
        abort(404)
    flash("Noted. The dermatologist sees the earlier images beside the new ones.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/withdraw")
def withdraw(number: str) -> Response:
    try:
        service.withdraw(current_user, _visible_case(number, locked=True))
    except CaseChangedError:
        abort(409)
    flash(f"Case {number} is withdrawn. No dermatologist will read it.", "success")
    return redirect(url_for("cases.show", number=number))


@blueprint.post("/<number>/close")
def close(number: str) -> Response:
    case = _visible_case(number, locked=True)
    try:
        answers.close(current_user, case)
    except CaseChangedError:
        abort(409)
    flash(f"Case {case.number} is closed. You can still read it in your list.", "success")
    return redirect(url_for("cases.show", number=case.number))
