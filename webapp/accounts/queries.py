"""The only place that selects accounts and centres."""

from datetime import datetime

from sqlalchemy import Row, func, select
from sqlalchemy.orm import joinedload

from webapp.core.extensions import db
from webapp.models import Centre, Role, SignInSession, User


def users() -> list[User]:
    statement = select(User).options(joinedload(User.centre)).order_by(User.active.desc(), User.name, User.id)
    return list(db.session.scalars(statement))


def user(user_id: int) -> User | None:
    return db.session.get(User, user_id)


def by_email(email: str) -> User | None:
    return db.session.scalars(select(User).where(func.lower(User.email) == email.lower())).one_or_none()


def other_active_admins(user: User) -> int:
    """Administrators who have signed in before and remain when ``user`` goes; locked, so that two of them cannot remove
    each other at once.
    """
    others = (User.role == Role.ADMIN, User.active, User.joined_at.is_not(None), User.id != user.id)
    return len(db.session.scalars(select(User.id).where(*others).with_for_update()).all())


def centres(*, active_only: bool = False) -> list[Centre]:
    statement = select(Centre).order_by(Centre.name, Centre.id)
    return list(db.session.scalars(statement.where(Centre.active) if active_only else statement))


def centre(centre_id: int) -> Centre | None:
    return db.session.get(Centre, centre_id)


def centre_by_name(name: str) -> Centre | None:
    """Ignores case; compared here, because SQLite folds ASCII letters only."""
    return next((centre for centre in centres() if centre.name.casefold() == name.casefold()), None)


def members_by_centre() -> dict[int, int]:
    """Active members of each centre."""
    statement = (
        select(User.centre_id, func.count()).where(User.active, User.centre_id.is_not(None)).group_by(User.centre_id)
    )
    return {centre_id: count for centre_id, count in db.session.execute(statement) if centre_id is not None}


def signed_in(fs_uniquifier: str, token_sha256: str) -> Row[User, int, datetime, datetime] | None:
    """The account and session of a cookie: (account, id of the session, started, last seen)."""
    here = SignInSession
    statement = select(User, here.id, here.started_at, here.seen_at).join(here, here.user_id == User.id)
    known = (User.fs_uniquifier == fs_uniquifier, here.token_sha256 == token_sha256, here.ended_at.is_(None))
    return db.session.execute(statement.where(*known)).one_or_none()


def session_was_ended(token_sha256: str) -> bool:
    """By somebody, rather than by time."""
    ended = select(SignInSession.ended_at).where(SignInSession.token_sha256 == token_sha256)
    return db.session.scalar(ended) is not None


def open_sessions(user: User, started_after: datetime, seen_after: datetime) -> list[SignInSession]:
    """Where somebody is signed in, most recently seen first."""
    here = SignInSession
    statement = select(here).where(here.user_id == user.id, here.ended_at.is_(None))
    statement = statement.where(here.started_at > started_after, here.seen_at > seen_after)
    return list(db.session.scalars(statement.order_by(here.seen_at.desc(), here.id.desc())))


def locked(user: User) -> User:
    """The account as it is now, locked until this transaction ends."""
    statement = select(User).where(User.id == user.id).with_for_update(of=User)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one()
