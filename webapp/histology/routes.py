"""One page for GP and dermatologist: the results so far, and the form for another."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user

from webapp.cases import blindness, queries
from webapp.core.replies import Reply
from webapp.histology import service
from webapp.histology.forms import HistologyForm
from webapp.models import HistologyResult, Role

blueprint = Blueprint("histology", __name__, url_prefix="/histology")


@blueprint.route("/<number>", methods=["GET", "POST"])
def enter(number: str) -> Reply:
    find = queries.find_locked if request.method == "POST" else queries.find
    case = find(current_user, number) or abort(404)
    if first := blindness.what_comes_first(current_user, case):
        flash(first, "warning")
        return redirect(url_for("review.show", number=number))
    form = HistologyForm()
    home = url_for("cases.show" if current_user.role is Role.GP else "review.show", number=number)
    if not service.may_enter(case):
        abort(409)
    if request.method == "GET":
        return render_template("histology/enter.html", case=case, form=form, home=home)
    if not form.validate():
        return render_template("histology/enter.html", case=case, form=form, home=home), 422
    service.enter(current_user, case, HistologyResult(form.result.data), form.remark.data, form.reported_on.data)
    flash(f"Histology result saved for case {number}.", "success")
    return redirect(home)
