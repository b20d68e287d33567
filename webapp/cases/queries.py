"""The only place that selects cases and images, always scoped to the asking user."""

from sqlalchemy import ColumnElement, Select, false, func, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from webapp.extensions import db
from webapp.models import Analysis, Case, CaseState, Finding, Image, Review, Role, User

PAGE_SIZE = 25


def visible_to(user: User) -> ColumnElement[bool]:
    """Which cases this user may see: a GP those of the own centre, a dermatologist all, anybody else none."""
    if user.role is Role.GP:
        return Case.centre_id == user.centre_id
    if user.role is Role.DERMATOLOGIST:
        return true()
    return false()


def _with_details(statement: Select[Case]) -> Select[Case]:
    analyses = selectinload(Case.images).selectinload(Image.analyses)
    return statement.options(
        analyses.selectinload(Analysis.findings),
        analyses.joinedload(Analysis.model_version),
        selectinload(Case.reviews).options(joinedload(Review.reviewer), selectinload(Review.assessments)),
        joinedload(Case.centre),
        joinedload(Case.submitted_by),
    )


def find(user: User, number: str) -> Case | None:
    """One case with all that its page shows, or None when this user may not see it."""
    statement = select(Case).where(Case.number == number, visible_to(user))
    return db.session.scalars(_with_details(statement)).one_or_none()


def find_locked(user: User, number: str) -> Case | None:
    """The same case, held against changes by others until this transaction ends."""
    db.session.execute(select(Case.id).where(Case.number == number, visible_to(user)).with_for_update())
    return find(user, number)


def by_submission(user: User, token: str) -> Case | None:
    """The case that this very form already made, after a double click."""
    statement = select(Case).where(Case.submission_token == token, Case.submitted_by_id == user.id)
    return db.session.scalars(statement).one_or_none()


def page(user: User, search: str, before: int | None) -> list[Case]:
    """One page of the centre's cases and one row more, newest first, from ids below ``before``."""
    statement = select(Case).where(visible_to(user))
    if before is not None:
        statement = statement.where(Case.id < before)
    if search:
        pattern = f"%{_escape_like(search)}%"
        statement = statement.where(
            or_(Case.number.ilike(pattern, escape="\\"), Case.patient_reference.ilike(pattern, escape="\\"))
        )
    statement = statement.order_by(Case.id.desc()).limit(PAGE_SIZE + 1)
    statement = statement.options(selectinload(Case.images), selectinload(Case.reviews), joinedload(Case.submitted_by))
    return list(db.session.scalars(statement))


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def unread_count(user: User) -> int:
    """Cases of the centre that wait for somebody there: unread answers and requests for new images."""
    waiting = Case.state.in_((CaseState.REVIEWED, CaseState.RETAKE_REQUESTED))
    statement = select(func.count()).select_from(Case).where(visible_to(user), waiting)
    return db.session.scalar(statement) or 0


def image_of(user: User, image_id: int) -> Image | None:
    statement = select(Image).join(Image.case).where(Image.id == image_id, visible_to(user))
    return db.session.scalars(statement.options(contains_eager(Image.case))).one_or_none()


def finding_of(user: User, finding_id: int) -> Finding | None:
    """A finding that has a heatmap, of an image this user may see."""
    statement = (
        select(Finding)
        .join(Finding.analysis)
        .join(Analysis.image)
        .join(Image.case)
        .where(Finding.id == finding_id, Finding.heatmap_key.is_not(None), visible_to(user))
    )
    return db.session.scalars(statement).one_or_none()
