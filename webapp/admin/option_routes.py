"""What an administrator sets for every decision: management options, and the letterhead of reports."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from webapp.admin.forms import LetterheadForm, ManagementForm
from webapp.admin.service import OptionError, offer_management, set_letterhead
from webapp.cases.queries import letterhead as stored_letterhead
from webapp.core.replies import Reply
from webapp.review.queries import management_options

blueprint = Blueprint("options", __name__, url_prefix="/admin")


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
    return redirect(url_for("options.management"))


@blueprint.route("/letterhead", methods=["GET", "POST"])
def letterhead() -> Reply:
    form = LetterheadForm(obj=stored_letterhead())
    if request.method == "GET" or not form.validate():
        return render_template("admin/letterhead.html", form=form), 422 if form.errors else 200
    set_letterhead(current_user, form.texts)
    flash("Letterhead saved. Every report made from now on has it.", "success")
    return redirect(url_for("options.letterhead"))
