"""What the dermatologist's routes share: finding the case, and pages used by more than one of them."""

from flask import abort, render_template
from flask_login import current_user

from webapp.cases import queries as cases
from webapp.cases.blindness import impression_of
from webapp.core.replies import Reply
from webapp.models import Case, Claim
from webapp.review import marks, presenters, queries
from webapp.review.forms import (
    AmendmentForm,
    ClaimForm,
    DecisionForm,
    ImpressionForm,
    OpinionForm,
    OpinionRequestForm,
    TakeOverForm,
    UndoForm,
)


def find_case(number: str, *, locked: bool = False) -> Case:
    """The case, or 404; ``locked`` until the end of the request if it is going to change."""
    find = cases.find_locked if locked else cases.find
    return find(current_user, number) or abort(404)


def reading_page(
    case: Case,
    form: DecisionForm,
    opinion_form: OpinionForm | None = None,
    opinion_request_form: OpinionRequestForm | None = None,
    impression_form: ImpressionForm | None = None,
) -> str:
    """The case as it is now, with the form that was just refused, if any."""
    if opinion_request_form is None:
        opinion_request_form = OpinionRequestForm(formdata=None)
        opinion_request_form.offer(queries.colleagues(current_user))
    return render_template(
        "review/show.html",
        case=case,
        reading=presenters.Reading(case, current_user, amending=isinstance(form, AmendmentForm)),
        form=form,
        marked=marks.named(form.marks.data or "", case),
        opinion_form=opinion_form or OpinionForm(formdata=None, **impression_values(case)),
        impression_form=impression_form or ImpressionForm(formdata=None),
        opinion_request_form=opinion_request_form,
        claim_form=ClaimForm(),
        take_over_form=TakeOverForm(formdata=None),
        undo_form=UndoForm(formdata=None),
    )


def impression_values(case: Case) -> dict[str, str]:
    """A blinded reader's impression, which prefills the form. Empty for everybody else."""
    impression = impression_of(current_user, case)
    if impression is None:
        return {}
    return {"diagnosis": impression.diagnosis.value, "management": impression.management.value}


def busy_page(case: Case, claim: Claim, form: TakeOverForm) -> str:
    return render_template("review/busy.html", case=case, claim=claim, form=form, claim_form=ClaimForm())


def too_late_page(case: Case, form: DecisionForm | ImpressionForm, sentence: str) -> Reply:
    """Nothing was stored, and ``sentence`` says why. Shows everything that was chosen or typed."""
    entered = list(form.filled_in)
    if isinstance(form, DecisionForm):
        entered += marks.named(form.marks.data or "", case)
    return render_template("review/too_late.html", case=case, entered=entered, sentence=sentence), 409


def shown_id(text: str | None) -> int:
    """The id in a hidden field; 0, which no row has, if it is not a number."""
    return int(text) if text and text.isdecimal() else 0
