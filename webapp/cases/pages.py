"""What the GP's routes share: finding the case, accepting its images, and its page."""

import uuid
from collections.abc import Collection
from typing import TypeVar

from flask import abort, current_app, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from webapp.cases import additions, presenters, queries, uploads
from webapp.cases.blindness import hides_decisions
from webapp.cases.forms import AdditionForm, FollowForm, ImagesForm, WithdrawForm
from webapp.cases.marked import marked_images
from webapp.cases.uploads import ReasonMissingError, RefusedUploadError, StoredImage
from webapp.cases.waiting import places_of
from webapp.core.choices import choices
from webapp.core.config import current_settings
from webapp.core.confirm import ConfirmForm
from webapp.core.overload import BusyError
from webapp.core.replies import Reply
from webapp.models import Case
from webapp.storage.errors import StoreAwayError

AnyForm = TypeVar("AnyForm", bound=ImagesForm)


def visible_case(number: str, *, locked: bool = False) -> Case:
    find = queries.find_locked if locked else queries.find
    return find(current_user, number) or abort(404)


def arrived(number: str) -> Reply:
    """Redirect to the case's page. A script would follow a redirect silently, so it gets the address instead."""
    page = url_for("cases.show", number=number)
    by_script = request.headers.get("X-Requested-With") == "XMLHttpRequest"
    return ({"page": page}, 201) if by_script else redirect(page)


def any_file() -> bool:
    return any(file.filename for file in request.files.getlist("images"))


def files() -> list[uploads.File]:
    chosen: list[FileStorage] = [file for file in request.files.getlist("images") if file.filename]
    return [(presenters.file_label(position, file.filename), file.read) for position, file in enumerate(chosen, 1)]


def accepted(form: ImagesForm, token: str = "", there: Collection[str] = ()) -> list[StoredImage] | None:
    """The chosen images, stored; None if any field has an error, which they may give. Raises AlreadyThereError."""
    try:
        clean = uploads.accept(current_user, files(), (form.send_anyway.data or "").strip(), token, there)
        return None if form.errors else uploads.store(clean)
    except RefusedUploadError as error:
        form.images.errors = error.problems
    except ReasonMissingError as missing:
        form.send_anyway.errors = missing.quality_flags
    return None


def not_sent(form: AnyForm, error: BusyError | StoreAwayError) -> AnyForm:
    """The form as it was sent, with the message that images cannot be accepted at the moment."""
    if isinstance(error, BusyError):
        why = "Too many images are arriving at the moment, so nothing was sent."
    else:
        current_app.logger.error("image store: %s", error)
        why = "The images could not be stored, so nothing was sent."
    form.images.errors = [f"{why} Please send the form again in a minute: this will not create a second case."]
    return form


def case_page(case: Case, form: ImagesForm | None = None, withdraw_form: WithdrawForm | None = None) -> str:
    """``form``: the one for images that was just refused."""
    history, can_be_added_to = queries.lesion_history(current_user, case), additions.can_be_added_to(case)
    fresh = AdditionForm(formdata=None, token=str(uuid.uuid4())) if can_be_added_to else ImagesForm(formdata=None)
    return render_template(
        "cases/show.html",
        case=case,
        timeline=timeline(case),
        marked_images=marked_images,
        form=form if isinstance(form, type(fresh)) else fresh,
        can_be_added_to=can_be_added_to,
        confirm=ConfirmForm(),
        history=history,
        sealed={shown.id for shown in history if hides_decisions(current_user, shown)},
        follow_form=_follow_form(case),
        withdraw_form=withdraw_form or WithdrawForm(formdata=None),
        settings=current_settings(),
        head=queries.letterhead(),
    )


def timeline(case: Case) -> presenters.CaseTimeline:
    return presenters.CaseTimeline(case, places_of([case]).get(case.id))


def _follow_form(case: Case) -> FollowForm:
    form = FollowForm()
    earlier = queries.candidates(current_user, case)
    form.follows.choices = choices([("", "None: this is a different lesion"), *map(presenters.as_choice, earlier)])
    form.follows.data = next((other.number for other in earlier if other.id == case.follows_id), "")
    return form
