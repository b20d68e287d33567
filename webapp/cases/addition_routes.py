"""Adding a note or images to a case that still waits for a decision."""

import uuid

from flask import Blueprint, flash, render_template
from flask_login import current_user

from webapp.cases import additions, pages
from webapp.cases.additions import TooManyImagesError
from webapp.cases.forms import AdditionForm
from webapp.cases.service import CaseChangedError, SentAlreadyError
from webapp.core.overload import LATER, BusyError
from webapp.core.replies import Reply
from webapp.models import Addition, Case
from webapp.storage.errors import StoreAwayError
from webapp.triage.risk import joined

blueprint = Blueprint("additions", __name__, url_prefix="/cases")


@blueprint.post("/<number>/additions")
def add(number: str) -> Reply:
    case, form = pages.visible_case(number), AdditionForm()
    valid, token, with_images = form.validate(), form.token.data or "", pages.any_file()
    if valid and not form.note.data and not with_images:
        form.note.errors, valid = ["Write a note, or choose an image."], False
    of_this_case = case.submission_token if additions.earlier(case, token) else ""  # sent again: no second sending
    try:
        images = pages.accepted(form, of_this_case) if with_images else []
        case = pages.visible_case(number, locked=True)
        if not valid or images is None:
            return _refused(case, form)
        addition = additions.add(current_user, case, token, form.note.data or "", images)
    except TooManyImagesError as error:
        form.images.errors = [str(error)]
        return _refused(case, form)
    except SentAlreadyError:
        form.token.raw_data, form.token.data = None, str(uuid.uuid4())
        form.form_errors.append(
            "This form was sent before, and what it said then was added. What you have changed since was not: take out "
            "what is there already, then send the rest."
        )
        return _refused(case, form)
    except CaseChangedError:
        return render_template("cases/not_added.html", case=case, form=form), 409
    except (BusyError, StoreAwayError) as error:
        return pages.case_page(pages.visible_case(number), pages.not_sent(form, error)), *LATER
    flash(f"{_what(addition)} added to case {number}. Whoever reviews it sees that it is new.", "success")
    return pages.arrived(number)


def _refused(case: Case, form: AdditionForm) -> Reply:
    """The form again; once the case is decided there is no such form, and the page says so."""
    if not additions.can_be_added_to(case):
        return render_template("cases/not_added.html", case=case, form=form), 409
    return pages.case_page(case, form), 422


def _what(addition: Addition) -> str:
    count = len(addition.positions)
    parts = ["note"] if addition.note else []
    parts += [f"{count} image{'s' if count > 1 else ''}"] if count else []
    return joined(parts).capitalize()
