"""The rules of accounts: invited by link, one role each, always at least one administrator."""

import logging
import secrets
import uuid
from collections.abc import Callable

from flask import current_app
from flask_security.recoverable import generate_reset_password_token
from flask_security.utils import hash_password

from webapp import audit
from webapp.accounts import queries, sessions
from webapp.core import mail
from webapp.core.config import current_settings
from webapp.core.database import after_commit
from webapp.core.extensions import db
from webapp.models import Centre, Role, User, utcnow

log = logging.getLogger(__name__)

INVITATION = """Hello {name},

An account has been created for you in DermTriage. Please open this link to choose your password:

{link}

The link works once and expires after {days} days. If you were not expecting this email, please ignore it.
"""


class AccountError(ValueError):
    """The change is not allowed; the message says why in the administrator's words."""


def invite(
    actor: User | None, *, email: str, name: str, role: Role, centre_id: int | None, registration: str = ""
) -> User:
    """Create an account that nobody can sign in to until its invitation link has been used. Raises AccountError."""
    if queries.by_email(email):
        raise AccountError("There is already an account with this email address.")
    user = User(
        email=email.lower(),
        name=name,
        role=role,
        centre_id=_centre_for(role, centre_id),
        registration=registration,
        password=hash_password(secrets.token_urlsafe(48)),
        fs_uniquifier=uuid.uuid4().hex,
        invited_at=utcnow(),
    )
    db.session.add(user)
    audit.record(actor, "account.invited", user, after=_facts(user))
    return user


def create_first_admin(*, email: str, name: str) -> User:
    if "@" not in email or not name.strip():
        raise AccountError("An administrator needs an email address and a name.")
    return invite(None, email=email.strip(), name=name.strip(), role=Role.ADMIN, centre_id=None)


def invitation_path(user: User) -> str:
    """The path of a link that lets its holder choose the password, once, within INVITATION_DAYS."""
    token = generate_reset_password_token(user)
    return current_app.url_map.bind("localhost").build("security.reset_password", {"token": token})


def new_link(actor: User, user: User) -> str:
    """A new link for somebody who forgot the password; the account's sessions and earlier links end."""
    if not user.active:
        raise AccountError("This account is disabled. Enable it first.")
    sessions.end_all(actor, user)
    user.password = hash_password(secrets.token_urlsafe(48))
    user.invited_at = utcnow()
    audit.record(actor, "account.link_made", user)
    return invitation_path(user)


def mail_link(user: User, link: str, tell: Callable[[bool], None]) -> bool:
    """Email a link once its account is stored, and ``tell`` whether that worked. False: no mail server is set."""
    settings = current_settings()
    if not settings.mail_url:
        return False
    to, text = user.email, INVITATION.format(name=user.name, link=link, days=settings.invitation_days)

    def send() -> None:
        try:
            mail.send(settings, to, "Your DermTriage account", text)
        except mail.MailError as error:
            log.error("an invitation could not be emailed: %s", error)
            tell(False)
        else:
            tell(True)

    after_commit(send)
    return True


def check_change(user: User, *, role: Role, centre_id: int | None) -> int | None:
    """The centre that the account would have. Raises AccountError as ``change`` would."""
    if user.role is Role.ADMIN and role is not Role.ADMIN and user.active:
        _keep_an_admin(user)
    return _centre_for(role, centre_id, present=user.centre_id)


def change(actor: User, user: User, *, name: str, role: Role, centre_id: int | None, registration: str) -> None:
    """Change name, role, centre or registration number. Raises AccountError if that removes the last administrator."""
    before = _facts(user)
    role_changed = user.role is not role
    user.centre_id = check_change(user, role=role, centre_id=centre_id)
    user.name, user.role, user.registration = name, role, registration
    if role_changed:
        sessions.end_all(actor, user)
    if _facts(user) != before:
        audit.record(actor, "account.changed", user, before=before, after=_facts(user))


def check_disabling(user: User) -> None:
    """Raises AccountError for the last administrator."""
    if user.active and user.role is Role.ADMIN:
        _keep_an_admin(user)


def disable(actor: User, user: User) -> None:
    """Disable the account; its sessions end at the next click. Raises AccountError for the last administrator."""
    if not user.active:
        return
    check_disabling(user)
    user.active = False
    sessions.end_all(actor, user)
    audit.record(actor, "account.disabled", user)


def enable(actor: User, user: User) -> None:
    if not user.active:
        user.active = True
        audit.record(actor, "account.enabled", user)


def add_centre(actor: User | None, name: str, bcc_rate: float | None = None) -> Centre:
    """``bcc_rate``: see Centre. Raises AccountError."""
    if queries.centre_by_name(name):
        raise AccountError("There is already a centre with this name.")
    centre = Centre(name=name, bcc_rate=bcc_rate)
    db.session.add(centre)
    known = {} if bcc_rate is None else {"bcc_rate": bcc_rate}
    audit.record(actor, "centre.added", centre, after={"name": name} | known)
    return centre


def change_centre(actor: User, centre: Centre, *, name: str, active: bool, bcc_rate: float | None) -> None:
    """Raises AccountError."""
    same_name = queries.centre_by_name(name)
    if same_name is not None and same_name.id != centre.id:
        raise AccountError("There is already a centre with this name.")
    before = {"name": centre.name, "active": centre.active, "bcc_rate": centre.bcc_rate}
    after = {"name": name, "active": active, "bcc_rate": bcc_rate}
    centre.name, centre.active, centre.bcc_rate = name, active, bcc_rate
    if before != after:
        audit.record(actor, "centre.changed", centre, before=before, after=after)


def sign_in_failed(user: User) -> None:
    """Only for accounts that exist, and never what was typed: people type passwords into the wrong field."""
    audit.record(None, "account.sign_in_failed", user)


def joined(user: User) -> None:
    """The invitation link has been used."""
    user.joined_at = user.joined_at or utcnow()
    sessions.end_all(user, user)
    audit.record(user, "account.password_set", user)


def password_changed(user: User) -> None:
    sessions.end_others(user)
    audit.record(user, "account.password_changed", user)


def _centre_for(role: Role, centre_id: int | None, present: int | None = None) -> int | None:
    if role is not Role.GP:
        return None
    centre = queries.centre(centre_id) if centre_id is not None else None
    if centre is None or not (centre.active or centre.id == present):
        raise AccountError("A GP must belong to an active centre.")
    return centre.id


def _keep_an_admin(user: User) -> None:
    if not queries.other_active_admins(user):
        raise AccountError(
            "This is the last administrator who can sign in. Invite another one first; once they have chosen their "
            "password, you can do this."
        )


def _facts(user: User) -> dict[str, object]:
    facts: dict[str, object] = {
        "name": user.name,
        "role": user.role.value,
        "centre": user.centre_id,
        "active": user.active,
    }
    return facts | ({"registration": user.registration} if user.registration else {})
