"""The rules of the GP's side: creating, following, withdrawing and closing a case."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from webapp import audit
from webapp.analysis import queue
from webapp.cases import queries
from webapp.cases.uploads import StoredImage
from webapp.core.database import after_commit
from webapp.core.extensions import db
from webapp.models import Analysis, BodySite, Case, CaseState, Image, Sex, Side, Surface, Urgency, User, utcnow
from webapp.triage import rank

NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing misheard or misread: no 0/O, 1/I/L, U/V


class CaseChangedError(Exception):
    """The case is no longer in the state that the user saw."""


class SentAlreadyError(Exception):
    """The form has already made a case, ``number``, with other contents."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


class NotTheirFormError(Exception):
    """The form was opened, and sent, by somebody else."""


class NotTheSamePatientError(ValueError):
    """A case can only follow an earlier one of the same patient and centre."""


@dataclass(frozen=True)
class NewCase:
    """What a GP tells us about a lesion."""

    submission_token: str
    patient_reference: str
    body_site: BodySite
    side: Side | None = None
    surface: Surface | None = None
    size_mm: float | None = None
    birth_year: int | None = None
    sex: Sex | None = None
    phototype: int | None = None
    history: str = ""
    clinical_question: str = ""
    urgency: Urgency = Urgency.ROUTINE
    consent: bool = False
    follows: Case | None = None
    synthetic: bool = False


def submit(user: User, new: NewCase, images: Sequence[StoredImage]) -> Case:
    """Store a case with its images and queue their analysis, all or nothing.

    Sending the same form twice gives the same case; with other contents it raises SentAlreadyError. Raises
    NotTheirFormError.
    """
    earlier = queries.by_submission(user, new.submission_token)
    if earlier is not None:
        return _the_same(earlier, new, images)
    if user.centre_id is None:
        raise ValueError("only a member of a centre can submit a case")
    case = Case(
        number=_new_number(),
        submission_token=new.submission_token,
        centre_id=user.centre_id,
        submitted_by=user,
        responsible=user,
        patient_reference=new.patient_reference,
        birth_year=new.birth_year,
        sex=new.sex,
        phototype=new.phototype,
        body_site=new.body_site,
        side=new.side,
        surface=new.surface,
        size_mm=new.size_mm,
        history=new.history,
        clinical_question=new.clinical_question,
        urgency=new.urgency,
        consented_at=utcnow() if new.consent else None,
        synthetic=new.synthetic,
    )
    try:
        with db.session.begin_nested():
            db.session.add(case)
    except IntegrityError:
        earlier = queries.by_submission(user, new.submission_token)  # the same form, sent twice at once
        if earlier is None:
            raise NotTheirFormError from None
        return _the_same(earlier, new, images)
    if new.follows is not None:
        follow(user, case, new.follows.number)
    attach(case, images)
    rank.refresh(case)
    audit.record(user, "case.submitted", case, after={"images": len(images), "urgency": case.urgency.value})
    return case


def _the_same(case: Case, new: NewCase, images: Sequence[StoredImage]) -> Case:
    """The case that this form has made. Raises SentAlreadyError if the form says something else by now."""
    told = (
        "patient_reference",
        "body_site",
        "side",
        "surface",
        "size_mm",
        "birth_year",
        "sex",
        "phototype",
        "history",
        "clinical_question",
        "urgency",
    )
    sent = [image.sha256 for image in case.images[: len(images)]]
    if [getattr(case, name) for name in told] != [getattr(new, name) for name in told]:
        raise SentAlreadyError(case.number)
    if sent != [image.sha256 for image in images]:
        raise SentAlreadyError(case.number)
    return case


def add_images(user: User, case: Case, images: Sequence[StoredImage]) -> None:
    """Add the images that a dermatologist asked for. The case needs a person again until they are analysed.

    It keeps its waiting time, and its reader if somebody is reviewing it because it was re-opened. Raises
    CaseChangedError unless new images were requested.
    """
    if case.images_wanted is None:
        raise CaseChangedError
    attach(case, images)
    if case.state in (CaseState.RETAKE_REQUESTED, CaseState.AWAITING_REVIEW):
        case.move_to(CaseState.SUBMITTED)
    rank.refresh(case)
    audit.record(user, "case.images_added", case, after={"images": len(images)})


def attach(case: Case, images: Sequence[StoredImage]) -> None:
    """Attach images after the existing ones, and queue their analysis."""
    analyses = [_attach(case, position, stored) for position, stored in enumerate(images, start=len(case.images) + 1)]
    db.session.flush()
    messages = [(analysis.id, queue.priority_of(analysis)) for analysis in analyses]
    after_commit(lambda: queue.send_all(messages))


def _attach(case: Case, position: int, stored: StoredImage) -> Analysis:
    clean = stored.clean
    image = Image(
        case=case,
        position=position,
        key=stored.key,
        thumbnail_key=stored.thumbnail_key,
        preview_key=stored.preview_key,
        media_type=clean.media_type,
        width=clean.width,
        height=clean.height,
        byte_size=stored.byte_size,
        sha256=clean.sha256,
        quality_flags=[flag.value for flag in clean.quality_flags],
        sent_anyway=clean.sent_anyway,
    )
    stored.ahead.name(stored.key, stored.thumbnail_key, stored.preview_key)
    analysis = Analysis(image=image)
    db.session.add(analysis)
    return analysis


def _new_number() -> str:
    return "DT-" + "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(7))


def can_be_withdrawn(case: Case) -> bool:
    """Until it is answered; not if an answer has been called into question."""
    return not case.reopened and (case.is_open or case.state is CaseState.RETAKE_REQUESTED)


def withdraw(user: User, case: Case, reason: str) -> None:
    """The GP withdraws the case before it is answered, and ends whatever claim there is on it.

    Raises CaseChangedError once it is answered.
    """
    if case.state is CaseState.WITHDRAWN:
        return
    if not can_be_withdrawn(case):
        raise CaseChangedError
    before = case.state.value
    case.move_to(CaseState.WITHDRAWN)
    case.closed_at = utcnow()
    case.withdrawal_reason = reason
    for claim in case.claims:
        claim.released_at = claim.released_at or case.closed_at
    audit.record(user, "case.withdrawn", case, before={"state": before}, after={"state": case.state.value})


def follow(user: User, case: Case, number: str) -> None:
    """Link the case to the earlier case ``number`` of the same lesion; "" removes the link.

    Raises NotTheSamePatientError unless that is an earlier case of the same patient and centre.
    """
    earlier = queries.candidate(user, case, number) if number else None
    if number and earlier is None:
        raise NotTheSamePatientError
    before, case.follows_id = case.follows_id, earlier.id if earlier else None
    if before != case.follows_id:
        audit.record(user, "case.follows", case, before={"case": before}, after={"case": case.follows_id})
