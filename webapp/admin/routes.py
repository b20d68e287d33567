"""The administrator's pages: accounts and centres."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from webapp.accounts import queries, service
from webapp.accounts.forms import AccountForm, CentreForm, ConfirmForm, InvitationForm
from webapp.accounts.service import AccountError
from webapp.models import Centre, Role, User

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
Page = str | Response | tuple[str, int]


def _account(user_id: int) -> User:
    return queries.user(user_id) or abort(404)


def _centre(centre_id: int) -> Centre:
    return queries.centre(centre_id) or abort(404)


@blueprint.get("/accounts")
def accounts() -> str:
    return render_template("admin/accounts.html", users=queries.users())


@blueprint.route("/accounts/new", methods=["GET", "POST"])
def invite() -> Page:
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
def account(user_id: int) -> Page:
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
    flash(f"The account of {user.name} was changed.", "success")
    return redirect(url_for("admin.accounts"))


@blueprint.post("/accounts/<id:user_id>/link")
def link(user_id: int) -> Page:
    user = _account(user_id)
    try:
        return _link_page(user, service.new_link(current_user, user))
    except AccountError as error:
        return _back(user, error)


@blueprint.post("/accounts/<id:user_id>/disable")
def disable(user_id: int) -> Page:
    return _switch(user_id, service.disable, "disabled: it can no longer sign in")


@blueprint.post("/accounts/<id:user_id>/enable")
def enable(user_id: int) -> Page:
    return _switch(user_id, service.enable, "enabled")


def _switch(user_id: int, change: Callable[[User, User], None], outcome: str) -> Page:
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
    """Shown once: the link is not stored anywhere."""
    return render_template("admin/link.html", user=user, link=request.host_url.rstrip("/") + path)


def _page(template: str, form: AccountForm | CentreForm, **context: object) -> Page:
    return render_template(template, form=form, **context), 422 if form.errors else 200


def _refused(template: str, form: AccountForm | CentreForm, error: AccountError, **context: object) -> Page:
    form.form_errors.append(str(error))
    return render_template(template, form=form, **context), 422


@blueprint.get("/centres")
def centres() -> str:
    return render_template("admin/centres.html", centres=queries.centres(), members=queries.members_by_centre())


@blueprint.route("/centres/new", methods=["GET", "POST"])
def add_centre() -> Page:
    form = CentreForm()
    if request.method == "GET" or not form.validate():
        return _page("admin/centre.html", form, centre=None)
    try:
        centre = service.add_centre(current_user, form.name.data or "")
    except AccountError as error:
        return _refused("admin/centre.html", form, error, centre=None)
    flash(f"{centre.name} was added. You can now invite its GPs.", "success")
    return redirect(url_for("admin.centres"))


@blueprint.route("/centres/<id:centre_id>", methods=["GET", "POST"])
def centre(centre_id: int) -> Page:
    found = _centre(centre_id)
    form = CentreForm(obj=found)
    if request.method == "GET" or not form.validate():
        return _page("admin/centre.html", form, centre=found)
    try:
        service.change_centre(current_user, found, name=form.name.data or "", active=bool(form.active.data))
    except AccountError as error:
        return _refused("admin/centre.html", form, error, centre=found)
    flash(f"{found.name} was changed.", "success")
    return redirect(url_for("admin.centres"))
