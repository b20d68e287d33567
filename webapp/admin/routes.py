"""The administrator's pages: accounts, centres, audit log."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.accounts import queries, second_factor, service, sessions
from webapp.accounts.forms import AccountForm, CentreForm, InvitationForm, ResetSecondFactorForm
from webapp.accounts.service import AccountError
from webapp.admin import queries as trail
from webapp.admin import questions
from webapp.admin.forms import AuditForm, HandoverForm
from webapp.admin.handover import LeftBehind, hand_over, leaves
from webapp.audit.words import EventRow
from webapp.core.config import current_settings
from webapp.core.confirm import ConfirmForm, Question, ask, confirmed
from webapp.core.parameters import row_id
from webapp.core.replies import Reply
from webapp.models import Centre, Role, User

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


def _account(user_id: int) -> User:
    return queries.user(user_id) or abort(404)


def _centre(centre_id: int) -> Centre:
    return queries.centre(centre_id) or abort(404)


@blueprint.get("/accounts")
def accounts() -> str:
    return render_template("admin/accounts.html", users=queries.users())


@blueprint.route("/accounts/new", methods=["GET", "POST"])
def invite() -> Reply:
    form = InvitationForm()
    form.offer_centres()
    if request.method == "GET" or not form.validate():
        return _page("admin/invite.html", form)
    try:
        user = service.invite(
            current_user,
            email=form.email.data or "",
            name=form.name.data or "",
            role=Role(form.role.data),
            centre_id=form.centre_id.data,
            registration=form.registration.data or "",
        )
    except AccountError as error:
        return _refused("admin/invite.html", form, error)
    return _link_page(user, service.invitation_path(user))


@blueprint.route("/accounts/<id:user_id>", methods=["GET", "POST"])
def account(user_id: int) -> Reply:
    user = _account(user_id)
    form = AccountForm(obj=user, role=user.role.value)
    form.offer_centres(user.centre_id)
    if request.method == "GET" or not form.validate():
        return _page("admin/account.html", form, user=user, confirm=ConfirmForm())
    role, before = Role(form.role.data), user.role
    try:
        centre_id = service.check_change(user, role=role, centre_id=form.centre_id.data)
        left = LeftBehind.by(user) if leaves(user, role, centre_id) else None
        if left is not None and not left.colleagues:
            raise AccountError(_nobody_to_follow(left))
    except AccountError as error:
        return _refused("admin/account.html", form, error, user=user, confirm=ConfirmForm())
    question = questions.about_change(current_user, user, role, queries.centre(centre_id or 0), left)
    if question is not None and (asked := _ask_first(question, left)) is not None:
        return asked
    facts = {"name": form.name.data or "", "registration": form.registration.data or ""}
    service.change(current_user, user, role=role, centre_id=centre_id, **facts)
    if user.id == current_user.id and role is not before:
        return _signed_out(f"You are no longer an administrator but a {role.label}. Please sign in again.")
    flash(f"Changes to the account of {user.name} saved.", "success")
    return redirect(url_for("admin.accounts"))


def _nobody_to_follow(left: LeftBehind) -> str:
    return (
        f"{left.gp.name} follows {left.words} of {left.centre.name}, and no other GP there has an account. "
        "Invite or enable one first."
    )


def _ask_first(question: Question, left: LeftBehind | None) -> Reply | None:
    """The page that asks, until it is answered in full; then the cases left behind are handed over."""
    form = HandoverForm() if left is not None and left.colleagues else None
    if left is not None and form is not None:
        form.offer(left)
    if not confirmed() or (form is not None and not form.validate()):
        return ask(question, form)
    if left is not None:
        hand_over(current_user, left, form.chosen(left) if form is not None else None)
    return None


def _signed_out(sentence: str) -> Response:
    """For an administrator who has just ended their own sessions."""
    sessions.forget_this_browser()
    flash(sentence, "info")
    return redirect(url_for("security.login"))


@blueprint.post("/accounts/<id:user_id>/link")
def link(user_id: int) -> Reply:
    user = _account(user_id)
    try:
        return _link_page(user, service.new_link(current_user, user))
    except AccountError as error:
        return _back(user, error)


@blueprint.post("/accounts/<id:user_id>/disable")
def disable(user_id: int) -> Reply:
    user = _account(user_id)
    try:
        service.check_disabling(user)
    except AccountError as error:
        return _back(user, error)
    left = LeftBehind.by(user) if user.active else None
    asked = _ask_first(questions.about_disabling(current_user, user, left), left)
    if asked is not None:
        return asked
    service.disable(current_user, user)
    if user.id == current_user.id:
        return _signed_out("Your account is disabled. Another administrator can enable it.")
    flash(f"The account of {user.name} is disabled and can no longer sign in.", "success")
    return redirect(url_for("admin.account", user_id=user.id))


@blueprint.post("/accounts/<id:user_id>/enable")
def enable(user_id: int) -> Reply:
    user = _account(user_id)
    service.enable(current_user, user)
    flash(f"The account of {user.name} is enabled.", "success")
    return redirect(url_for("admin.account", user_id=user.id))


@blueprint.post("/accounts/<id:user_id>/second-factor")
def reset_second_factor(user_id: int) -> Reply:
    user = _account(user_id)
    if not ResetSecondFactorForm().validate():
        return _back(user, AccountError("Nothing was reset. Please tick the box to confirm who this is."))
    second_factor.reset(current_user, user)
    flash(
        f"Two-factor authentication for {user.name} was reset and must be set up again at the next sign-in.", "success"
    )
    return redirect(url_for("admin.account", user_id=user.id))


def _back(user: User, error: AccountError) -> Response:
    flash(str(error), "danger")
    return redirect(url_for("admin.account", user_id=user.id))


def _link_page(user: User, path: str) -> str:
    """Shown once: the link is not stored. If email is set up, it is sent too, and the next page says whether it was."""
    link, email = request.host_url.rstrip("/") + path, user.email

    def tell(mailed: bool) -> None:
        if mailed:
            flash(f"The link was emailed to {email}.", "success")
        else:
            flash(f"The link could not be emailed to {email}. Create a new link and pass it on yourself.", "danger")

    return render_template("admin/link.html", user=user, link=link, mailed=service.mail_link(user, link, tell))


def _page(template: str, form: AccountForm | CentreForm, **context: object) -> Reply:
    return render_template(template, form=form, **context), 422 if form.errors else 200


def _refused(template: str, form: AccountForm | CentreForm, error: AccountError, **context: object) -> Reply:
    form.form_errors.append(str(error))
    return render_template(template, form=form, **context), 422


@blueprint.get("/centres")
def centres() -> str:
    return render_template("admin/centres.html", centres=queries.centres(), members=queries.members_by_centre())


@blueprint.route("/centres/new", methods=["GET", "POST"])
def add_centre() -> Reply:
    form = CentreForm()
    if request.method == "GET" or not form.validate():
        return _page("admin/centre.html", form, centre=None)
    try:
        centre = service.add_centre(current_user, form.name.data or "", form.bcc_rate)
    except AccountError as error:
        return _refused("admin/centre.html", form, error, centre=None)
    flash(f"{centre.name} was added. You can now invite its GPs.", "success")
    return redirect(url_for("admin.centres"))


@blueprint.route("/centres/<id:centre_id>", methods=["GET", "POST"])
def centre(centre_id: int) -> Reply:
    found = _centre(centre_id)
    percent = None if found.bcc_rate is None else round(found.bcc_rate * 100, 6)
    form = CentreForm(obj=found, bcc_percent=percent)
    if request.method == "GET" or not form.validate():
        return _page("admin/centre.html", form, centre=found)
    try:
        service.change_centre(
            current_user, found, name=form.name.data or "", active=bool(form.active.data), bcc_rate=form.bcc_rate
        )
    except AccountError as error:
        return _refused("admin/centre.html", form, error, centre=found)
    flash(f"Changes to {found.name} saved.", "success")
    return redirect(url_for("admin.centres"))


@blueprint.get("/audit")
def audit_log() -> Reply:
    form = AuditForm(request.args)
    form.offer_actors()
    if not form.validate():
        return render_template("admin/audit.html", form=form, rows=[]), 422
    begin, end = form.span(current_settings().timezone)
    before = request.args.get("before", type=row_id)
    found = trail.audit_events(
        actor_id=form.actor_id,
        by_system=form.by_system,
        action=form.action.data or "",
        case_number=form.case.data or "",
        begin=begin,
        end=end,
        before=before,
    )
    shown = found[: trail.PAGE_SIZE]
    names = trail.subject_names(shown)
    chosen: dict[str, Any] = {name: value for name, value in request.args.items() if name in form and value}
    older = shown[-1].id if len(found) > len(shown) else None
    return render_template(
        "admin/audit.html",
        form=form,
        rows=[EventRow(event, names.get((event.subject_type, event.subject_id))) for event in shown],
        newest=url_for("admin.audit_log", **chosen) if before else None,
        older=url_for("admin.audit_log", **chosen, before=older) if older else None,
    )
