"""The administrator's pages: accounts, centres, management options, audit log."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.accounts import queries, second_factor, service
from webapp.accounts.forms import AccountForm, CentreForm, InvitationForm, ResetSecondFactorForm
from webapp.accounts.service import AccountError
from webapp.admin import queries as trail
from webapp.admin.forms import AuditForm, ManagementForm
from webapp.admin.service import OptionError, offer_management
from webapp.audit.words import EventRow
from webapp.core.config import current_settings
from webapp.core.confirm import ConfirmForm
from webapp.core.parameters import row_id
from webapp.core.replies import Reply
from webapp.models import Centre, Role, User
from webapp.review.queries import management_options

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
    try:
        service.change(
            current_user,
            user,
            name=form.name.data or "",
            role=Role(form.role.data),
            centre_id=form.centre_id.data,
        )
    except AccountError as error:
        return _refused("admin/account.html", form, error, user=user, confirm=ConfirmForm())
    flash(f"Changes to the account of {user.name} saved.", "success")
    return redirect(url_for("admin.accounts"))


@blueprint.post("/accounts/<id:user_id>/link")
def link(user_id: int) -> Reply:
    user = _account(user_id)
    try:
        return _link_page(user, service.new_link(current_user, user))
    except AccountError as error:
        return _back(user, error)


@blueprint.post("/accounts/<id:user_id>/disable")
def disable(user_id: int) -> Reply:
    return _switch(user_id, service.disable, "disabled and can no longer sign in")


@blueprint.post("/accounts/<id:user_id>/enable")
def enable(user_id: int) -> Reply:
    return _switch(user_id, service.enable, "enabled")


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


def _switch(user_id: int, change: Callable[[User, User], None], outcome: str) -> Reply:
    user = _account(user_id)
    try:
        change(current_user, user)
    except AccountError as error:
        return _back(user, error)
    flash(f"The account of {user.name} is {outcome}.", "success")
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


@blueprint.route("/management", methods=["GET", "POST"])
def management() -> Reply:
    form = ManagementForm.filled_from(management_options())
    if request.method == "GET" or not form.validate():
        return render_template("admin/management.html", form=form), 422 if form.errors else 200
    try:
        offer_management(current_user, form.offers)
    except OptionError as error:
        form[f"active_{error.management.value}"].errors = [str(error)]
        return render_template("admin/management.html", form=form), 422
    flash("Management options saved. They apply from the next decision.", "success")
    return redirect(url_for("admin.management"))


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
